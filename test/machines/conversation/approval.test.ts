/** Checks approvals: which calls wait, which answer counts, when time is up, and that a restart keeps them all. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { reopen, startWorld } from '../../support/machines/conversation.ts';
import type { World } from '../../support/machines/conversation.ts';
import { runUntilIdle } from '../../support/machines/run-until-idle.ts';
import { asking, streaming, worldInState } from '../../support/machines/states.ts';
import { rowLines } from '../../support/machines/row-lines.ts';
import { asked, asker, cancel, respond } from '../../support/machines/values.ts';

const turnLines = (world: World) => rowLines(world.log.rowsOf('r1')).slice(1);
const waits = (world: World) => world.log.stored().flatMap(({ waiting }) => (waiting ? [waiting.untilMs] : []));
const replies = (world: World) => world.emitted.flatMap((event) => (event.type === 'reply' ? [event.result] : []));
const accepted = { type: 'reply', to: asker('response to call_d'), result: { accepted: true } };

/** Approval requests for `call_d` and `call_e`, beside a call that needs none. */
async function askingTwice(): Promise<World> {
  const world = await startWorld();
  await streaming(world);
  world
    .currentAnswer()
    .finish({ calls: [asked('delete', { callId: 'call_d' }), asked('add'), asked('delete', { callId: 'call_e' })] });
  world.commit();
  return world;
}

describe('an approval', () => {
  test('starts the call after the answer and the dispatch are committed together', async () => {
    const world = await worldInState('turn.toolHop.waiting');
    assert.equal(world.calls.length, 0);
    world.send(respond('call_d'));
    assert.equal(world.calls.length, 0, 'nothing before the commit');
    world.newEvents();
    world.commit();
    assert.deepEqual(world.newEvents(), [accepted]);
    assert.deepEqual(world.latestCall('delete').input.arguments, { path: '/a' });
    await runUntilIdle(world);
    assert.deepEqual(turnLines(world), [
      'assistant: asks delete',
      'asks for approval of delete',
      'response approve',
      'dispatch delete',
      'result delete ok',
      'assistant: Hello.',
      'end stop',
    ]);
  });

  test('is requested while other calls run, and does not delay them', async () => {
    const world = await askingTwice();
    assert.equal(world.state(), 'turn.toolHop.running');
    world.send(respond('call_e'));
    world.commit();
    assert.deepEqual(
      world.calls.map(({ input }) => input.callId === 'call_e'),
      [false, true],
    );
    for (const call of world.calls) call.end();
    world.commitAll();
    assert.equal(world.state(), 'turn.toolHop.waiting', 'one question is left');
    await runUntilIdle(world);
    assert.equal(turnLines(world).at(-1), 'end stop');
  });
});

test('a denial ends the call, and its result gives the model the reason', async () => {
  const world = await worldInState('turn.toolHop.waiting');
  world.send(respond('call_d', 'deny', { reason: 'That is my thesis.' }));
  await runUntilIdle(world);
  assert.deepEqual(turnLines(world).slice(2), [
    'response deny',
    'result delete denied',
    'assistant: Hello.',
    'end stop',
  ]);
  const result = world.log.rowsOf('r1').find((row) => row.type === 'tool_result');
  assert.match(String(result?.content), /declined.*That is my thesis\./);
  assert.equal(world.calls.length, 0);
});

describe('of several answers to an approval request', () => {
  test('the first one counts, and the others are looked up once it is committed', async () => {
    const world = await worldInState('turn.toolHop.waiting');
    world.send(respond('call_d'));
    world.send(respond('call_d', 'deny', { by: asker('second') }));
    assert.equal(
      world.emitted.some(({ type }) => type === 'respond.late'),
      false,
      'nothing is decided yet',
    );
    world.commit();
    assert.deepEqual(
      world.emitted.filter(({ type }) => type === 'respond.late'),
      [{ type: 'respond.late', to: asker('second'), interruptId: 'approval_call_d' }],
    );
    await runUntilIdle(world);
    assert.deepEqual(replies(world), [{ accepted: true }]);
  });

  test('one that could not be stored does not count: its sender gets the error, and the request stays open', async () => {
    const world = await worldInState('turn.toolHop.waiting');
    world.send(respond('call_d'));
    world.failCommit();
    assert.equal(world.state(), 'turn.toolHop.waiting');
    assert.deepEqual(world.emitted.at(-1)?.type, 'refuse');
    world.send(respond('call_d', 'deny'));
    await runUntilIdle(world);
    assert.deepEqual(turnLines(world).slice(2, 4), ['response deny', 'result delete denied']);
  });

  test("one to another conversation's request, or to none, is looked up at once", async () => {
    const world = await worldInState('turn.toolHop.waiting');
    world.send(respond('call_x'));
    assert.equal(world.emitted.at(-1)?.type, 'respond.late');
    assert.equal(world.pending.length, 0);
  });
});

describe('the approval timeout', () => {
  test('starts when the turn only waits for approvals, and is withdrawn when it does not', async () => {
    const world = await askingTwice();
    assert.deepEqual(waits(world), [null]);
    world.latestCall('add').end();
    world.commit();
    assert.deepEqual(waits(world), [null, 60_000]);
    world.send(respond('call_d', 'deny'));
    world.commit();
    world.send(respond('call_e'));
    world.commit();
    assert.deepEqual(waits(world), [null, 60_000, 60_000, null]);
  });

  test('denies the call when it expires and not before; then the turn continues', async () => {
    const world = await worldInState('turn.toolHop.waiting');
    world.send({ type: 'conversation.expire', nowMs: 59_999 });
    assert.equal(world.pending.length, 0);
    world.send({ type: 'conversation.expire', nowMs: 60_000 });
    world.send(respond('call_d', 'approve'));
    await runUntilIdle(world);
    assert.deepEqual(turnLines(world).slice(2), [
      'response expired',
      'result delete denied',
      'assistant: Hello.',
      'end stop',
    ]);
    assert.ok(
      world.emitted.some(({ type }) => type === 'respond.late'),
      'an answer after that is late',
    );
  });

  test('does not expire if the expiry cannot be stored', async () => {
    const world = await worldInState('turn.toolHop.waiting');
    world.send({ type: 'conversation.expire', nowMs: 60_000 });
    world.failCommit();
    assert.equal(world.state(), 'turn.toolHop.waiting');
    world.send({ type: 'conversation.expire', nowMs: 61_000 });
    world.commit();
    assert.equal(world.state(), 'turn.loadingContext');
  });
});

describe('after a restart', () => {
  test('the turn still waits, after any number of restarts and without a row, and accepts the answer', async () => {
    let world = await worldInState('turn.toolHop.waiting');
    const rows = world.log.rows().length;
    for (let times = 0; times < 5; times += 1) {
      world = await reopen(world, {
        limits: { recovery: { mode: 'interrupt', attempts: 0, maxAgeMs: 0 } },
        recovered: world.log.recovered(1_000_000),
      });
      assert.equal(world.state(), 'turn.toolHop.waiting');
    }
    assert.equal(world.log.rows().length, rows);
    world.send(respond('call_d'));
    world.commit();
    assert.deepEqual(world.latestCall('delete').input.arguments, { path: '/a' });
    assert.equal(world.latestCall('delete').input.tool.toolName, 'delete');
    await runUntilIdle(world);
    assert.deepEqual(turnLines(world).slice(1), [
      'asks for approval of delete',
      'response approve',
      'dispatch delete',
      'result delete ok',
      'assistant: Hello.',
      'end stop',
    ]);
  });

  test('an answer that arrived during the restart is handled', async () => {
    const before = await worldInState('turn.toolHop.waiting');
    const world = await startWorld({ log: before.log, recovered: 'never' });
    world.send(respond('call_d', 'deny'));
    await world.readLog(before.log.recovered());
    world.commit();
    assert.deepEqual(replies(world), [{ accepted: true }]);
  });

  test('a committed approval is not requested again, and its call does not run twice', async () => {
    const before = await worldInState('turn.toolHop.waiting');
    before.send(respond('call_d'));
    before.commit();
    const world = await reopen(before);
    await runUntilIdle(world);
    assert.deepEqual(turnLines(world).slice(2), [
      'response approve',
      'dispatch delete',
      'result delete outcome_unknown',
      'recovered 1',
      'assistant: Hello.',
      'end stop',
    ]);
    assert.equal(world.calls.length, 0);
  });

  test('calls that ran beside the approval request are closed, and the request stays open', async () => {
    const world = await reopen(await askingTwice());
    world.commit();
    assert.equal(world.state(), 'turn.toolHop.waiting');
    assert.deepEqual(waits(world).at(-1), 60_000);
    await runUntilIdle(world);
    assert.deepEqual(
      turnLines(world).filter((line) => line.startsWith('result')),
      ['result add outcome_unknown', 'result delete ok', 'result delete ok'],
    );
  });
});

describe('while a conversation waits for an approval', () => {
  test('it is passivated only when no commit is under way', async () => {
    for (const decide of [() => respond('call_d'), () => ({ type: 'conversation.expire', nowMs: 60_000 }) as const]) {
      const world = await startWorld();
      await asking(world);
      world.send(decide());
      world.send({ type: 'conversation.passivate' });
      assert.equal(world.state(), 'turn.toolHop.waiting');
      world.commit();
      assert.notEqual(world.state(), 'stopped');
    }
  });

  test('a drain lets an answer that is being committed take effect first', async () => {
    const world = await worldInState('turn.toolHop.waiting');
    world.send(respond('call_d'));
    world.send({ type: 'conversation.drain' });
    await runUntilIdle(world);
    assert.equal(world.state(), 'stopped');
    assert.deepEqual(replies(world), [{ accepted: true }]);
    assert.equal(turnLines(world).at(-1), 'end stop');
  });

  test('a cancel during the commit of an answer waits for it, and the call does not run', async () => {
    const world = await worldInState('turn.toolHop.waiting');
    world.send(respond('call_d'));
    world.send(cancel('stop'));
    await runUntilIdle(world);
    assert.deepEqual(turnLines(world).slice(2), [
      'response approve',
      'dispatch delete',
      'cancel cancelled',
      'result delete cancelled',
      'end cancelled',
    ]);
    assert.equal(world.calls.length, 0);
    assert.deepEqual(replies(world), [{ accepted: true }, { cancelled: ['r1'], disposition: 'cancelled' }]);
  });
});
