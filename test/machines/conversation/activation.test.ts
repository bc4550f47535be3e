/** Activation: who is heard while the log is being read, and what a log that fails means for them. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { reopen, startWorld } from '../../support/machines/conversation.ts';
import type { World } from '../../support/machines/conversation.ts';
import { runUntilIdle } from '../../support/machines/run-until-idle.ts';
import { calling, worldInState } from '../../support/machines/states.ts';
import { rowLines } from '../../support/machines/row-lines.ts';
import { asker, cancel, chat } from '../../support/machines/values.ts';

const storyOfTurn = (world: World, requestId = 'r1') => rowLines(world.log.rowsOf(requestId)).slice(1);

test('a log in which nothing is open is left as it is', async () => {
  const world = await startWorld();
  assert.equal(world.state(), 'idle');
  assert.deepEqual(world.emitted, []);
});

describe('clients that come meanwhile', () => {
  test('are heard in order once the conversation can answer', async () => {
    const world = await startWorld({ recovered: 'never' });
    world.send(chat('r1'));
    world.send(chat('r2'));
    world.send(cancel('stop'));
    await world.readLog();
    assert.equal(world.state(), 'turn.receiving');
    await runUntilIdle(world);
    assert.deepEqual([storyOfTurn(world).at(-1), storyOfTurn(world, 'r2').at(-1)], ['end cancelled', 'end stop']);
  });

  test('may stop the turn that is taken up', async () => {
    const world = await reopen(await worldInState('turn.toolHop.running'));
    world.send(cancel('stop'));
    await runUntilIdle(world);
    assert.deepEqual(storyOfTurn(world).slice(2), [
      'result add outcome_unknown',
      'recovered 1',
      'cancel cancelled',
      'end cancelled',
    ]);
  });

  test('are refused beyond a limit', async () => {
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

describe('a log that fails', () => {
  test('to be read ends the actor; those who waited are told to send again', async () => {
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

  test('to take the recovery leaves it to the next opening', async () => {
    const before = await worldInState('turn.toolHop.running');
    const broken = await reopen(before);
    broken.failCommit();
    assert.equal(broken.state(), 'failed');
    const world = await reopen(before);
    await runUntilIdle(world);
    assert.equal(storyOfTurn(world).at(-1), 'end stop');
  });
});

test('a turn that was passivated behind is idle, and its conversation goes on', async () => {
  const before = await startWorld();
  await calling(before);
  await runUntilIdle(before);
  before.send({ type: 'conversation.passivate' });
  const world = await reopen(before);
  assert.equal(world.state(), 'idle');
  world.send(chat('r3'));
  await runUntilIdle(world);
  assert.equal(storyOfTurn(world, 'r3').at(-1), 'end stop');
});
