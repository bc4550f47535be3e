/** Checks turns without faults: what the chart writes, requests and sends, from the message to the end. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startWorld } from '../../support/machines/conversation.ts';
import type { World, WorldOptions } from '../../support/machines/conversation.ts';
import { runUntilIdle } from '../../support/machines/run-until-idle.ts';
import { rowLines } from '../../support/machines/row-lines.ts';
import { asked, chat, refusedKey, someUsage } from '../../support/machines/values.ts';

async function streaming(options: WorldOptions = {}): Promise<World> {
  const world = await startWorld(options);
  world.send(chat('r1'));
  world.commit();
  await world.loadContext();
  return world;
}

const endOf = (world: World) => world.log.stored().at(-1)?.end?.payload;

describe('a turn without tools', () => {
  test('passes its states in order, each commit before what depends on it', async () => {
    const world = await startWorld();
    const path: string[] = [world.state()];
    const step = async (move: () => void | Promise<void>) => {
      await move();
      path.push(world.state());
    };
    await step(() => world.send(chat('r1')));
    await step(() => world.commit());
    await step(() => world.loadContext());
    await step(() => world.currentAnswer().finish());
    await step(() => world.commit());
    assert.deepEqual(path, [
      'idle',
      'turn.receiving',
      'turn.loadingContext',
      'turn.streaming',
      'turn.persisting',
      'idle',
    ]);
    assert.deepEqual(
      world.emitted.map(({ type }) => type),
      ['append', 'turn.accepted', 'append', 'permit.returned'],
    );
    assert.deepEqual(rowLines(world.log.rows()), ['user: text of r1', 'assistant: Hello.', 'end stop']);
  });

  test('is acknowledged after the commit of its message, with its seq', async () => {
    const world = await startWorld();
    world.send(chat('r1'));
    assert.deepEqual(
      world.newEvents().map(({ type }) => type),
      ['append'],
    );
    world.commit();
    assert.deepEqual(world.newEvents(), [
      { type: 'turn.accepted', chat: chat('r1'), seq: 1, disposition: 'started', position: 1 },
    ]);
  });

  test('ends with the usage, the model and the finish reason of the provider', async () => {
    const world = await streaming();
    world.currentAnswer().finish({ finishReason: 'length' });
    world.commit();
    const metadata = {
      tokens: 12,
      usage: someUsage,
      usage_by_hop: [{ hop: 0, model: 'model-1', usage: someUsage }],
      model: 'model-1',
      finish_reason: 'length',
      tool_hops: 0,
    };
    assert.deepEqual(endOf(world), { status: 'complete', metadata });
  });

  test('notifies its followers if the context had to be cut', async () => {
    const world = await startWorld();
    world.send(chat('r1'));
    world.commit();
    world.newEvents();
    await world.loadContext({ cut: 2 });
    const [notice] = world.newEvents();
    assert.ok(
      notice?.type === 'notice' &&
        notice.kind === 'context_truncated' &&
        notice.data.startsWith('2 long messages were cut'),
    );
  });

  test('ends in an error if its context cannot be read', async () => {
    const world = await startWorld();
    world.send(chat('r1'));
    world.commit();
    await world.failContext();
    world.commit();
    assert.equal(world.state(), 'idle');
    assert.deepEqual(rowLines(world.log.rows()), ['user: text of r1', 'end with internal']);
  });

  test('keeps the text received before the provider fails', async () => {
    const world = await streaming();
    world.currentAnswer().fail({ text: 'Hel', fault: refusedKey });
    world.commit();
    assert.deepEqual(rowLines(world.log.rows()), [
      'user: text of r1',
      'assistant (partial): Hel',
      'end with provider_auth',
    ]);
  });
});

describe('a hop with tools', () => {
  test('dispatches before it calls, records each result, and asks the model again', async () => {
    const world = await streaming();
    world.currentAnswer().finish({ calls: [asked('add', { arguments: { a: 1 } })] });
    assert.equal(world.state(), 'turn.toolHop.recording');
    assert.equal(world.calls.length, 0);
    world.commit();
    assert.equal(world.state(), 'turn.toolHop.running');
    assert.deepEqual(world.latestCall('add').input.arguments, { a: 1 });
    world.latestCall('add').end({ text: '3' });
    assert.equal(world.state(), 'turn.toolHop.settling');
    world.commit();
    assert.equal(world.state(), 'turn.loadingContext');
    await runUntilIdle(world);
    const lines = [
      'user: text of r1',
      'assistant: asks add',
      'dispatch add',
      'result add ok',
      'assistant: Hello.',
      'end stop',
    ];
    assert.deepEqual(rowLines(world.log.rows()), lines);
  });

  test('adds its usage to that of the turn and counts as a hop', async () => {
    const world = await streaming();
    world.currentAnswer().finish({ calls: [asked('add')] });
    await runUntilIdle(world);
    const usage = { prompt_tokens: 20, completion_tokens: 4, total_tokens: 24 };
    assert.deepEqual(endOf(world), {
      status: 'complete',
      metadata: {
        tokens: 24,
        usage,
        usage_by_hop: [0, 1].map((hop) => ({ hop, model: 'model-1', usage: someUsage })),
        model: 'model-1',
        finish_reason: 'stop',
        tool_hops: 1,
      },
    });
  });

  test('runs calls in parallel up to the limit, and the next as one ends', async () => {
    const world = await streaming({ limits: { toolConcurrency: 2 } });
    world.currentAnswer().finish({ calls: [asked('add'), asked('wait'), asked('fail')] });
    world.commit();
    const names = () => world.calls.map(({ input }) => input.tool.name);
    assert.deepEqual(names(), ['add', 'wait']);
    world.latestCall('wait').end();
    assert.deepEqual(names(), ['add', 'wait', 'fail']);
    assert.equal(world.state(), 'turn.toolHop.running');
    world.latestCall('fail').end();
    world.latestCall('add').end();
    assert.equal(world.state(), 'turn.toolHop.settling');
    world.commit();
    world.commit();
    assert.equal(world.state(), 'turn.toolHop.settling', 'one result is not committed yet');
    world.commit();
    assert.equal(world.state(), 'turn.loadingContext');
    assert.ok(world.calls.every(({ open }) => !open));
    assert.deepEqual(Object.keys(world.actor.getSnapshot().children), ['context'], 'no call is kept once it is over');
  });

  test('continues after a call that fails or times out, and the model gets the failure', async () => {
    const world = await streaming({ limits: { toolTimeoutMs: 100 } });
    world.currentAnswer().finish({ calls: [asked('fail'), asked('wait')] });
    world.commit();
    world.latestCall('fail').end({ status: 'error', text: 'no such file' });
    world.clock.increment(100);
    assert.ok(world.latestCall('wait').aborted);
    await runUntilIdle(world);
    assert.deepEqual(rowLines(world.log.rows()).slice(4, 6), ['result fail error', 'result wait timed_out']);
    assert.equal(world.answers.length, 2);
  });

  test('ends calls that cannot be made at once, in the commit that records them', async () => {
    const world = await streaming();
    world.currentAnswer().finish({
      calls: [
        asked('nosuch'),
        asked('add', { text: '[1', arguments: null }),
        asked('add', { violation: 'a: is no number' }),
      ],
    });
    world.commit();
    assert.equal(world.state(), 'turn.loadingContext');
    assert.equal(world.calls.length, 0);
    assert.deepEqual(rowLines(world.log.rows()).slice(1), [
      'assistant: asks nosuch, add, add',
      'result nosuch error',
      'result add error',
      'result add error',
    ]);
    assert.match(String(world.log.rows().at(-2)?.content), /not a JSON object. You wrote: \[1/);
    assert.match(String(world.log.rows().at(-1)?.content), /do not fit its schema \(a: is no number\)/);
  });
});

for (const maxToolHops of [0, 1, 2]) {
  test(`a limit of ${maxToolHops} hops closes every further call with status limit`, async () => {
    const world = await streaming({ limits: { maxToolHops } });
    for (let hop = 0; hop < maxToolHops; hop += 1) {
      world.currentAnswer().finish({ calls: [asked('add')] });
      world.commit();
      world.latestCall('add').end();
      world.commit();
      await world.loadContext();
    }
    world.currentAnswer().finish({ text: 'Let me see.', calls: [asked('add'), asked('wait')] });
    assert.equal(world.state(), 'turn.persisting');
    world.commit();
    const notice = `assistant: [Stopped: the limit of ${maxToolHops} tool hop${maxToolHops === 1 ? '' : 's'} for one turn was reached.]`;
    const close = [
      'assistant: Let me see. asks add, wait',
      'result add limit',
      'result wait limit',
      notice,
      'end tool_limit_reached',
    ];
    assert.deepEqual(rowLines(world.log.rows()).slice(-5), close);
    assert.equal(world.calls.length, maxToolHops);
  });
}

test('calls at the limit are closed for any finish reason, and an answer without calls is not at the limit', async () => {
  const talker = await streaming({ limits: { maxToolHops: 0 } });
  talker.currentAnswer().finish({ finishReason: 'stop', calls: [asked('add')] });
  talker.commit();
  assert.deepEqual(rowLines(talker.log.rows()).slice(2, 3), ['result add limit']);

  const silent = await streaming({ limits: { maxToolHops: 0 } });
  silent.currentAnswer().finish({ finishReason: 'tool_calls' });
  silent.commit();
  assert.deepEqual(rowLines(silent.log.rows()), ['user: text of r1', 'assistant: Hello.', 'end stop']);
});
