/** A turn that a crash or a restart cut off: how it goes on, when it is given up, and that a Stop holds. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { reopen, startWorld } from '../support/machine-conversation.ts';
import type { World } from '../support/machine-conversation.ts';
import { bringToRest } from '../support/machine-rest.ts';
import { worldIn } from '../support/machine-states.ts';
import { storyOf } from '../support/machine-story.ts';
import { asked, cancel, chat } from '../support/machine-values.ts';

const storyOfTurn = (world: World, requestId = 'r1') => storyOf(world.log.rowsOf(requestId)).slice(1);

async function callingHarmless(): Promise<World> {
  const world = await startWorld();
  world.send(chat('r1'));
  world.commit();
  await world.loadContext();
  world.answering().finish({ calls: [asked('look', { arguments: { a: 1 } })] });
  world.commit();
  return world;
}

describe('a turn that was cut off', () => {
  test('in a call goes on, with an outcome that nobody knows', async () => {
    const before = await worldIn('turn.toolHop.running');
    const world = await reopen(before);
    assert.equal(world.state(), 'recovering');
    world.commit();
    assert.equal(world.state(), 'turn.loadingContext');
    await bringToRest(world);
    const story = [
      'assistant: asks add',
      'dispatch add',
      'result add outcome_unknown',
      'recovered 1',
      'assistant: Hello.',
      'end stop',
    ];
    assert.deepEqual(storyOfTurn(world), story);
    assert.equal(world.calls.length, 0);
  });

  test('with all results goes on from them', async () => {
    const before = await worldIn('turn.toolHop.settling');
    before.commit();
    const world = await reopen(before);
    await bringToRest(world);
    assert.deepEqual(storyOfTurn(world).slice(2), ['result add ok', 'recovered 1', 'assistant: Hello.', 'end stop']);
  });

  test('before its first row is taken up all the same, and counted: it may be what brought the server down', async () => {
    const world = await reopen(await worldIn('turn.streaming'));
    await bringToRest(world);
    assert.deepEqual(storyOfTurn(world), ['recovered 1', 'assistant: Hello.', 'end stop']);
  });

  test('in an idempotent call makes it once more, and no third time', async () => {
    let world = await reopen(await callingHarmless());
    world.commit();
    assert.equal(world.state(), 'turn.toolHop.running');
    assert.deepEqual(world.calling('look').input.arguments, { a: 1 });
    world = await reopen(world);
    await bringToRest(world);
    const story = [
      'assistant: asks look',
      'dispatch look',
      'dispatch look',
      'recovered 1',
      'result look outcome_unknown',
      'recovered 2',
      'assistant: Hello.',
      'end stop',
    ];
    assert.deepEqual(storyOfTurn(world), story);
    assert.equal(world.calls.length, 0);
  });

  test('goes on with the result of the repeat, which a Stop ends like any other call', async () => {
    const repeating = async () => {
      const world = await reopen(await callingHarmless());
      world.commit();
      return world;
    };
    const patient = await repeating();
    await bringToRest(patient);
    assert.deepEqual(storyOfTurn(patient).slice(3), ['recovered 1', 'result look ok', 'assistant: Hello.', 'end stop']);
    const stopped = await repeating();
    stopped.send(cancel('stop'));
    await bringToRest(stopped);
    assert.deepEqual(storyOfTurn(stopped).slice(3), [
      'recovered 1',
      'cancel cancelled',
      'result look cancelled',
      'end cancelled',
    ]);
  });

  test('is not gone on with where that is not wanted, or after too long', async () => {
    const policy = { mode: 'resume', attempts: 2, maxAgeMs: 1_000 } as const;
    for (const [recovery, ageMs] of [
      [{ ...policy, mode: 'interrupt' as const }, 0],
      [policy, 1_001],
    ] as const) {
      const before = await worldIn('turn.toolHop.running');
      const world = await reopen(before, { limits: { recovery }, standing: before.log.standing(ageMs) });
      world.commit();
      assert.deepEqual(storyOfTurn(world).slice(2), ['result add outcome_unknown', 'end with recovery_failed']);
    }
  });

  test('counts its hops and usage from before', async () => {
    const world = await reopen(await worldIn('turn.toolHop.running'), { limits: { maxToolHops: 1 } });
    world.commit();
    await world.loadContext();
    world.answering().finish({ calls: [asked('add')] });
    await bringToRest(world);
    const end = world.log.stored().find((intent) => intent.end?.requestId === 'r1')?.end?.payload;
    assert.ok(end?.status === 'complete');
    assert.deepEqual(
      [end.metadata.finish_reason, end.metadata.tool_hops, end.metadata.tokens],
      ['tool_limit_reached', 1, 24],
    );
  });

  test('goes before those that waited behind it, which are announced as they start', async () => {
    const world = await reopen(await worldIn('turn.toolHop.running'));
    await bringToRest(world);
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

  test('is given up when it was taken up as often as may be', async () => {
    let world = await worldIn('turn.toolHop.running');
    for (let times = 0; times < 2; times += 1) {
      world = await reopen(world);
      world.commit();
    }
    world = await reopen(world);
    await bringToRest(world);
    assert.deepEqual(storyOfTurn(world).slice(2), [
      'result add outcome_unknown',
      'recovered 1',
      'recovered 2',
      'end with recovery_failed',
    ]);
    assert.equal(storyOfTurn(world, 'r2').at(-1), 'end stop');
  });
});

describe('a Stop that was committed', () => {
  test('holds after a restart: calls are closed and the turn ends', async () => {
    const world = await reopen(await worldIn('turn.cancelling.stopping'));
    world.commit();
    assert.deepEqual(storyOfTurn(world).slice(2), ['cancel cancelled', 'result add outcome_unknown', 'end cancelled']);
    await bringToRest(world);
    assert.equal(storyOfTurn(world, 'r2').at(-1), 'end stop');
  });

  test('by an interrupting chat is told as such', async () => {
    const before = await worldIn('turn.toolHop.running');
    before.send(chat('r3', { mode: 'interrupt' }));
    before.commitAll();
    const world = await reopen(before);
    await bringToRest(world);
    assert.equal(storyOfTurn(world).at(-1), 'end interrupted');
  });

  test('before the first word ends the turn without asking anyone', async () => {
    const before = await worldIn('turn.streaming');
    before.send(cancel('stop'));
    before.commit();
    const world = await reopen(before);
    world.commit();
    assert.deepEqual(storyOfTurn(world), ['cancel cancelled', 'end cancelled']);
  });

  test('of turns that waited behind a running one holds too', async () => {
    const before = await worldIn('turn.toolHop.running');
    before.send(chat('r3'));
    before.commit();
    for (const id of ['r2', 'r3']) before.send(cancel('stop', id));
    before.commit();
    before.commit();
    const world = await reopen(before);
    await bringToRest(world);
    for (const id of ['r2', 'r3']) assert.deepEqual(storyOfTurn(world, id), ['cancel cancelled', 'end cancelled']);
    assert.equal(storyOfTurn(world).at(-1), 'end stop');
    assert.equal(world.answers.length, 1);
  });

  test('of a turn that waited does not pass for the running one, which an interrupt put before it', async () => {
    const before = await worldIn('turn.streaming');
    before.send(chat('r3', { mode: 'interrupt' }));
    before.commit();
    before.commit();
    before.answering().finish({ finishReason: 'cancelled' });
    before.commit();
    await before.loadContext();
    before.answering().finish({ calls: [asked('add')] });
    before.commit();
    before.send(cancel('stop', 'r2'));
    before.commit();
    const world = await reopen(before);
    await bringToRest(world);
    assert.deepEqual(storyOfTurn(world, 'r3').slice(2), [
      'result add outcome_unknown',
      'recovered 1',
      'assistant: Hello.',
      'end stop',
    ]);
    assert.deepEqual(storyOfTurn(world, 'r2'), ['cancel cancelled', 'end cancelled']);
  });
});
