/** Checks activation: requests that arrive while the log is read, and logs that cannot be read. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { reopen, startWorld } from '../../support/machines/conversation.ts';
import type { World } from '../../support/machines/conversation.ts';
import { runUntilIdle } from '../../support/machines/run-until-idle.ts';
import { calling, worldInState } from '../../support/machines/states.ts';
import { rowLines } from '../../support/machines/row-lines.ts';
import { asker, cancel, chat } from '../../support/machines/values.ts';

const turnLines = (world: World, requestId = 'r1') => rowLines(world.log.rowsOf(requestId)).slice(1);

test('a log without open turns stays unchanged on activation', async () => {
  const world = await startWorld();
  assert.equal(world.state(), 'idle');
  assert.deepEqual(world.emitted, []);
});

describe('a request that arrives while the log is read', () => {
  test('is handled in order once the conversation is active', async () => {
    const world = await startWorld({ recovered: 'never' });
    world.send(chat('r1'));
    world.send(chat('r2'));
    world.send(cancel('stop'));
    await world.readLog();
    assert.equal(world.state(), 'turn.receiving');
    await runUntilIdle(world);
    assert.deepEqual([turnLines(world).at(-1), turnLines(world, 'r2').at(-1)], ['end cancelled', 'end stop']);
  });

  test('may cancel the turn that is recovered', async () => {
    const world = await reopen(await worldInState('turn.toolHop.running'));
    world.send(cancel('stop'));
    await runUntilIdle(world);
    assert.deepEqual(turnLines(world).slice(2), [
      'result add outcome_unknown',
      'recovered 1',
      'cancel cancelled',
      'end cancelled',
    ]);
  });

  test('is refused beyond a limit', async () => {
    for (const world of [
      await startWorld({ recovered: 'never', limits: { queueLength: 1 } }),
      await reopen(await worldInState('turn.toolHop.running'), { limits: { queueLength: 1 } }),
    ]) {
      world.send(chat('one'));
      world.send(chat('two'));
      world.send(cancel('three'));
      const refused = world.emitted.flatMap((event) => (event.type === 'refuse' ? [[event.to, event.fault.code]] : []));
      assert.deepEqual(refused, [
        [asker('two'), 'overloaded'],
        [asker('three'), 'overloaded'],
      ]);
    }
  });
});

describe('an activation whose log fails', () => {
  test('ends the actor and asks waiting clients to send again if the log cannot be read', async () => {
    const world = await startWorld({ recovered: 'never' });
    world.send(chat('r1'));
    await world.failLog();
    assert.equal(world.state(), 'failed');
    assert.deepEqual(
      world.emitted.map((event) => [event.type, 'fault' in event && event.fault.code]),
      [
        ['refuse', 'conversation_failed'],
        ['failed', 'conversation_failed'],
      ],
    );
    assert.deepEqual(world.ends, ['ended']);
  });

  test('leaves the recovery to the next activation if its rows cannot be stored', async () => {
    const before = await worldInState('turn.toolHop.running');
    const broken = await reopen(before);
    broken.failCommit();
    assert.equal(broken.state(), 'failed');
    const world = await reopen(before);
    await runUntilIdle(world);
    assert.equal(turnLines(world).at(-1), 'end stop');
  });
});

test('a conversation that was passivated after its turn activates as idle and runs the next turn', async () => {
  const before = await startWorld();
  await calling(before);
  await runUntilIdle(before);
  before.send({ type: 'conversation.passivate' });
  const world = await reopen(before);
  assert.equal(world.state(), 'idle');
  world.send(chat('r3'));
  await runUntilIdle(world);
  assert.equal(turnLines(world, 'r3').at(-1), 'end stop');
});
