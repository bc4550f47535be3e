/** Checks calls that need approval, in the whole server: answered, passivated, restarted, killed, expired. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RespondOptions } from '../../src/client/requests.ts';
import { nextInterrupt, toolResultsIn, type Interrupt } from '../support/interrupts.ts';
import { readMetrics } from '../support/metrics.ts';
import { says } from '../support/model/replies.ts';
import { asks } from '../support/model/tool-calls.ts';
import { demoServer } from '../support/parley.ts';
import { eventually } from '../support/eventually.ts';
import { createScriptedTempHome } from '../support/temp-home.ts';
import { connectClient, readAll, startTyped, withCode, type RecordedClient } from '../support/typed-client.ts';

const askFirst = (service: object = {}, tools: object = {}) => ({
  mcpServers: demoServer,
  config: { chat: { service: { ...service, tools: { permission: { 'demo.add': 'ask' }, ...tools } } } },
});
const wantsToAdd = asks([{ name: 'add', arguments: { a: 2, b: 3 } }]);
const inC1 = { conversationId: 'c1' };
const respond = (
  client: RecordedClient,
  { interrupt_id: interruptId }: Interrupt,
  decision: RespondOptions['decision'],
  more: Partial<RespondOptions> = {},
) => client.respond('c1', { interruptId, decision, ...more });
const callStates = (client: RecordedClient) => client.request('subscribe', { conversation_id: 'c1' });

describe('a call that needs approval', () => {
  test('is announced with all its data, and runs once it is approved', async (t) => {
    const { parley, model, client } = await startTyped(t, askFirst());
    model.script(wantsToAdd, says('Five.'));
    const turn = client.chat('Add', { ...inC1, requestId: 'r1' });
    const asked = await nextInterrupt(client);
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
    const { state, can, active } = await callStates(other);
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
      toolResultsIn(chunks).map(({ status, data }) => [status, data]),
      [['ok', '5']],
    );
    assert.deepEqual(await respond(client, asked, 'deny'), { already: { decision: 'approve' } });
  });

  test('does not run when it is denied, and the model gets the reason', async (t) => {
    const { model, client } = await startTyped(t, askFirst());
    model.script(wantsToAdd, says('Understood.'));
    const turn = client.chat('Add', inC1);
    await respond(client, await nextInterrupt(client), 'deny', { reason: 'I can add.' });
    assert.deepEqual(
      toolResultsIn(await readAll(turn)).map(({ status }) => status),
      ['denied'],
    );
    assert.match(JSON.stringify(model.requests[1]?.body.messages.at(-1)), /declined.*I can add\./);
  });

  test('may get two answers at once: one counts, and the other sender learns which', async (t) => {
    const { parley, model, client } = await startTyped(t, askFirst());
    model.script(wantsToAdd, says('Five.'));
    const turn = client.chat('Add', inC1);
    const asked = await nextInterrupt(client);
    const clients = Array.from({ length: 8 }, () => connectClient(t, parley.url));
    await Promise.all(clients.map((each) => each.whenStatus('open')));
    const answers = await Promise.all(
      clients.map((each, index) => respond(each, asked, index % 2 ? 'approve' : 'deny')),
    );
    assert.equal(answers.filter((answer) => 'accepted' in answer).length, 1);
    assert.equal(new Set(answers.flatMap((answer) => ('already' in answer ? [JSON.stringify(answer)] : []))).size, 1);
    await turn.end;
  });

  test('waits through any number of restarts: no start resumes it, the subscriber is notified, and the answer counts', async (t) => {
    const { parley, model, client } = await startTyped(t, askFirst({ recovery: { attempts: 0 } }));
    model.script(wantsToAdd, says('Five.'));
    client.chat('Add', { ...inC1, requestId: 'r1' });
    const asked = await nextInterrupt(client);
    for (let times = 0; times < 3; times += 1) await parley.restart();
    const later = connectClient(t, parley.url);
    const { state, can, active, head_seq } = await callStates(later);
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

  test('stays open after kill -9, and so does its answer', async (t) => {
    const { model, home } = await createScriptedTempHome(t, askFirst());
    model.script(wantsToAdd, says('Five.'));
    const first = home.start();
    const client = connectClient(t, await first.listening);
    client.chat('Add', { ...inC1, requestId: 'r1' });
    const asked = await nextInterrupt(client);
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

  test('is denied when time is up, also in a passivated conversation', async (t) => {
    const { parley, model, client } = await startTyped(t, askFirst({ idle_timeout: 0.05 }, { approval_timeout: 0.8 }));
    model.script(wantsToAdd, says('Then not.'));
    const turn = client.chat('Add', inC1);
    const asked = await nextInterrupt(client);
    await eventually(
      async () => (await readMetrics(parley.url)).get('parley_conversations_live') === 0,
      'the conversation to leave memory',
    );
    const results = toolResultsIn(await readAll(turn));
    assert.deepEqual(
      results.map(({ status, data }) => [status, data]),
      [['denied', 'This call was not approved in time; it was not run.']],
    );
    assert.deepEqual(await respond(client, asked, 'approve'), { already: { decision: 'expired' } });
  });

  test('can be cancelled, and later answers are rejected as too late', async (t) => {
    const { model, client, parley } = await startTyped(t, askFirst());
    model.script(wantsToAdd);
    client.chat('Add', { ...inC1, requestId: 'r1' });
    const asked = await nextInterrupt(client);
    await parley.restart();
    const back = connectClient(t, parley.url);
    assert.deepEqual(await back.cancel('c1'), { cancelled: ['r1'], disposition: 'cancelled' });
    assert.equal((await back.chat('Add', { ...inC1, requestId: 'r1' }).end).metadata.finish_reason, 'cancelled');
    assert.deepEqual(await respond(back, asked, 'approve'), { already: { decision: 'cancelled' } });
  });
});

describe('an answer', () => {
  test('to an unknown request is not_found and activates no conversation', async (t) => {
    const { parley, client } = await startTyped(t, askFirst());
    for (const conversationId of ['c1', 'nowhere']) {
      await assert.rejects(
        client.respond(conversationId, { interruptId: 'approval_x', decision: 'approve' }),
        withCode('not_found'),
      );
    }
    assert.equal((await readMetrics(parley.url)).get('parley_conversations_live'), 0);
  });

  test('with an unknown decision is rejected with the path', async (t) => {
    const { client } = await startTyped(t, askFirst());
    const refused = client.request('respond', { conversation_id: 'c1', interrupt_id: 'x', decision: 'maybe' });
    await assert.rejects(refused, { code: 'invalid_request', data: { path: 'payload.decision' } });
  });
});

test('a tool that is never allowed is not offered; a call of it is refused at once, and the turn continues', async (t) => {
  const { model, client } = await startTyped(t, askFirst({}, { permission: { 'demo.add': 'never' } }));
  model.script(wantsToAdd, says('I may not.'));
  const turn = client.chat('Add', inC1);
  assert.deepEqual(
    toolResultsIn(await readAll(turn)).map(({ status }) => status),
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

test('the model gets no list of tools if no tool is allowed', async (t) => {
  const { model, client } = await startTyped(t, askFirst({}, { permission: { demo: 'never' } }));
  model.script(says('Hello.'));
  await client.chat('Hi').end;
  assert.equal(model.requests[0]?.body.tools, undefined);
});
