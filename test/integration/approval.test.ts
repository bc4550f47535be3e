/** Calls that need a person's approval, over the whole server: asked, answered, passivated, restarted, killed, expired. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Client, Received } from '../support/client.ts';
import { readMetrics } from '../support/metrics.ts';
import { says } from '../support/model-replies.ts';
import { startModelServer } from '../support/model-server.ts';
import { asks } from '../support/model-tool-calls.ts';
import { demoServer, startScripted } from '../support/parley.ts';
import { createHome, eventually } from '../support/server-process.ts';

const askFirst = (service: object = {}, tools: object = {}) => ({
  mcpServers: demoServer,
  config: { chat: { service: { ...service, tools: { permission: { 'demo.add': 'ask' }, ...tools } } } },
});
const wantsToAdd = asks([{ name: 'add', arguments: { a: 2, b: 3 } }]);
const question = (client: Client) => client.waitFor((frame) => frame.chunk?.type === 'approval_request', 'the question');
const respond = (client: Client, asked: Received, decision: string, more: object = {}) =>
  client.ask('respond', { conversation_id: 'c1', interrupt_id: asked.chunk?.['interrupt_id'], decision, ...more });
const standing = async (client: Client) => (await client.ask('subscribe', { conversation_id: 'c1' })).result;

describe('a call that needs approval', () => {
  test('is asked about with all that is to be known, and made once somebody approves', async (t) => {
    const { parley, model, client } = await startScripted(t, askFirst());
    model.script(wantsToAdd, says('Five.'));
    client.send('chat', { text: 'Add', conversation_id: 'c1' }, 'r1');
    const asked = await question(client);
    const { interrupt_id, call_id, expires_at, ...rest }: Record<string, unknown> = { ...asked.chunk };
    assert.deepEqual(rest, { type: 'approval_request', name: 'add', server: 'demo', arguments: { a: 2, b: 3 }, data: 'Allow add with {"a":2,"b":3}?', seq: 3 });
    assert.ok(interrupt_id && call_id && Date.parse(String(expires_at)) > Date.now() + 86_000_000);

    const other = await parley.connect();
    const { state, can, active } = (await standing(other)) ?? {};
    assert.deepEqual({ state, can, active }, { state: 'turn.toolHop.waiting', can: ['cancel', 'chat', 'respond'], active: { request_id: 'r1', message_id: null } });
    assert.deepEqual((await respond(other, asked, 'approve')).result, { accepted: true });

    const turn = await client.turn('r1');
    assert.deepEqual([turn.text, turn.end.metadata?.['tool_hops']], ['Five.', 1]);
    const result = turn.frames.find((frame) => frame.chunk?.type === 'tool_result');
    assert.deepEqual([result?.chunk?.['status'], result?.chunk?.data], ['ok', '5']);
    assert.deepEqual((await respond(client, asked, 'deny')).result, { already: { decision: 'approve' } });
  });

  test('is not made when somebody declines, and the model hears why', async (t) => {
    const { model, client } = await startScripted(t, askFirst());
    model.script(wantsToAdd, says('As you wish.'));
    client.send('chat', { text: 'Add', conversation_id: 'c1' }, 'r1');
    await respond(client, await question(client), 'deny', { reason: 'I can add.' });
    const turn = await client.turn('r1');
    assert.deepEqual(turn.frames.flatMap(({ chunk }) => (chunk?.type === 'tool_result' ? [chunk['status']] : [])), ['denied']);
    assert.match(JSON.stringify(model.requests[1]?.body.messages.at(-1)), /declined.*I can add\./);
  });

  test('may be answered twice at the same time: one answer counts, the other is told which', async (t) => {
    const { parley, model, client } = await startScripted(t, askFirst());
    model.script(wantsToAdd, says('Five.'));
    client.send('chat', { text: 'Add', conversation_id: 'c1' }, 'r1');
    const asked = await question(client);
    const clients = await Promise.all(Array.from({ length: 8 }, () => parley.connect()));
    const answers = await Promise.all(clients.map((each, index) => respond(each, asked, index % 2 ? 'approve' : 'deny')));
    assert.equal(answers.filter(({ result }) => result?.['accepted']).length, 1);
    assert.equal(new Set(answers.flatMap(({ result }) => (result?.['already'] ? [JSON.stringify(result)] : []))).size, 1);
    await client.turn('r1');
  });

  test('waits without a limit of restarts: no start takes it up, the subscriber is told, and the answer is heard', async (t) => {
    const { parley, model, client } = await startScripted(t, askFirst({ recovery: { attempts: 0 } }));
    model.script(wantsToAdd, says('Five.'));
    client.send('chat', { text: 'Add', conversation_id: 'c1' }, 'r1');
    const asked = await question(client);
    for (let times = 0; times < 3; times += 1) await parley.restart();
    const later = await parley.connect();
    const { state, can, active, head_seq } = (await standing(later)) ?? {};
    assert.deepEqual({ state, can, active, head_seq }, { state: 'turn.toolHop.waiting', can: ['cancel', 'chat', 'respond'], active: { request_id: 'r1', message_id: null }, head_seq: 3 });
    assert.equal((await readMetrics(parley.url)).get('parley_conversations_live'), 0);
    await respond(later, asked, 'approve');
    const end = await later.waitFor((frame) => frame.status === 'complete');
    assert.equal(end.seq, 8);
    const again = await (await parley.connect()).chat('Add', { conversation_id: 'c1' }, 'r1');
    assert.deepEqual(again.frames.flatMap(({ chunk }) => (chunk ? [chunk.type] : [])), ['approval_request', 'tool_call', 'tool_result', 'text']);
  });

  test('holds after kill -9, and so does the answer', async (t) => {
    const model = await startModelServer();
    t.after(model.close);
    model.script(wantsToAdd, says('Five.'));
    const home = await createHome(t, { modelUrl: model.url, ...askFirst() });
    const first = home.start();
    const client = await first.connect();
    client.send('chat', { text: 'Add', conversation_id: 'c1' }, 'r1');
    const asked = await question(client);
    first.kill('SIGKILL');
    await first.exited;
    const second = home.start();
    const back = await second.connect();
    assert.deepEqual((await respond(back, asked, 'approve')).result, { accepted: true });
    second.kill('SIGKILL');
    await second.exited;
    const third = await home.start().connect();
    assert.deepEqual((await respond(third, asked, 'deny')).result, { already: { decision: 'approve' } });
    assert.equal((await third.chat('Add', { conversation_id: 'c1' }, 'r1')).end.status, 'complete');
    assert.deepEqual(model.violations, []);
  });

  test('is denied when time is up, also in a conversation that has left memory', async (t) => {
    const { parley, model, client } = await startScripted(t, askFirst({ idle_timeout: 0.05 }, { approval_timeout: 0.8 }));
    model.script(wantsToAdd, says('Then not.'));
    client.send('chat', { text: 'Add', conversation_id: 'c1' }, 'r1');
    const asked = await question(client);
    await eventually(async () => (await readMetrics(parley.url)).get('parley_conversations_live') === 0, 'the conversation to leave memory');
    const turn = await client.turn('r1');
    assert.deepEqual(turn.frames.flatMap(({ chunk }) => (chunk?.type === 'tool_result' ? [chunk['status'], chunk.data] : [])), ['denied', 'Nobody approved this call in time; it was not run.']);
    assert.deepEqual((await respond(client, asked, 'approve')).result, { already: { decision: 'expired' } });
  });

  test('can be stopped, and later answers are told so', async (t) => {
    const { model, client, parley } = await startScripted(t, askFirst());
    model.script(wantsToAdd);
    client.send('chat', { text: 'Add', conversation_id: 'c1' }, 'r1');
    const asked = await question(client);
    await parley.restart();
    const back = await parley.connect();
    assert.deepEqual((await back.ask('cancel', { conversation_id: 'c1' })).result, { cancelled: ['r1'], disposition: 'cancelled' });
    assert.equal((await back.chat('Add', { conversation_id: 'c1' }, 'r1')).end.metadata?.['finish_reason'], 'cancelled');
    assert.deepEqual((await respond(back, asked, 'approve')).result, { already: { decision: 'cancelled' } });
  });
});

describe('an answer', () => {
  test('to what nobody asked, here or anywhere, is not_found and opens no conversation', async (t) => {
    const { parley, client } = await startScripted(t, askFirst());
    for (const conversation_id of ['c1', 'nowhere']) {
      const refused = await client.ask('respond', { conversation_id, interrupt_id: 'approval_x', decision: 'approve' });
      assert.equal(refused.error?.code, 'not_found');
    }
    assert.equal((await readMetrics(parley.url)).get('parley_conversations_live'), 0);
  });

  test('that is none of the two is told what it may be', async (t) => {
    const { client } = await startScripted(t, askFirst());
    const refused = await client.ask('respond', { conversation_id: 'c1', interrupt_id: 'x', decision: 'maybe' });
    assert.deepEqual([refused.error?.code, refused.error?.data['path']], ['invalid_request', 'payload.decision']);
  });
});

test('a tool that is never allowed is not offered, and refused at once where it is called all the same; the turn goes on', async (t) => {
  const { model, client } = await startScripted(t, askFirst({}, { permission: { 'demo.add': 'never' } }));
  model.script(wantsToAdd, says('I may not.'));
  const turn = await client.chat('Add', { conversation_id: 'c1' });
  assert.deepEqual(turn.frames.flatMap(({ chunk }) => (chunk?.type === 'tool_result' ? [chunk['status']] : [])), ['denied']);
  assert.equal(turn.text, 'I may not.');
  for (const { body } of model.requests) {
    const offered = body.tools?.map((tool) => tool.function.name) ?? [];
    assert.ok(offered.includes('current_time') && !offered.includes('add'), `offered: ${offered.join(', ')}`);
  }
  const { tools } = (await client.ask('tools', {})).result as { tools: { name: string }[] };
  assert.ok(tools.some(({ name }) => name === 'add'), 'listed all the same');
});

test('where no tool is allowed, the model is sent no list of tools', async (t) => {
  const { model, client } = await startScripted(t, askFirst({}, { permission: { demo: 'never' } }));
  model.script(says('Hello.'));
  await client.chat('Hi');
  assert.equal(model.requests[0]?.body.tools, undefined);
});
