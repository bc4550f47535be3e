/** Checks messages that arrive during a turn: their order, their limits, and repeats of a request id. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startWorld } from '../../support/machines/conversation.ts';
import type { World } from '../../support/machines/conversation.ts';
import { runUntilIdle } from '../../support/machines/run-until-idle.ts';
import { streaming, worldInState } from '../../support/machines/states.ts';
import { rowLines } from '../../support/machines/row-lines.ts';
import { asked, cancel, chat } from '../../support/machines/values.ts';

const ends = (world: World) =>
  world.log
    .stored()
    .flatMap(({ end }) =>
      end?.payload.status === 'complete' ? [`${end.requestId} ${end.payload.metadata.finish_reason}`] : [],
    );
const queue = (world: World) =>
  world.context().queue.map((next) => (next.kind === 'turn' ? next.turn.requestId : next.kind));

/** `r1` streams, `r2` is queued. */
async function busy(): Promise<World> {
  const world = await worldInState('turn.streaming');
  world.newEvents();
  return world;
}

describe('the queue', () => {
  test('runs turns in the order of the commits, and announces each start', async () => {
    const world = await startWorld();
    for (const id of ['r1', 'r2', 'r3']) world.send(chat(id));
    await runUntilIdle(world);
    assert.deepEqual(ends(world), ['r1 stop', 'r2 stop', 'r3 stop']);
    const announced = world.emitted.flatMap((event) => {
      if (event.type === 'turn.accepted') return [`${event.chat.requestId} ${event.disposition} ${event.position}`];
      return event.type === 'notice' ? [`${event.requestId} ${event.kind}`] : [];
    });
    assert.deepEqual(announced, ['r1 started 1', 'r2 queued 1', 'r3 queued 2', 'r2 started', 'r3 started']);
  });

  test('has a limit that includes messages being committed', async () => {
    const world = await busy();
    world.send(chat('r3'));
    world.send(chat('r4'));
    world.send(chat('r5'));
    const [, , refused] = world.newEvents();
    assert.ok(refused?.type === 'refuse' && refused.to.requestId === 'r5' && refused.fault.code === 'overloaded');
    assert.equal(refused.fault.data['retry_after_ms'], 1000);
  });

  test('rejects a chat with mode `reject`', async () => {
    const world = await busy();
    world.send(chat('r3', { mode: 'reject' }));
    const [refused] = world.newEvents();
    assert.ok(refused?.type === 'refuse' && refused.fault.code === 'illegal_in_state');
    assert.equal(world.pending.length, 0);
  });

  test('starts a message whose commit outlasts the turn as the next turn', async () => {
    const world = await busy();
    world.send(chat('r3'));
    const late = world.pending.splice(0);
    world.currentAnswer().finish();
    world.commit();
    await runUntilIdle(world);
    assert.equal(world.state(), 'idle');
    world.pending.push(...late);
    await runUntilIdle(world);
    assert.deepEqual(ends(world), ['r1 stop', 'r2 stop', 'r3 stop']);
  });

  test('stays unchanged when a message cannot be stored', async () => {
    const world = await busy();
    world.send(chat('r3'));
    world.failCommit();
    const refused = world.newEvents().at(-1);
    assert.ok(refused?.type === 'refuse' && refused.fault.code === 'storage_failed');
    assert.deepEqual([world.state(), queue(world)], ['turn.streaming', ['r2']]);
  });
});

describe('an interrupting chat', () => {
  test('ends the running turn once it is stored, and runs before the queued ones', async () => {
    const world = await busy();
    world.send(chat('r3', { mode: 'interrupt' }));
    assert.equal(world.state(), 'turn.streaming');
    world.commit();
    assert.equal(world.state(), 'turn.cancelling.recording');
    await runUntilIdle(world);
    assert.deepEqual(ends(world), ['r1 interrupted', 'r3 stop', 'r2 stop']);
    assert.deepEqual(rowLines(world.log.rowsOf('r1')).slice(1), [
      'cancel interrupted',
      'assistant (partial): Hel',
      'end interrupted',
    ]);
  });

  test('is an ordinary chat when no turn runs', async () => {
    const world = await startWorld();
    world.send(chat('r1', { mode: 'interrupt' }));
    await runUntilIdle(world);
    assert.deepEqual(ends(world), ['r1 stop']);
  });

  test('waits for the commit of a hop, and then ends the turn', async () => {
    const world = await worldInState('turn.toolHop.recording');
    world.send(chat('r3', { mode: 'interrupt' }));
    await runUntilIdle(world);
    assert.deepEqual(ends(world), ['r1 interrupted', 'r3 stop', 'r2 stop']);
  });

  test('ends no other turn if it arrives while the turn ends', async () => {
    const world = await busy();
    world.send(chat('r3', { mode: 'interrupt' }));
    world.currentAnswer().finish();
    await runUntilIdle(world);
    assert.deepEqual(ends(world), ['r1 stop', 'r3 stop', 'r2 stop']);
  });

  test('leaves an earlier cancel in force', async () => {
    const world = await worldInState('turn.cancelling.recording');
    world.send(chat('r3', { mode: 'interrupt' }));
    await runUntilIdle(world);
    assert.deepEqual(ends(world), ['r1 cancelled', 'r3 stop', 'r2 stop']);
  });

  test('is kept even when the limit of pending cancels is reached', async () => {
    const world = await startWorld({ limits: { queueLength: 2 } });
    world.send(chat('r1'));
    world.commit();
    await world.loadContext();
    world.send(chat('r2', { mode: 'interrupt' }));
    world.currentAnswer().finish({ calls: [asked('add')] });
    world.send(cancel('one'));
    world.send(cancel('two'));
    world.commit();
    const deferred = world.context().deferred.map((event) => event.type === 'client.cancel' && event.by);
    assert.ok(deferred.includes(null));
  });
});

describe('a queued turn', () => {
  test('is removed also by a cancel that overtakes the commit of its message', async () => {
    const world = await busy();
    world.send(chat('r3'));
    world.send(cancel('x', 'r3'));
    await runUntilIdle(world);
    assert.ok(ends(world).includes('r3 cancelled'), ends(world).join());
    assert.equal(world.emitted.filter((event) => event.type === 'reply' && event.to.requestId === 'x').length, 1);
  });

  test('is removed by a cancel: a row, a reply, an end', async () => {
    const world = await busy();
    world.send(chat('r3'));
    world.commit();
    world.newEvents();
    world.send(cancel('stop', 'r2'));
    assert.deepEqual(queue(world), ['r3']);
    world.commit();
    assert.deepEqual(
      world.newEvents().map((event) => (event.type === 'append' ? event.tag.of : event.type)),
      ['withdrawal', 'reply', 'end'],
    );
    await runUntilIdle(world);
    assert.deepEqual(ends(world), ['r2 cancelled', 'r1 stop', 'r3 stop']);
    assert.deepEqual(rowLines(world.log.rowsOf('r2')).slice(1), ['cancel cancelled', 'end cancelled']);
  });

  test('is removed in every state of the turn before it', async () => {
    for (const state of [
      'turn.loadingContext',
      'turn.backingOff',
      'turn.toolHop.recording',
      'turn.toolHop.running',
      'turn.toolHop.settling',
      'turn.cancelling.stopping',
      'turn.persisting',
    ]) {
      const world = await worldInState(state);
      world.send(cancel('stop', 'r2'));
      await runUntilIdle(world);
      assert.ok(ends(world).includes('r2 cancelled'), state);
    }
  });

  test('is removed also when the commit of the cancel outlasts the turn before it', async () => {
    const world = await busy();
    world.send(cancel('stop', 'r2'));
    const late = world.pending.splice(0);
    await runUntilIdle(world);
    world.send({ type: 'conversation.passivate' });
    assert.equal(world.state(), 'idle', 'the Stop is still to be answered');
    world.pending.push(...late);
    await runUntilIdle(world);
    assert.deepEqual(ends(world), ['r1 stop', 'r2 cancelled']);
  });
});

describe('a request id', () => {
  test('that is known attaches its sender, while the turn is queued, running or ended', async () => {
    const world = await busy();
    const attached = () =>
      world
        .newEvents()
        .flatMap((event) => (event.type === 'turn.attached' ? [[event.chat.requestId, event.ended]] : []));
    world.send(chat('r1'));
    world.send(chat('r2'));
    world.commitAll();
    assert.deepEqual(attached(), [
      ['r1', false],
      ['r2', false],
    ]);
    assert.deepEqual(queue(world), ['r2']);
    await runUntilIdle(world);
    world.newEvents();
    world.send(chat('r1'));
    world.commit();
    assert.deepEqual(attached(), [['r1', true]]);
    assert.equal(world.state(), 'idle');
    assert.deepEqual(ends(world), ['r1 stop', 'r2 stop']);
  });

  test('that is repeated interrupts nothing', async () => {
    const world = await busy();
    world.send(chat('r1', { mode: 'interrupt' }));
    world.commit();
    assert.equal(world.state(), 'turn.streaming');
  });

  test('that is repeated attaches also if its turn rewound, which no new message may do during a turn', async () => {
    const world = await startWorld();
    await streaming(world);
    world.send(chat('r1', { rewindTo: 1 }));
    world.commit();
    assert.equal(world.emitted.at(-1)?.type, 'turn.attached');
    for (const mode of ['queue', 'reject'] as const) {
      world.send(chat('r3', { rewindTo: 1, mode }));
      const refused = world.emitted.at(-1);
      assert.ok(refused?.type === 'refuse' && refused.fault.code === 'illegal_in_state');
      assert.deepEqual(refused.fault.data, { can: ['cancel', 'chat'] });
    }
  });

  test('of another message is refused', async () => {
    const world = await startWorld();
    await streaming(world);
    world.send(chat('r1', { digest: 'another' }));
    world.commit();
    const refused = world.emitted.at(-1);
    assert.ok(refused?.type === 'refuse' && refused.fault.code === 'request_id_reused' && !refused.fault.retryable);
  });
});

test('a chat that rewinds says so in its commit, and interrupts if its mode says so', async () => {
  const world = await startWorld();
  await streaming(world);
  await runUntilIdle(world);
  world.send(chat('r3', { rewindTo: 1 }));
  const [intent] = world.pending;
  assert.ok(intent?.type === 'append');
  assert.deepEqual(
    intent.rows.map(({ type, extra }) => [type, extra]),
    [
      ['user_message', {}],
      ['meta', { kind: 'rewind', to_seq: 1 }],
    ],
  );
  world.commit();
  world.send(chat('r4', { rewindTo: 1, mode: 'interrupt' }));
  await runUntilIdle(world);
  assert.deepEqual(ends(world).slice(-2), ['r3 interrupted', 'r4 stop']);
});
