/** Stop: in every state of a turn, against answers and results that race it, twice, and too late. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { World } from '../support/machine-conversation.ts';
import { startWorld } from '../support/machine-conversation.ts';
import { bringToRest } from '../support/machine-rest.ts';
import { calling, streaming, worldIn } from '../support/machine-states.ts';
import { storyOf } from '../support/machine-story.ts';
import { asked, asker, cancel, chat, refusedKey } from '../support/machine-values.ts';

const stopped = (by: string, ...requestIds: string[]) => ({
  type: 'reply',
  to: asker(by),
  result:
    requestIds.length > 0
      ? { cancelled: requestIds, disposition: 'cancelled' }
      : { cancelled: [], disposition: 'nothing_running' },
});
const storyOfTurn = (world: World, requestId = 'r1') => storyOf(world.log.rowsOf(requestId)).slice(1);

const stories: Record<string, string[]> = {
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

for (const [state, story] of Object.entries(stories)) {
  test(`a Stop in ${state} is a row first, then an answer, then the end; the next turn is not touched`, async () => {
    const world = await worldIn(state);
    world.send(cancel('stop'));
    await bringToRest(world);
    assert.deepEqual(storyOfTurn(world), story);
    const told = world.emitted.map((event) => (event.type === 'append' ? event.tag.of : event.type));
    assert.equal(told.filter((what) => what === 'reply').length, 1);
    assert.deepEqual(
      told
        .slice(told.indexOf('cancel'))
        .filter((what) => ['cancel', 'reply', 'end'].includes(what))
        .slice(0, 3),
      ['cancel', 'reply', 'end'],
    );
    if (state !== 'turn.receiving') assert.equal(storyOfTurn(world, 'r2').at(-1), 'end stop');
  });
}

describe('while the Stop is being committed', () => {
  test('the stream goes on, and is told to stop only then', async () => {
    const world = await worldIn('turn.streaming');
    world.send(cancel('stop'));
    assert.equal(world.answering().stopped, false);
    world.commit();
    assert.equal(world.answering().stopped, true);
    assert.equal(world.state(), 'turn.cancelling.stopping');
  });

  test('an answer that is finished meanwhile is kept whole', async () => {
    const world = await worldIn('turn.streaming');
    world.send(cancel('stop'));
    world.answering().finish();
    world.commitAll();
    assert.deepEqual(storyOfTurn(world), ['cancel cancelled', 'assistant: Hello.', 'end cancelled']);
  });

  test('an answer that fails meanwhile does not make the Stop a fault', async () => {
    const world = await worldIn('turn.streaming');
    world.send(cancel('stop'));
    world.answering().fail({ text: 'Hel', fault: refusedKey });
    world.commitAll();
    assert.deepEqual(storyOfTurn(world), ['cancel cancelled', 'assistant (partial): Hel', 'end cancelled']);
  });

  test('calls that are asked for meanwhile are never made, and leave no empty answer', async () => {
    for (const [text, kept] of [
      ['I add.', ['assistant (partial): I add.']],
      ['', []],
    ] as const) {
      const world = await worldIn('turn.streaming');
      world.send(cancel('stop'));
      world.answering().finish({ text, calls: [asked('add')] });
      world.commitAll();
      assert.deepEqual(storyOfTurn(world), ['cancel cancelled', ...kept, 'end cancelled']);
      assert.equal(world.calls.length, 0);
    }
  });

  test('a call that ends meanwhile keeps its result', async () => {
    const world = await worldIn('turn.toolHop.running');
    world.send(cancel('stop'));
    world.calling('add').end();
    world.commitAll();
    assert.deepEqual(storyOfTurn(world).slice(2), ['cancel cancelled', 'result add ok', 'end cancelled']);
  });
});

test('a Stop among calls: those that run are aborted, those that wait are closed, none starts', async () => {
  const world = await startWorld({ limits: { toolConcurrency: 2 } });
  await streaming(world);
  world.answering().finish({ calls: [asked('add'), asked('wait'), asked('fail')] });
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
  world.calling('add').end();
  world.calling('wait').end({ status: 'cancelled' });
  assert.equal(world.state(), 'turn.persisting');
  world.commitAll();
  assert.deepEqual(storyOfTurn(world).slice(5), [
    'result add ok',
    'result wait cancelled',
    'result fail cancelled',
    'end cancelled',
  ]);
});

test('no provider is asked again after a Stop, however late the wait ends', async () => {
  const world = await worldIn('turn.backingOff');
  world.send(cancel('stop', 'r1'));
  world.clock.increment(60_000);
  assert.equal(world.answers.length, 1);
});

describe('two Stops', () => {
  test('are both answered with the commit of the one row', async () => {
    const world = await worldIn('turn.streaming');
    world.news();
    world.send(cancel('one'));
    world.send(cancel('two', 'r1'));
    assert.deepEqual(
      world.news().map(({ type }) => type),
      ['append'],
    );
    world.commit();
    assert.deepEqual(world.news(), [stopped('one', 'r1'), stopped('two', 'r1')]);
  });

  test('of which the second comes after the commit: it is answered at once', async () => {
    const world = await worldIn('turn.cancelling.stopping');
    world.news();
    world.send(cancel('two'));
    assert.deepEqual(world.news(), [stopped('two', 'r1')]);
  });
});

describe('a Stop that comes too late', () => {
  test('while the end is committed finds nothing to stop, and does not take the next turn for the one it meant', async () => {
    const world = await worldIn('turn.persisting');
    world.news();
    world.send(cancel('late'));
    world.commit();
    assert.deepEqual(
      world.news().filter(({ type }) => type === 'reply'),
      [stopped('late')],
    );
    await bringToRest(world);
    assert.equal(storyOfTurn(world, 'r2').at(-1), 'end stop');
  });

  test('or means a turn that nobody knows is told so, in a turn and without one', async () => {
    for (const state of ['idle', 'turn.streaming', 'turn.cancelling.recording', 'turn.toolHop.settling']) {
      const world = await worldIn(state);
      world.news();
      world.send(cancel('late', 'nobody'));
      assert.deepEqual(world.news(), [stopped('late')]);
    }
  });
});

test('more Stops than may wait for a commit are refused, not kept', async () => {
  const world = await startWorld({ limits: { queueLength: 2 } });
  await calling(world);
  world.calling('add').end();
  for (const by of ['one', 'two', 'three']) world.send(cancel(by));
  const refused = world.emitted.at(-1);
  assert.ok(refused?.type === 'refuse' && refused.to.requestId === 'three' && refused.fault.code === 'overloaded');
});

test('a Stop before the message is stored waits for it; of a message that is not stored, nothing is left to stop', async () => {
  const world = await startWorld();
  world.send(chat('r1'));
  world.send(cancel('stop'));
  world.failCommit();
  assert.deepEqual(
    world
      .news()
      .slice(1)
      .map(({ type }) => type),
    ['refuse', 'reply'],
  );
  assert.deepEqual(world.emitted.at(-1), stopped('stop'));
});
