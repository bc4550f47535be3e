/** People in the loop: what is asked, who decides, when time is up, and that a restart forgets none of it. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { reopen, startWorld } from '../../support/machines/conversation.ts';
import type { World } from '../../support/machines/conversation.ts';
import { runUntilIdle } from '../../support/machines/run-until-idle.ts';
import { asking, streaming, worldInState } from '../../support/machines/states.ts';
import { rowLines } from '../../support/machines/row-lines.ts';
import { asked, asker, cancel, respond } from '../../support/machines/values.ts';

const storyOfTurn = (world: World) => rowLines(world.log.rowsOf('r1')).slice(1);
const waits = (world: World) => world.log.stored().flatMap(({ waiting }) => (waiting ? [waiting.untilMs] : []));
const replies = (world: World) => world.emitted.flatMap((event) => (event.type === 'reply' ? [event.result] : []));
const accepted = { type: 'reply', to: asker('response to call_d'), result: { accepted: true } };

/** Questions about `call_d` and `call_e`, beside a call that needs none. */
async function askingTwice(): Promise<World> {
  const world = await startWorld();
  await streaming(world);
  world
    .currentAnswer()
    .finish({ calls: [asked('delete', { callId: 'call_d' }), asked('add'), asked('delete', { callId: 'call_e' })] });
  world.commit();
  return world;
}

describe('a person who approves', () => {
  test('has the call made, after answer and dispatch are committed together', async () => {
    const world = await worldInState('turn.toolHop.waiting');
    assert.equal(world.calls.length, 0);
    world.send(respond('call_d'));
    assert.equal(world.calls.length, 0, 'nothing before the commit');
    world.newEvents();
    world.commit();
    assert.deepEqual(world.newEvents(), [accepted]);
    assert.deepEqual(world.latestCall('delete').input.arguments, { path: '/a' });
    await runUntilIdle(world);
    assert.deepEqual(storyOfTurn(world), [
      'assistant: asks delete',
      'asks for approval of delete',
      'response approve',
      'dispatch delete',
      'result delete ok',
      'assistant: Hello.',
      'end stop',
    ]);
  });

  test('is asked beside calls that run already, and what runs is not waited for', async () => {
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
    assert.equal(storyOfTurn(world).at(-1), 'end stop');
  });
});

test('a person who declines ends the call, and the model is told why', async () => {
  const world = await worldInState('turn.toolHop.waiting');
  world.send(respond('call_d', 'deny', { reason: 'That is my thesis.' }));
  await runUntilIdle(world);
  assert.deepEqual(storyOfTurn(world).slice(2), [
    'response deny',
    'result delete denied',
    'assistant: Hello.',
    'end stop',
  ]);
  const result = world.log.rowsOf('r1').find((row) => row.type === 'tool_result');
  assert.match(String(result?.content), /declined.*That is my thesis\./);
  assert.equal(world.calls.length, 0);
});

describe('of several answers', () => {
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

  test('one that could not be stored does not count: its sender is told, and the question stands', async () => {
    const world = await worldInState('turn.toolHop.waiting');
    world.send(respond('call_d'));
    world.failCommit();
    assert.equal(world.state(), 'turn.toolHop.waiting');
    assert.deepEqual(world.emitted.at(-1)?.type, 'refuse');
    world.send(respond('call_d', 'deny'));
    await runUntilIdle(world);
    assert.deepEqual(storyOfTurn(world).slice(2, 4), ['response deny', 'result delete denied']);
  });

  test("one to another conversation's question, or to nothing, is looked up at once", async () => {
    const world = await worldInState('turn.toolHop.waiting');
    world.send(respond('call_x'));
    assert.equal(world.emitted.at(-1)?.type, 'respond.late');
    assert.equal(world.waiting.length, 0);
  });
});

describe('the time to answer', () => {
  test('is told to the log while the turn has nothing else to do, and taken back when it has', async () => {
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

  test('is up at its end and not before; then the call is denied and the turn goes on', async () => {
    const world = await worldInState('turn.toolHop.waiting');
    world.send({ type: 'conversation.expire', nowMs: 59_999 });
    assert.equal(world.waiting.length, 0);
    world.send({ type: 'conversation.expire', nowMs: 60_000 });
    world.send(respond('call_d', 'approve'));
    await runUntilIdle(world);
    assert.deepEqual(storyOfTurn(world).slice(2), [
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

  test('whose end cannot be stored is not over', async () => {
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
  test('the turn waits on, as often as may be, without a row, and takes the answer', async () => {
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
    assert.deepEqual(storyOfTurn(world).slice(1), [
      'asks for approval of delete',
      'response approve',
      'dispatch delete',
      'result delete ok',
      'assistant: Hello.',
      'end stop',
    ]);
  });

  test('an answer that was sent meanwhile is heard', async () => {
    const before = await worldInState('turn.toolHop.waiting');
    const world = await startWorld({ log: before.log, recovered: 'never' });
    world.send(respond('call_d', 'deny'));
    await world.readLog(before.log.recovered());
    world.commit();
    assert.deepEqual(replies(world), [{ accepted: true }]);
  });

  test('an approval that was committed is not asked for again, and its call not made twice', async () => {
    const before = await worldInState('turn.toolHop.waiting');
    before.send(respond('call_d'));
    before.commit();
    const world = await reopen(before);
    await runUntilIdle(world);
    assert.deepEqual(storyOfTurn(world).slice(2), [
      'response approve',
      'dispatch delete',
      'result delete outcome_unknown',
      'recovered 1',
      'assistant: Hello.',
      'end stop',
    ]);
    assert.equal(world.calls.length, 0);
  });

  test('calls that ran beside the question are closed, and the question stands', async () => {
    const world = await reopen(await askingTwice());
    world.commit();
    assert.equal(world.state(), 'turn.toolHop.waiting');
    assert.deepEqual(waits(world).at(-1), 60_000);
    await runUntilIdle(world);
    assert.deepEqual(
      storyOfTurn(world).filter((line) => line.startsWith('result')),
      ['result add outcome_unknown', 'result delete ok', 'result delete ok'],
    );
  });
});

describe('while a conversation waits for a person', () => {
  test('it leaves memory only when nothing is on its way to the log', async () => {
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
    assert.equal(storyOfTurn(world).at(-1), 'end stop');
  });

  test('a Stop that meets an answer on its way to the log waits for it, and the call is not made', async () => {
    const world = await worldInState('turn.toolHop.waiting');
    world.send(respond('call_d'));
    world.send(cancel('stop'));
    await runUntilIdle(world);
    assert.deepEqual(storyOfTurn(world).slice(2), [
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
