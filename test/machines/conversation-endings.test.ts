/** How a conversation's actor ends: drained, passivated, halted, or because the log failed. Never with work left running. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { reopen, startWorld } from '../support/machine-conversation.ts';
import type { World } from '../support/machine-conversation.ts';
import { bringToRest } from '../support/machine-rest.ts';
import { livingStates, worldIn } from '../support/machine-states.ts';
import { brokenDisk, cancel, chat, nothingOpen } from '../support/machine-values.ts';

const endsOf = (world: World) => world.log.stored().flatMap(({ end }) => (end ? [end.requestId] : []));

function assertNothingRuns(world: World) {
  assert.deepEqual(world.ends, ['ended']);
  assert.ok([...world.answers, ...world.calls].every(({ open }) => !open));
}

/** Nothing is lost if the actor ends here: it is idle, or waits for people alone. */
const resting = ['idle', 'turn.toolHop.waiting'];

describe('a drain', () => {
  for (const [what, state] of [
    ['that waits for a person', 'turn.toolHop.waiting'],
    ['that waits in line', 'turn.queued'],
  ] as const)
    test(`leaves a turn ${what} to the next start`, async () => {
      const world = await worldIn(state);
      world.send({ type: 'conversation.drain' });
      assert.equal(world.state(), 'stopped');
      assertNothingRuns(world);
      assert.deepEqual(endsOf(world), []);
    });

  for (const state of livingStates.filter(
    (name) => !['turn.queued', 'turn.toolHop.waiting', 'deleting'].includes(name),
  )) {
    test(`in ${state} lets the running turn end, starts none, and stops`, async () => {
      const world = await worldIn(state);
      world.send({ type: 'conversation.drain' });
      await bringToRest(world);
      assert.equal(world.state(), 'stopped');
      assertNothingRuns(world);
      const runs = state.startsWith('turn.') && state !== 'turn.receiving';
      assert.deepEqual(endsOf(world), runs || state === 'recovering' ? ['r1'] : []);
      const left = world.log
        .stored()
        .flatMap(({ begin }) => (begin && !endsOf(world).includes(begin.requestId) ? [begin.requestId] : []));
      assert.deepEqual(left, runs || state === 'recovering' ? ['r2'] : state === 'turn.receiving' ? ['r1'] : []);
    });
  }

  test('twice is the same as once', async () => {
    const world = await worldIn('turn.streaming');
    world.send({ type: 'conversation.drain' });
    world.send({ type: 'conversation.drain' });
    await bringToRest(world);
    assert.deepEqual(endsOf(world), ['r1']);
  });

  test('leaves a turn that waits within reach of a Stop', async () => {
    const world = await worldIn('turn.streaming');
    world.send({ type: 'conversation.drain' });
    world.send(cancel('stop', 'r2'));
    await bringToRest(world);
    assert.deepEqual(endsOf(world), ['r2', 'r1']);
    assert.deepEqual(world.log.standing(), { ...nothingOpen, spent: { tokens: 12, cost: 0 } });
  });

  test('while a message is being stored leaves it to the next start, and tells its sender that it waits', async () => {
    const world = await worldIn('turn.receiving');
    world.send({ type: 'conversation.drain' });
    world.commit();
    assert.equal(world.state(), 'stopped');
    const accepted = world.emitted.at(-1);
    assert.ok(accepted?.type === 'turn.accepted' && accepted.disposition === 'queued');
  });
});

describe('a passivation', () => {
  for (const state of livingStates) {
    test(`in ${state} ${resting.includes(state) ? 'ends the actor' : 'changes nothing'}`, async () => {
      const world = await worldIn(state);
      world.news();
      world.send({ type: 'conversation.passivate' });
      assert.equal(world.state(), resting.includes(state) ? 'stopped' : state);
      assert.deepEqual(world.news(), []);
    });
  }

  test('waits for a message that is on its way to the log', async () => {
    const world = await worldIn('turn.streaming');
    world.send(chat('r3'));
    const late = world.waiting.splice(0);
    await bringToRest(world);
    world.send({ type: 'conversation.passivate' });
    assert.equal(world.state(), 'idle');
    world.waiting.push(...late);
    await bringToRest(world);
    assert.deepEqual(endsOf(world), ['r1', 'r2', 'r3']);
    world.send({ type: 'conversation.passivate' });
    assert.equal(world.state(), 'stopped');
  });
});

describe('a halt', () => {
  for (const state of livingStates) {
    test(`in ${state} ends all work at once`, async () => {
      const world = await worldIn(state);
      world.send({ type: 'conversation.halt' });
      assert.equal(world.state(), 'stopped');
      assertNothingRuns(world);
    });
  }
});

describe('a log that fails', () => {
  const committing = [
    'recovering',
    'turn.toolHop.recording',
    'turn.toolHop.settling',
    'turn.cancelling.recording',
    'turn.persisting',
  ];
  for (const state of committing) {
    test(`in ${state} ends the actor with the fault, and the log opens again where it stood`, async () => {
      const before = await worldIn(state);
      before.failCommit();
      assert.equal(before.state(), 'failed');
      assert.deepEqual(before.emitted.at(-1), { type: 'failed', fault: brokenDisk });
      assertNothingRuns(before);
      const world = await reopen(before);
      await bringToRest(world);
      assert.deepEqual(endsOf(world), ['r1', 'r2']);
    });
  }

  test('to store a message is that message’s fault alone', async () => {
    const world = await worldIn('turn.receiving');
    world.failCommit();
    assert.equal(world.state(), 'idle');
    const refused = world.emitted.at(-1);
    assert.ok(refused?.type === 'refuse' && refused.fault === brokenDisk && refused.to.requestId === 'r1');
    world.send(chat('r1'));
    await bringToRest(world);
    assert.deepEqual(endsOf(world), ['r1']);
  });

  test('under a Stop tells who asked for it', async () => {
    const world = await worldIn('turn.cancelling.recording');
    world.send(cancel('two'));
    world.failCommit();
    const refused = world.emitted.flatMap((event) =>
      event.type === 'refuse' ? [[event.to.requestId, event.fault.code]] : [],
    );
    assert.deepEqual(refused, [
      ['stop-1', 'conversation_failed'],
      ['two', 'conversation_failed'],
    ]);
  });

  test('under a withdrawal, with or without a turn, ends the actor too', async () => {
    const world = await worldIn('turn.streaming');
    world.send(cancel('stop', 'r2'));
    const [late] = world.waiting.splice(0);
    await bringToRest(world);
    assert.ok(late?.type === 'append');
    world.send({ type: 'log.failed', tag: late.tag, fault: brokenDisk });
    assert.equal(world.state(), 'failed');
  });
});

test('an answer actor that throws is a crash of this conversation alone, seen by who watches it', async () => {
  const world = await startWorld({ modelThrows: true });
  world.send(chat('r1'));
  world.commit();
  await world.loadContext();
  assert.equal(world.ends.length, 1);
  assert.match(String(world.ends[0]), /no model/);
});
