/** Checks MCP servers that ask users during a call: which rows are written when, and how the call continues. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ServerRequest } from '../../../machines/conversation/question-types.ts';
import { reopen, startWorld, type World } from '../../support/machines/conversation.ts';
import { runUntilIdle } from '../../support/machines/run-until-idle.ts';
import { streaming } from '../../support/machines/states.ts';
import { rowLines } from '../../support/machines/row-lines.ts';
import { asked, cancel, respond } from '../../support/machines/values.ts';

const form: ServerRequest = { kind: 'form', message: 'For how many?', schema: {} };
const sampling: ServerRequest = { kind: 'sampling', request: { messages: [] } };
const resume = { requestState: 'table 7', answered: [], questions: 1, workedMs: 300, task: null };
const turnLines = (world: World) => rowLines(world.log.rowsOf('r1')).slice(1);
const answer = (decision: 'answer' | 'decline' | 'approve' | 'deny', number = 1) =>
  respond('', 'approve', {
    interruptId: `question_call_q_1_${number}`,
    decision,
    content: decision === 'answer' ? { guests: 4 } : null,
  });

async function calling(name = 'add'): Promise<World> {
  const world = await startWorld();
  await streaming(world);
  world.currentAnswer().finish({ calls: [asked(name, { callId: 'call_q' })] });
  world.commit();
  return world;
}

/** The call of `add` is suspended with these requests, which are in the log. */
async function suspended(asks: ServerRequest[] = [form], name = 'add'): Promise<World> {
  const world = await calling(name);
  world.latestCall(name).ask({
    type: 'call.suspended',
    requests: asks.map((ask, index) => ({ key: `k${index}`, ask })),
    resume,
    number: 1,
    askedAtMs: 1_000,
  });
  world.commit();
  return world;
}

async function waiting(name = 'add'): Promise<World> {
  const world = await calling(name);
  world
    .latestCall(name)
    .ask({ type: 'call.serverRequest', requests: [{ key: '', ask: form }], number: 1, askedAtMs: 1_000, workedMs: 0 });
  world.commit();
  return world;
}

describe('a suspended call', () => {
  test('waits like one that needs approval, and is repeated with the answer', async () => {
    const world = await suspended();
    assert.equal(world.state(), 'turn.toolHop.waiting');
    assert.equal(world.calls[0]?.open, false, 'nothing is kept open for it');
    assert.deepEqual(world.log.stored().at(-1)?.waiting, { requestId: 'r1', untilMs: 61_000 });
    world.send(answer('answer'));
    assert.equal(world.calls.length, 1, 'nothing before the commit');
    world.commit();
    assert.deepEqual(world.calls[1]?.input.resume, {
      ...resume,
      answered: [{ key: 'k0', ask: form, answer: { action: 'accept', content: { guests: 4 } } }],
    });
    await runUntilIdle(world);
    assert.deepEqual(turnLines(world), [
      'assistant: asks add',
      'dispatch add',
      'the server of add asks',
      'response answer',
      'dispatch add',
      'result add ok',
      'assistant: Hello.',
      'end stop',
    ]);
  });

  test('asks one request after the other, and is repeated after the last answer', async () => {
    const world = await suspended([form, form]);
    world.send(answer('answer'));
    world.commit();
    assert.equal(world.state(), 'turn.toolHop.waiting');
    assert.deepEqual(world.log.stored().at(-1)?.waiting, { requestId: 'r1', untilMs: 61_000 }, 'for both together');
    world.send(answer('decline', 2));
    world.commit();
    assert.deepEqual(
      world.calls[1]?.input.resume?.answered.map(({ key, answer: { action } }) => [key, action]),
      [
        ['k0', 'accept'],
        ['k1', 'decline'],
      ],
    );
  });

  test('continues after a restart from the rows alone', async () => {
    const before = await suspended();
    const world = await reopen(before);
    assert.equal(world.state(), 'turn.toolHop.waiting');
    world.send(answer('decline'));
    world.commit();
    assert.deepEqual(
      world.calls[0]?.input.resume?.answered.map(({ key, answer: { action } }) => [key, action]),
      [['k0', 'decline']],
    );
    assert.equal(world.calls[0]?.input.resume?.requestState, 'table 7');
  });

  test('is repeated without an answer when time is up', async () => {
    const world = await suspended();
    world.send({ type: 'conversation.expire', nowMs: 61_000 });
    world.commit();
    assert.deepEqual(
      world.calls[1]?.input.resume?.answered.map(({ answer: { action } }) => action),
      ['cancel'],
    );
    assert.equal(turnLines(world).at(-2), 'response expired');
  });

  test('is denied when the user does not allow the server to ask the model', async () => {
    const world = await suspended([sampling]);
    world.send(answer('deny'));
    await runUntilIdle(world);
    assert.deepEqual(turnLines(world).slice(3, 5), ['response deny', 'result add denied']);
    assert.equal(world.calls.length, 1);
  });

  test('ends with its turn: the request is closed first', async () => {
    const world = await suspended();
    world.send(cancel('stop'));
    await runUntilIdle(world);
    assert.deepEqual(turnLines(world).slice(3), [
      'cancel cancelled',
      'response cancelled',
      'result add cancelled',
      'end cancelled',
    ]);
  });

  test('sends no further request once a cancel is being committed', async () => {
    const world = await calling();
    world.send(cancel('stop'));
    world
      .latestCall('add')
      .ask({ type: 'call.suspended', requests: [{ key: 'k0', ask: form }], resume, number: 1, askedAtMs: 1_000 });
    await runUntilIdle(world);
    assert.deepEqual(turnLines(world).slice(2), ['cancel cancelled', 'result add cancelled', 'end cancelled']);
  });
});

describe('a call whose server waits for an answer', () => {
  test('keeps running, and its server gets the answer when that is in the log', async () => {
    const world = await waiting();
    assert.equal(world.state(), 'turn.toolHop.running');
    world.send(answer('answer'));
    assert.deepEqual(world.latestCall('add').answers, []);
    world.commit();
    assert.deepEqual(world.latestCall('add').answers, [{ action: 'accept', content: { guests: 4 } }]);
    await runUntilIdle(world);
    assert.deepEqual(turnLines(world).slice(1), [
      'dispatch add',
      'the server of add asks',
      'response answer',
      'result add ok',
      'assistant: Hello.',
      'end stop',
    ]);
  });

  test('may end without the answer, which is then dropped', async () => {
    const world = await waiting();
    world.latestCall('add').end();
    await runUntilIdle(world);
    assert.deepEqual(turnLines(world).slice(3, 5), ['response cancelled', 'result add ok']);
  });

  test('ends with an unknown outcome when the process ends, and so does its request', async () => {
    const world = await reopen(await waiting());
    await runUntilIdle(world);
    assert.deepEqual(turnLines(world).slice(3, 5), ['response cancelled', 'result add outcome_unknown']);
  });

  test('is repeated once if it is idempotent, and asks again', async () => {
    const world = await reopen(await waiting('look'));
    world.commit();
    assert.deepEqual(turnLines(world).slice(3), ['response cancelled', 'dispatch look', 'recovered 1']);
    world.latestCall('look').ask({
      type: 'call.serverRequest',
      requests: [{ key: '', ask: form }],
      number: 1,
      askedAtMs: 2_000,
      workedMs: 0,
    });
    world.commit();
    const ids = world.log
      .rowsOf('r1')
      .filter(({ extra }) => extra['kind'] === 'elicitation_request')
      .map(({ id }) => id);
    assert.deepEqual(ids, ['question_call_q_1_1', 'question_call_q_2_1'], 'no two questions have one id');
  });
});
