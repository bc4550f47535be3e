/**
 * Checks how a conversation's actor ends: drained, passivated, halted, or because the log failed. No work is left
 * running.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { reopen, startWorld } from '../../support/machines/conversation.ts';
import type { World } from '../../support/machines/conversation.ts';
import { runUntilIdle } from '../../support/machines/run-until-idle.ts';
import { livingStates, worldInState } from '../../support/machines/states.ts';
import { brokenDisk, cancel, chat, nothingOpen } from '../../support/machines/values.ts';

const endsOf = (world: World) => world.log.stored().flatMap(({ end }) => (end ? [end.requestId] : []));

function assertNothingRuns(world: World) {
  assert.deepEqual(world.ends, ['ended']);
  assert.ok([...world.answers, ...world.calls].every(({ open }) => !open));
}

/** States in which the actor may end without loss: idle, or waiting for answers of users only. */
const resting = ['idle', 'turn.toolHop.waiting'];

describe('a drain', () => {
  for (const [what, state] of [
    ['that waits for an approval', 'turn.toolHop.waiting'],
    ['that waits for a permit', 'turn.queued'],
  ] as const)
    test(`leaves a turn ${what} to the next start`, async () => {
      const world = await worldInState(state);
      world.send({ type: 'conversation.drain' });
      assert.equal(world.state(), 'stopped');
      assertNothingRuns(world);
      assert.deepEqual(endsOf(world), []);
    });

  for (const state of livingStates.filter(
    (name) => !['turn.queued', 'turn.toolHop.waiting', 'deleting'].includes(name),
  )) {
    test(`in ${state} lets the running turn end, starts no other, and stops`, async () => {
      const world = await worldInState(state);
      world.send({ type: 'conversation.drain' });
      await runUntilIdle(world);
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

  test('has no further effect the second time', async () => {
    const world = await worldInState('turn.streaming');
    world.send({ type: 'conversation.drain' });
    world.send({ type: 'conversation.drain' });
    await runUntilIdle(world);
    assert.deepEqual(endsOf(world), ['r1']);
  });

  test('keeps a waiting turn cancellable', async () => {
    const world = await worldInState('turn.streaming');
    world.send({ type: 'conversation.drain' });
    world.send(cancel('stop', 'r2'));
    await runUntilIdle(world);
    assert.deepEqual(endsOf(world), ['r2', 'r1']);
    assert.deepEqual(world.log.recovered(), { ...nothingOpen, spent: { tokens: 12, cost: 0 } });
  });

  test('while a message is being stored leaves it to the next start, and notifies its sender that it is queued', async () => {
    const world = await worldInState('turn.receiving');
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
      const world = await worldInState(state);
      world.newEvents();
      world.send({ type: 'conversation.passivate' });
      assert.equal(world.state(), resting.includes(state) ? 'stopped' : state);
      assert.deepEqual(world.newEvents(), []);
    });
  }

  test('waits for a message that is being committed', async () => {
    const world = await worldInState('turn.streaming');
    world.send(chat('r3'));
    const late = world.pending.splice(0);
    await runUntilIdle(world);
    world.send({ type: 'conversation.passivate' });
    assert.equal(world.state(), 'idle');
    world.pending.push(...late);
    await runUntilIdle(world);
    assert.deepEqual(endsOf(world), ['r1', 'r2', 'r3']);
    world.send({ type: 'conversation.passivate' });
    assert.equal(world.state(), 'stopped');
  });
});

describe('a halt', () => {
  for (const state of livingStates) {
    test(`in ${state} ends all work at once`, async () => {
      const world = await worldInState(state);
      world.send({ type: 'conversation.halt' });
      assert.equal(world.state(), 'stopped');
      assertNothingRuns(world);
    });
  }
});

describe('a failure of the log', () => {
  const committing = [
    'recovering',
    'turn.toolHop.recording',
    'turn.toolHop.settling',
    'turn.cancelling.recording',
    'turn.persisting',
  ];
  for (const state of committing) {
    test(`in ${state} ends the actor with the fault, and the log reopens unchanged`, async () => {
      const before = await worldInState(state);
      before.failCommit();
      assert.equal(before.state(), 'failed');
      assert.deepEqual(before.emitted.at(-1), { type: 'failed', fault: brokenDisk });
      assertNothingRuns(before);
      const world = await reopen(before);
      await runUntilIdle(world);
      assert.deepEqual(endsOf(world), ['r1', 'r2']);
    });
  }

  test('to store a message fails that message alone', async () => {
    const world = await worldInState('turn.receiving');
    world.failCommit();
    assert.equal(world.state(), 'idle');
    const refused = world.emitted.at(-1);
    assert.ok(refused?.type === 'refuse' && refused.fault === brokenDisk && refused.to.requestId === 'r1');
    world.send(chat('r1'));
    await runUntilIdle(world);
    assert.deepEqual(endsOf(world), ['r1']);
  });

  test('during a cancel is reported to the sender of the cancel', async () => {
    const world = await worldInState('turn.cancelling.recording');
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

  test('during the removal of a queued turn ends the actor too, with or without a running turn', async () => {
    const world = await worldInState('turn.streaming');
    world.send(cancel('stop', 'r2'));
    const [late] = world.pending.splice(0);
    await runUntilIdle(world);
    assert.ok(late?.type === 'append');
    world.send({ type: 'log.failed', tag: late.tag, fault: brokenDisk });
    assert.equal(world.state(), 'failed');
  });
});

test('an answer actor that throws crashes this conversation alone, and its observer gets the error', async () => {
  const world = await startWorld({ modelThrows: true });
  world.send(chat('r1'));
  world.commit();
  await world.loadContext();
  assert.equal(world.ends.length, 1);
  assert.match(String(world.ends[0]), /no model/);
});
