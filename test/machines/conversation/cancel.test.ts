/** Checks cancel: in every state of a turn, in races with answers and results, twice, and too late. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { World } from '../../support/machines/conversation.ts';
import { startWorld } from '../../support/machines/conversation.ts';
import { runUntilIdle } from '../../support/machines/run-until-idle.ts';
import { calling, streaming, worldInState } from '../../support/machines/states.ts';
import { rowLines } from '../../support/machines/row-lines.ts';
import { asked, asker, cancel, chat, refusedKey } from '../../support/machines/values.ts';

const stopped = (by: string, ...requestIds: string[]) => ({
  type: 'reply',
  to: asker(by),
  result:
    requestIds.length > 0
      ? { cancelled: requestIds, disposition: 'cancelled' }
      : { cancelled: [], disposition: 'nothing_running' },
});
const turnLines = (world: World, requestId = 'r1') => rowLines(world.log.rowsOf(requestId)).slice(1);

const linesByState: Record<string, string[]> = {
  'turn.receiving': ['cancel cancelled', 'end cancelled'],
  'turn.queued': ['cancel cancelled', 'end cancelled'],
  'turn.loadingContext': ['cancel cancelled', 'end cancelled'],
  'turn.streaming': ['cancel cancelled', 'assistant (partial): Hel', 'end cancelled'],
  'turn.backingOff': ['cancel cancelled', 'end cancelled'],
  'turn.toolHop.recording': [
    'assistant: asks add',
    'dispatch add',
    'cancel cancelled',
    'result add cancelled',
    'end cancelled',
  ],
  'turn.toolHop.running': [
    'assistant: asks add',
    'dispatch add',
    'cancel cancelled',
    'result add cancelled',
    'end cancelled',
  ],
  'turn.toolHop.waiting': [
    'assistant: asks delete',
    'asks for approval of delete',
    'cancel cancelled',
    'response cancelled',
    'result delete cancelled',
    'end cancelled',
  ],
  'turn.toolHop.settling': [
    'assistant: asks add',
    'dispatch add',
    'result add ok',
    'cancel cancelled',
    'end cancelled',
  ],
};

for (const [state, lines] of Object.entries(linesByState)) {
  test(`a cancel in ${state} commits its row, then replies, then ends the turn; the next turn is not affected`, async () => {
    const world = await worldInState(state);
    world.send(cancel('stop'));
    await runUntilIdle(world);
    assert.deepEqual(turnLines(world), lines);
    const types = world.emitted.map((event) => (event.type === 'append' ? event.tag.of : event.type));
    assert.equal(types.filter((what) => what === 'reply').length, 1);
    assert.deepEqual(
      types
        .slice(types.indexOf('cancel'))
        .filter((what) => ['cancel', 'reply', 'end'].includes(what))
        .slice(0, 3),
      ['cancel', 'reply', 'end'],
    );
    if (state !== 'turn.receiving') assert.equal(turnLines(world, 'r2').at(-1), 'end stop');
  });
}

describe('while the cancel is being committed', () => {
  test('the stream continues, and is aborted only after the commit', async () => {
    const world = await worldInState('turn.streaming');
    world.send(cancel('stop'));
    assert.equal(world.currentAnswer().aborted, false);
    world.commit();
    assert.equal(world.currentAnswer().aborted, true);
    assert.equal(world.state(), 'turn.cancelling.stopping');
  });

  test('an answer that finishes is kept whole', async () => {
    const world = await worldInState('turn.streaming');
    world.send(cancel('stop'));
    world.currentAnswer().finish();
    world.commitAll();
    assert.deepEqual(turnLines(world), ['cancel cancelled', 'assistant: Hello.', 'end cancelled']);
  });

  test('an answer that fails does not turn the cancel into a fault', async () => {
    const world = await worldInState('turn.streaming');
    world.send(cancel('stop'));
    world.currentAnswer().fail({ text: 'Hel', fault: refusedKey });
    world.commitAll();
    assert.deepEqual(turnLines(world), ['cancel cancelled', 'assistant (partial): Hel', 'end cancelled']);
  });

  test('calls that the model requests are never made, and leave no empty answer', async () => {
    for (const [text, kept] of [
      ['I add.', ['assistant (partial): I add.']],
      ['', []],
    ] as const) {
      const world = await worldInState('turn.streaming');
      world.send(cancel('stop'));
      world.currentAnswer().finish({ text, calls: [asked('add')] });
      world.commitAll();
      assert.deepEqual(turnLines(world), ['cancel cancelled', ...kept, 'end cancelled']);
      assert.equal(world.calls.length, 0);
    }
  });

  test('a call that ends keeps its result', async () => {
    const world = await worldInState('turn.toolHop.running');
    world.send(cancel('stop'));
    world.latestCall('add').end();
    world.commitAll();
    assert.deepEqual(turnLines(world).slice(2), ['cancel cancelled', 'result add ok', 'end cancelled']);
  });
});

test('a cancel during tool calls aborts those that run, closes those that wait, and starts none', async () => {
  const world = await startWorld({ limits: { toolConcurrency: 2 } });
  await streaming(world);
  world.currentAnswer().finish({ calls: [asked('add'), asked('wait'), asked('fail')] });
  world.commit();
  world.send(cancel('stop'));
  world.commit();
  assert.deepEqual(
    world.calls.map(({ input, aborted }) => [input.tool.name, aborted]),
    [
      ['add', true],
      ['wait', true],
    ],
  );
  world.latestCall('add').end();
  world.latestCall('wait').end({ status: 'cancelled' });
  assert.equal(world.state(), 'turn.persisting');
  world.commitAll();
  assert.deepEqual(turnLines(world).slice(5), [
    'result add ok',
    'result wait cancelled',
    'result fail cancelled',
    'end cancelled',
  ]);
});

test('no provider is asked again after a cancel, even if the backoff ends later', async () => {
  const world = await worldInState('turn.backingOff');
  world.send(cancel('stop', 'r1'));
  world.clock.increment(60_000);
  assert.equal(world.answers.length, 1);
});

describe('two cancels', () => {
  test('get their reply with the commit of one row', async () => {
    const world = await worldInState('turn.streaming');
    world.newEvents();
    world.send(cancel('one'));
    world.send(cancel('two', 'r1'));
    assert.deepEqual(
      world.newEvents().map(({ type }) => type),
      ['append'],
    );
    world.commit();
    assert.deepEqual(world.newEvents(), [stopped('one', 'r1'), stopped('two', 'r1')]);
  });

  test('both get a reply when the second comes after the commit', async () => {
    const world = await worldInState('turn.cancelling.stopping');
    world.newEvents();
    world.send(cancel('two'));
    assert.deepEqual(world.newEvents(), [stopped('two', 'r1')]);
  });
});

describe('a cancel that comes too late', () => {
  test("finds nothing to stop while the turn's end is committed, and does not affect the next turn", async () => {
    const world = await worldInState('turn.persisting');
    world.newEvents();
    world.send(cancel('late'));
    world.commit();
    assert.deepEqual(
      world.newEvents().filter(({ type }) => type === 'reply'),
      [stopped('late')],
    );
    await runUntilIdle(world);
    assert.equal(turnLines(world, 'r2').at(-1), 'end stop');
  });

  test('gets a reply and stops nothing if it names an unknown turn', async () => {
    for (const state of ['idle', 'turn.streaming', 'turn.cancelling.recording', 'turn.toolHop.settling']) {
      const world = await worldInState(state);
      world.newEvents();
      world.send(cancel('late', 'unknown'));
      assert.deepEqual(world.newEvents(), [stopped('late')]);
    }
  });
});

test('cancels beyond the limit of pending commits are refused, not kept', async () => {
  const world = await startWorld({ limits: { queueLength: 2 } });
  await calling(world);
  world.latestCall('add').end();
  for (const by of ['one', 'two', 'three']) world.send(cancel(by));
  const refused = world.emitted.at(-1);
  assert.ok(refused?.type === 'refuse' && refused.to.requestId === 'three' && refused.fault.code === 'overloaded');
});

test('a cancel before the message is stored waits for it; if the message cannot be stored, nothing is left to cancel', async () => {
  const world = await startWorld();
  world.send(chat('r1'));
  world.send(cancel('stop'));
  world.failCommit();
  assert.deepEqual(
    world
      .newEvents()
      .slice(1)
      .map(({ type }) => type),
    ['refuse', 'reply'],
  );
  assert.deepEqual(world.emitted.at(-1), stopped('stop'));
});
