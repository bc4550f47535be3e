/** Calls that need a person's approval, over the whole server: asked, answered, passivated, restarted, killed, expired. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Answer } from '../../src/client/client.ts';
import { question, resultsIn, type Question } from '../support/asked.ts';
import { readMetrics } from '../support/metrics.ts';
import { says } from '../support/model-replies.ts';
import { asks } from '../support/model-tool-calls.ts';
import { demoServer } from '../support/parley.ts';
import { createScriptedHome } from '../support/scripted-home.ts';
import { eventually } from '../support/server-process.ts';
import { connectClient, readAll, startTyped, withCode, type WatchedClient } from '../support/typed-client.ts';

const askFirst = (service: object = {}, tools: object = {}) => ({
  mcpServers: demoServer,
  config: { chat: { service: { ...service, tools: { permission: { 'demo.add': 'ask' }, ...tools } } } },
});
const wantsToAdd = asks([{ name: 'add', arguments: { a: 2, b: 3 } }]);
const inC1 = { conversationId: 'c1' };
const respond = (
  client: WatchedClient,
  { interrupt_id: interruptId }: Question,
  decision: Answer['decision'],
  more: Partial<Answer> = {},
) => client.respond('c1', { interruptId, decision, ...more });
const standing = (client: WatchedClient) => client.request('subscribe', { conversation_id: 'c1' });

describe('a call that needs approval', () => {
  test('is asked about with all that is to be known, and made once somebody approves', async (t) => {
    const { parley, model, client } = await startTyped(t, askFirst());
    model.script(wantsToAdd, says('Five.'));
    const turn = client.chat('Add', { ...inC1, requestId: 'r1' });
    const asked = await question(client);
    const { interrupt_id, call_id, expires_at, ...rest }: Record<string, unknown> = asked;
    assert.deepEqual(rest, {
      ...inC1,
      type: 'approval_request',
      name: 'add',
      server: 'demo',
      arguments: { a: 2, b: 3 },
      data: 'Allow add with {"a":2,"b":3}?',
      seq: 3,
    });
    assert.ok(interrupt_id && call_id && Date.parse(String(expires_at)) > Date.now() + 86_000_000);

    const other = connectClient(t, parley.url);
    const { state, can, active } = await standing(other);
    assert.deepEqual(
      { state, can, active },
      {
        state: 'turn.toolHop.waiting',
        can: ['cancel', 'chat', 'respond'],
        active: { request_id: 'r1', message_id: null },
      },
    );
    const legal = { code: 'illegal_in_state', data: { can } };
    await assert.rejects(other.chat('And?', { ...inC1, mode: 'reject' }).end, legal);
    await assert.rejects(other.chat('Rather', { ...inC1, rewindTo: 1 }).end, legal);
    assert.deepEqual(await respond(other, asked, 'approve'), { accepted: true });

    const chunks = await readAll(turn);
    assert.deepEqual([await turn.text(), (await turn.end).metadata.tool_hops], ['Five.', 1]);
    assert.deepEqual(
      resultsIn(chunks).map(({ status, data }) => [status, data]),
      [['ok', '5']],
    );
    assert.deepEqual(await respond(client, asked, 'deny'), { already: { decision: 'approve' } });
  });

  test('is not made when somebody declines, and the model hears why', async (t) => {
    const { model, client } = await startTyped(t, askFirst());
    model.script(wantsToAdd, says('As you wish.'));
    const turn = client.chat('Add', inC1);
    await respond(client, await question(client), 'deny', { reason: 'I can add.' });
    assert.deepEqual(
      resultsIn(await readAll(turn)).map(({ status }) => status),
      ['denied'],
    );
    assert.match(JSON.stringify(model.requests[1]?.body.messages.at(-1)), /declined.*I can add\./);
  });

  test('may be answered twice at the same time: one answer counts, the other is told which', async (t) => {
    const { parley, model, client } = await startTyped(t, askFirst());
    model.script(wantsToAdd, says('Five.'));
    const turn = client.chat('Add', inC1);
    const asked = await question(client);
    const clients = Array.from({ length: 8 }, () => connectClient(t, parley.url));
    await Promise.all(clients.map((each) => each.until('open')));
    const answers = await Promise.all(
      clients.map((each, index) => respond(each, asked, index % 2 ? 'approve' : 'deny')),
    );
    assert.equal(answers.filter((answer) => 'accepted' in answer).length, 1);
    assert.equal(new Set(answers.flatMap((answer) => ('already' in answer ? [JSON.stringify(answer)] : []))).size, 1);
    await turn.end;
  });

  test('waits without a limit of restarts: no start takes it up, the subscriber is told, and the answer is heard', async (t) => {
    const { parley, model, client } = await startTyped(t, askFirst({ recovery: { attempts: 0 } }));
    model.script(wantsToAdd, says('Five.'));
    client.chat('Add', { ...inC1, requestId: 'r1' });
    const asked = await question(client);
    for (let times = 0; times < 3; times += 1) await parley.restart();
    const later = connectClient(t, parley.url);
    const { state, can, active, head_seq } = await standing(later);
    assert.deepEqual(
      { state, can, active, head_seq },
      {
        state: 'turn.toolHop.waiting',
        can: ['cancel', 'chat', 'respond'],
        active: { request_id: 'r1', message_id: null },
        head_seq: 3,
      },
    );
    assert.equal((await readMetrics(parley.url)).get('parley_conversations_live'), 0);
    await respond(later, asked, 'approve');
    const end = await eventually(
      () => later.frames.find((frame) => frame.status === 'complete') ?? null,
      'the end of the turn',
    );
    assert.equal(end.seq, 8);
    const again = connectClient(t, parley.url).chat('Add', { ...inC1, requestId: 'r1' });
    assert.deepEqual(
      (await readAll(again)).map(({ type }) => type),
      ['approval_request', 'tool_call', 'tool_result', 'text'],
    );
  });

  test('holds after kill -9, and so does the answer', async (t) => {
    const { model, home } = await createScriptedHome(t, askFirst());
    model.script(wantsToAdd, says('Five.'));
    const first = home.start();
    const client = connectClient(t, await first.listening);
    client.chat('Add', { ...inC1, requestId: 'r1' });
    const asked = await question(client);
    first.kill('SIGKILL');
    await first.exited;
    const second = home.start();
    const back = connectClient(t, await second.listening);
    assert.deepEqual(await respond(back, asked, 'approve'), { accepted: true });
    second.kill('SIGKILL');
    await second.exited;
    const third = connectClient(t, await home.start().listening);
    assert.deepEqual(await respond(third, asked, 'deny'), { already: { decision: 'approve' } });
    await third.chat('Add', { ...inC1, requestId: 'r1' }).end;
  });

  test('is denied when time is up, also in a conversation that has left memory', async (t) => {
    const { parley, model, client } = await startTyped(t, askFirst({ idle_timeout: 0.05 }, { approval_timeout: 0.8 }));
    model.script(wantsToAdd, says('Then not.'));
    const turn = client.chat('Add', inC1);
    const asked = await question(client);
    await eventually(
      async () => (await readMetrics(parley.url)).get('parley_conversations_live') === 0,
      'the conversation to leave memory',
    );
    const results = resultsIn(await readAll(turn));
    assert.deepEqual(
      results.map(({ status, data }) => [status, data]),
      [['denied', 'This call was not approved in time; it was not run.']],
    );
    assert.deepEqual(await respond(client, asked, 'approve'), { already: { decision: 'expired' } });
  });

  test('can be stopped, and later answers are told so', async (t) => {
    const { model, client, parley } = await startTyped(t, askFirst());
    model.script(wantsToAdd);
    client.chat('Add', { ...inC1, requestId: 'r1' });
    const asked = await question(client);
    await parley.restart();
    const back = connectClient(t, parley.url);
    assert.deepEqual(await back.cancel('c1'), { cancelled: ['r1'], disposition: 'cancelled' });
    assert.equal((await back.chat('Add', { ...inC1, requestId: 'r1' }).end).metadata.finish_reason, 'cancelled');
    assert.deepEqual(await respond(back, asked, 'approve'), { already: { decision: 'cancelled' } });
  });
});

describe('an answer', () => {
  test('to what nobody asked, here or anywhere, is not_found and opens no conversation', async (t) => {
    const { parley, client } = await startTyped(t, askFirst());
    for (const conversationId of ['c1', 'nowhere']) {
      await assert.rejects(
        client.respond(conversationId, { interruptId: 'approval_x', decision: 'approve' }),
        withCode('not_found'),
      );
    }
    assert.equal((await readMetrics(parley.url)).get('parley_conversations_live'), 0);
  });

  test('that is none of the two is told what it may be', async (t) => {
    const { client } = await startTyped(t, askFirst());
    const refused = client.request('respond', { conversation_id: 'c1', interrupt_id: 'x', decision: 'maybe' });
    await assert.rejects(refused, { code: 'invalid_request', data: { path: 'payload.decision' } });
  });
});

test('a tool that is never allowed is not offered, and refused at once where it is called all the same; the turn goes on', async (t) => {
  const { model, client } = await startTyped(t, askFirst({}, { permission: { 'demo.add': 'never' } }));
  model.script(wantsToAdd, says('I may not.'));
  const turn = client.chat('Add', inC1);
  assert.deepEqual(
    resultsIn(await readAll(turn)).map(({ status }) => status),
    ['denied'],
  );
  assert.equal(await turn.text(), 'I may not.');
  for (const { body } of model.requests) {
    const offered = body.tools?.map((tool) => tool.function.name) ?? [];
    assert.ok(offered.includes('current_time') && !offered.includes('add'), `offered: ${offered.join(', ')}`);
  }
  const { tools } = await client.tools();
  assert.ok(
    tools.some(({ name }) => name === 'add'),
    'listed all the same',
  );
});

test('where no tool is allowed, the model is sent no list of tools', async (t) => {
  const { model, client } = await startTyped(t, askFirst({}, { permission: { demo: 'never' } }));
  model.script(says('Hello.'));
  await client.chat('Hi').end;
  assert.equal(model.requests[0]?.body.tools, undefined);
});
