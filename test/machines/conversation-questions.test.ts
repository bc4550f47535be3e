/** Servers that ask people in the middle of a call: what is written when, and what becomes of the call. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ServerAsk } from '../../machines/conversation/question-types.ts';
import { reopen, startWorld, type World } from '../support/machine-conversation.ts';
import { bringToRest } from '../support/machine-rest.ts';
import { streaming } from '../support/machine-states.ts';
import { storyOf } from '../support/machine-story.ts';
import { asked, cancel, respond } from '../support/machine-values.ts';

const form: ServerAsk = { kind: 'form', message: 'For how many?', schema: {} };
const sampling: ServerAsk = { kind: 'sampling', request: { messages: [] } };
const resume = { requestState: 'table 7', answered: [], questions: 1, workedMs: 300 };
const storyOfTurn = (world: World) => storyOf(world.log.rowsOf('r1')).slice(1);
const answer = (decision: 'answer' | 'decline' | 'approve' | 'deny', number = 1) =>
  respond('', 'approve', {
    interruptId: `question_call_q_1_${number}`,
    decision,
    content: decision === 'answer' ? { guests: 4 } : null,
  });

async function calling(name = 'add'): Promise<World> {
  const world = await startWorld();
  await streaming(world);
  world.answering().finish({ calls: [asked(name, { callId: 'call_q' })] });
  world.commit();
  return world;
}

/** The call of `add` is suspended with these questions, which are in the log. */
async function suspended(asks: ServerAsk[] = [form], name = 'add'): Promise<World> {
  const world = await calling(name);
  world.calling(name).asks({
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
    .calling(name)
    .asks({ type: 'call.serverRequest', requests: [{ key: '', ask: form }], number: 1, askedAtMs: 1_000, workedMs: 0 });
  world.commit();
  return world;
}

describe('a call that its server has suspended', () => {
  test('waits like one that needs approval, and is made again with the answer', async () => {
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
    await bringToRest(world);
    assert.deepEqual(storyOfTurn(world), [
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

  test('asks one thing after the other, and is made again after the last', async () => {
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

  test('goes on after a restart from the rows alone', async () => {
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

  test('is made again with the news that nobody has answered, when time is up', async () => {
    const world = await suspended();
    world.send({ type: 'conversation.expire', nowMs: 61_000 });
    world.commit();
    assert.deepEqual(
      world.calls[1]?.input.resume?.answered.map(({ answer: { action } }) => action),
      ['cancel'],
    );
    assert.equal(storyOfTurn(world).at(-2), 'response expired');
  });

  test('is denied when a person does not let its server ask the model', async () => {
    const world = await suspended([sampling]);
    world.send(answer('deny'));
    await bringToRest(world);
    assert.deepEqual(storyOfTurn(world).slice(3, 5), ['response deny', 'result add denied']);
    assert.equal(world.calls.length, 1);
  });

  test('ends with its turn: the question is closed first', async () => {
    const world = await suspended();
    world.send(cancel('stop'));
    await bringToRest(world);
    assert.deepEqual(storyOfTurn(world).slice(3), [
      'cancel cancelled',
      'response cancelled',
      'result add cancelled',
      'end cancelled',
    ]);
  });

  test('asks nobody any more once a Stop is on its way to the log', async () => {
    const world = await calling();
    world.send(cancel('stop'));
    world
      .calling('add')
      .asks({ type: 'call.suspended', requests: [{ key: 'k0', ask: form }], resume, number: 1, askedAtMs: 1_000 });
    await bringToRest(world);
    assert.deepEqual(storyOfTurn(world).slice(2), ['cancel cancelled', 'result add cancelled', 'end cancelled']);
  });
});

describe('a call whose server waits', () => {
  test('runs on, and its server is told when the answer is in the log', async () => {
    const world = await waiting();
    assert.equal(world.state(), 'turn.toolHop.running');
    world.send(answer('answer'));
    assert.deepEqual(world.calling('add').told, []);
    world.commit();
    assert.deepEqual(world.calling('add').told, [{ action: 'accept', content: { guests: 4 } }]);
    await bringToRest(world);
    assert.deepEqual(storyOfTurn(world).slice(1), [
      'dispatch add',
      'the server of add asks',
      'response answer',
      'result add ok',
      'assistant: Hello.',
      'end stop',
    ]);
  });

  test('may end without the answer, which nobody needs then', async () => {
    const world = await waiting();
    world.calling('add').end();
    await bringToRest(world);
    assert.deepEqual(storyOfTurn(world).slice(3, 5), ['response cancelled', 'result add ok']);
  });

  test('ends as unknown with the process, its question with it', async () => {
    const world = await reopen(await waiting());
    await bringToRest(world);
    assert.deepEqual(storyOfTurn(world).slice(3, 5), ['response cancelled', 'result add outcome_unknown']);
  });

  test('is made once more if its tool is idempotent, and asks again', async () => {
    const world = await reopen(await waiting('look'));
    world.commit();
    assert.deepEqual(storyOfTurn(world).slice(3), ['response cancelled', 'dispatch look', 'recovered 1']);
    world.calling('look').asks({
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
