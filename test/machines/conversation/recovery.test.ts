/** Checks a turn that a crash or a restart interrupted: how it continues, when it ends, and that a cancel holds. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { reopen, startWorld } from '../../support/machines/conversation.ts';
import type { World } from '../../support/machines/conversation.ts';
import { runUntilIdle } from '../../support/machines/run-until-idle.ts';
import { worldInState } from '../../support/machines/states.ts';
import { rowLines } from '../../support/machines/row-lines.ts';
import { asked, cancel, chat } from '../../support/machines/values.ts';

const turnLines = (world: World, requestId = 'r1') => rowLines(world.log.rowsOf(requestId)).slice(1);

async function callingHarmless(): Promise<World> {
  const world = await startWorld();
  world.send(chat('r1'));
  world.commit();
  await world.loadContext();
  world.currentAnswer().finish({ calls: [asked('look', { arguments: { a: 1 } })] });
  world.commit();
  return world;
}

describe('an interrupted turn', () => {
  test('in a call continues with an unknown outcome', async () => {
    const before = await worldInState('turn.toolHop.running');
    const world = await reopen(before);
    assert.equal(world.state(), 'recovering');
    world.commit();
    assert.equal(world.state(), 'turn.loadingContext');
    await runUntilIdle(world);
    const lines = [
      'assistant: asks add',
      'dispatch add',
      'result add outcome_unknown',
      'recovered 1',
      'assistant: Hello.',
      'end stop',
    ];
    assert.deepEqual(turnLines(world), lines);
    assert.equal(world.calls.length, 0);
  });

  test('with all results continues from them', async () => {
    const before = await worldInState('turn.toolHop.settling');
    before.commit();
    const world = await reopen(before);
    await runUntilIdle(world);
    assert.deepEqual(turnLines(world).slice(2), ['result add ok', 'recovered 1', 'assistant: Hello.', 'end stop']);
  });

  test('before its first row is resumed and counted too: it may have caused the crash', async () => {
    const world = await reopen(await worldInState('turn.streaming'));
    await runUntilIdle(world);
    assert.deepEqual(turnLines(world), ['recovered 1', 'assistant: Hello.', 'end stop']);
  });

  test('in an idempotent call repeats the call once, and never a third time', async () => {
    let world = await reopen(await callingHarmless());
    world.commit();
    assert.equal(world.state(), 'turn.toolHop.running');
    assert.deepEqual(world.latestCall('look').input.arguments, { a: 1 });
    world = await reopen(world);
    await runUntilIdle(world);
    const lines = [
      'assistant: asks look',
      'dispatch look',
      'dispatch look',
      'recovered 1',
      'result look outcome_unknown',
      'recovered 2',
      'assistant: Hello.',
      'end stop',
    ];
    assert.deepEqual(turnLines(world), lines);
    assert.equal(world.calls.length, 0);
  });

  test('continues with the result of the repeat, which a cancel ends like any other call', async () => {
    const repeating = async () => {
      const world = await reopen(await callingHarmless());
      world.commit();
      return world;
    };
    const patient = await repeating();
    await runUntilIdle(patient);
    assert.deepEqual(turnLines(patient).slice(3), ['recovered 1', 'result look ok', 'assistant: Hello.', 'end stop']);
    const stopped = await repeating();
    stopped.send(cancel('stop'));
    await runUntilIdle(stopped);
    assert.deepEqual(turnLines(stopped).slice(3), [
      'recovered 1',
      'cancel cancelled',
      'result look cancelled',
      'end cancelled',
    ]);
  });

  test('is not resumed if the configuration says so, or after too long', async () => {
    const policy = { mode: 'resume', attempts: 2, maxAgeMs: 1_000 } as const;
    for (const [recovery, ageMs] of [
      [{ ...policy, mode: 'interrupt' as const }, 0],
      [policy, 1_001],
    ] as const) {
      const before = await worldInState('turn.toolHop.running');
      const world = await reopen(before, { limits: { recovery }, recovered: before.log.recovered(ageMs) });
      world.commit();
      assert.deepEqual(turnLines(world).slice(2), ['result add outcome_unknown', 'end with recovery_failed']);
    }
  });

  test('counts its hops and usage from before the restart', async () => {
    const world = await reopen(await worldInState('turn.toolHop.running'), { limits: { maxToolHops: 1 } });
    world.commit();
    await world.loadContext();
    world.currentAnswer().finish({ calls: [asked('add')] });
    await runUntilIdle(world);
    const end = world.log.stored().find((intent) => intent.end?.requestId === 'r1')?.end?.payload;
    assert.ok(end?.status === 'complete');
    assert.deepEqual(
      [end.metadata.finish_reason, end.metadata.tool_hops, end.metadata.tokens],
      ['tool_limit_reached', 1, 24],
    );
  });

  test('runs before the queued turns, which are announced as they start', async () => {
    const world = await reopen(await worldInState('turn.toolHop.running'));
    await runUntilIdle(world);
    assert.deepEqual(
      world.log.stored().flatMap(({ end }) => (end ? [end.requestId] : [])),
      ['r1', 'r2'],
    );
    assert.deepEqual(
      world.emitted
        .filter(({ type }) => type === 'notice')
        .map((event) => event.type === 'notice' && [event.requestId, event.kind]),
      [['r2', 'started']],
    );
  });

  test('ends after the maximum number of recoveries', async () => {
    let world = await worldInState('turn.toolHop.running');
    for (let times = 0; times < 2; times += 1) {
      world = await reopen(world);
      world.commit();
    }
    world = await reopen(world);
    await runUntilIdle(world);
    assert.deepEqual(turnLines(world).slice(2), [
      'result add outcome_unknown',
      'recovered 1',
      'recovered 2',
      'end with recovery_failed',
    ]);
    assert.equal(turnLines(world, 'r2').at(-1), 'end stop');
  });
});

describe('a committed cancel', () => {
  test('holds after a restart: calls are closed and the turn ends', async () => {
    const world = await reopen(await worldInState('turn.cancelling.stopping'));
    world.commit();
    assert.deepEqual(turnLines(world).slice(2), ['cancel cancelled', 'result add outcome_unknown', 'end cancelled']);
    await runUntilIdle(world);
    assert.equal(turnLines(world, 'r2').at(-1), 'end stop');
  });

  test('of an interrupting chat has its own reason', async () => {
    const before = await worldInState('turn.toolHop.running');
    before.send(chat('r3', { mode: 'interrupt' }));
    before.commitAll();
    const world = await reopen(before);
    await runUntilIdle(world);
    assert.equal(turnLines(world).at(-1), 'end interrupted');
  });

  test('before the first token ends the turn without a model request', async () => {
    const before = await worldInState('turn.streaming');
    before.send(cancel('stop'));
    before.commit();
    const world = await reopen(before);
    world.commit();
    assert.deepEqual(turnLines(world), ['cancel cancelled', 'end cancelled']);
  });

  test('of queued turns holds too', async () => {
    const before = await worldInState('turn.toolHop.running');
    before.send(chat('r3'));
    before.commit();
    for (const id of ['r2', 'r3']) before.send(cancel('stop', id));
    before.commit();
    before.commit();
    const world = await reopen(before);
    await runUntilIdle(world);
    for (const id of ['r2', 'r3']) assert.deepEqual(turnLines(world, id), ['cancel cancelled', 'end cancelled']);
    assert.equal(turnLines(world).at(-1), 'end stop');
    assert.equal(world.answers.length, 1);
  });

  test('of a queued turn does not end the running one, which an interrupt put before it', async () => {
    const before = await worldInState('turn.streaming');
    before.send(chat('r3', { mode: 'interrupt' }));
    before.commit();
    before.commit();
    before.currentAnswer().finish({ finishReason: 'cancelled' });
    before.commit();
    await before.loadContext();
    before.currentAnswer().finish({ calls: [asked('add')] });
    before.commit();
    before.send(cancel('stop', 'r2'));
    before.commit();
    const world = await reopen(before);
    await runUntilIdle(world);
    assert.deepEqual(turnLines(world, 'r3').slice(2), [
      'result add outcome_unknown',
      'recovered 1',
      'assistant: Hello.',
      'end stop',
    ]);
    assert.deepEqual(turnLines(world, 'r2'), ['cancel cancelled', 'end cancelled']);
  });
});
