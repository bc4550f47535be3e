/** Decisions for the rest of a conversation, over the whole server: not asked again, whatever happens to process, memory and rows. */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { check } from '../../src/commands/check.ts';
import type { Client } from '../support/client.ts';
import { says } from '../support/model-replies.ts';
import { startModelServer } from '../support/model-server.ts';
import { asks } from '../support/model-tool-calls.ts';
import { demoServer, misbehavingServer, startScripted } from '../support/parley.ts';
import { createHome, eventually } from '../support/server-process.ts';
import { connectClient } from '../support/typed-client.ts';

const settings = (more: object = {}) => ({
  mcpServers: demoServer,
  config: { chat: { service: { idle_timeout: 0.05, tools: { permission: { demo: 'ask' } } } }, ...more },
});
const add = { name: 'add', arguments: { a: 2, b: 3 } };
const wantsToAdd = asks([add]);
const question = (client: Client, number = 1) =>
  client.waitFor((frame) => client.frames.filter(({ chunk }) => chunk?.type === 'approval_request').indexOf(frame) === number - 1, `question ${number}`);
const statuses = (frames: Client['frames']) => frames.flatMap(({ chunk }) => (chunk?.type === 'tool_result' ? [chunk['status']] : []));
const kinds = (frames: Client['frames']) => frames.flatMap(({ chunk }) => (chunk && chunk.type !== 'text' ? [chunk.type] : []));

/** A conversation in which the first call was answered for good. */
async function decided(t: TestContext, decision: 'approve' | 'deny', more: object = {}) {
  const { parley, model, client } = await startScripted(t, settings(more));
  model.script(wantsToAdd, says('First.'));
  client.send('chat', { text: 'Add', conversation_id: 'c1' }, 'r1');
  const asked = await question(client);
  const answer = await client.ask('respond', { conversation_id: 'c1', interrupt_id: asked.chunk?.['interrupt_id'], decision, remember: true });
  assert.deepEqual(answer.result, { accepted: true });
  await client.turn('r1');
  return { parley, model, client };
}

describe('a decision that is remembered', () => {
  for (const { decision, chunks, status } of [
    { decision: 'approve', chunks: ['tool_call', 'tool_result'], status: 'ok' },
    { decision: 'deny', chunks: ['tool_result'], status: 'denied' },
  ] as const) {
    test(`to ${decision} holds in the next turn, and after a restart`, async (t) => {
      const { parley, model, client } = await decided(t, decision);
      model.script(wantsToAdd, says('Second.'));
      const second = await client.chat('Add', { conversation_id: 'c1' });
      assert.deepEqual([kinds(second.frames), statuses(second.frames)], [chunks, [status]]);
      assert.deepEqual(second.frames.flatMap(({ chunk }) => chunk?.['remembered'] ?? []), chunks.map(() => true).slice(0, 1));
      await parley.restart();
      model.script(wantsToAdd, says('Third.'));
      const third = await (await parley.connect()).chat('Add', { conversation_id: 'c1' });
      assert.deepEqual([kinds(third.frames), third.text], [chunks, 'Third.']);
      assert.equal(check(parley.database).exitCode, 0);
    });
  }

  test('is for the tool as it was: one that its server has redefined is asked about again', async (t) => {
    const { model, client } = await startScripted(t, {
      mcpServers: misbehavingServer(),
      config: { chat: { service: { tools: { permission: { 'odd.count': 'ask' } } } } },
    });
    const wantsToCount = asks([{ name: 'count' }]);
    const listed = async () => JSON.stringify((await client.ask('tools', {})).result);
    model.script(wantsToCount, says('First.'));
    client.send('chat', { text: 'Count', conversation_id: 'c1' }, 'r1');
    const asked = await question(client);
    await client.ask('respond', { conversation_id: 'c1', interrupt_id: asked.chunk?.['interrupt_id'], decision: 'approve', remember: true });
    await client.turn('r1');
    model.script(wantsToCount, asks([{ name: 'redefine' }]), says('Second.'));
    assert.deepEqual(statuses((await client.chat('Count, then change', { conversation_id: 'c1' })).frames), ['ok', 'ok'], 'nobody was asked');
    await eventually(async () => (await listed()).includes('Counts, and pays.'), 'the new definition');

    model.script(wantsToCount);
    client.send('chat', { text: 'Count', conversation_id: 'c1' });
    assert.equal((await question(client, 2)).chunk?.['name'], 'count');
  });

  test('is for one tool of one conversation', async (t) => {
    const { model, client } = await decided(t, 'approve');
    model.script(asks([{ name: 'word_count', arguments: { text: 'a b' } }]));
    client.send('chat', { text: 'Count', conversation_id: 'c1' });
    assert.equal((await question(client, 2)).chunk?.['name'], 'word_count');
    model.script(wantsToAdd);
    client.send('chat', { text: 'Add', conversation_id: 'c2' });
    assert.equal((await question(client, 3)).conversation_id, 'c2');
  });

  test('is not that of a fork, nor of another conversation that gets its name', async (t) => {
    const { model, client } = await decided(t, 'approve');
    const { result } = await client.ask('history', { conversation_id: 'c1' });
    const forked = await client.ask('fork', { conversation_id: 'c1', at_seq: result?.['head_seq'] });
    model.script(wantsToAdd);
    client.send('chat', { text: 'Add', conversation_id: forked.result?.['conversation_id'] });
    await question(client, 2);
    await client.ask('delete', { conversation_id: 'c1' });
    model.script(wantsToAdd);
    client.send('chat', { text: 'Add', conversation_id: 'c1' });
    assert.equal((await question(client, 3)).conversation_id, 'c1');
  });

  test('outlives its rows', async (t) => {
    const { parley, model, client } = await decided(t, 'approve', { repository: { persistence: { retention_policy: 'message_count', max_messages_per_conversation: 2 } } });
    await client.chat('Hi', { conversation_id: 'c1' });
    await client.chat('Hi again', { conversation_id: 'c1' });
    const { result } = await client.ask('history', { conversation_id: 'c1' });
    assert.ok(Number(result?.['oldest_seq']) > 10);
    await parley.restart();
    model.script(wantsToAdd, says('Still.'));
    assert.deepEqual(kinds((await (await parley.connect()).chat('Add', { conversation_id: 'c1' })).frames), ['tool_call', 'tool_result']);
  });

  test('holds after kill -9 as soon as it was accepted', async (t) => {
    const model = await startModelServer();
    t.after(model.close);
    model.script(wantsToAdd);
    const home = await createHome(t, { modelUrl: model.url, ...settings() });
    const first = home.start();
    const client = await first.connect();
    client.send('chat', { text: 'Add', conversation_id: 'c1' }, 'r1');
    const asked = await question(client);
    await client.ask('respond', { conversation_id: 'c1', interrupt_id: asked.chunk?.['interrupt_id'], decision: 'approve', remember: true });
    first.kill('SIGKILL');
    await first.exited;
    const back = await home.start().connect();
    await back.chat('Add', { conversation_id: 'c1' }, 'r1');
    model.script(wantsToAdd, says('Again.'));
    const next = await back.chat('Add again', { conversation_id: 'c1' });
    assert.deepEqual([kinds(next.frames), next.text], [['tool_call', 'tool_result'], 'Again.']);
  });
});

test('of several questions about a tool one answer for good is the answer to all, and other clients are told', async (t) => {
  const { parley, model, client } = await startScripted(t, settings());
  model.script(asks([add, { name: 'word_count', arguments: { text: 'a b' } }, add]), says('Done.'));
  client.send('chat', { text: 'Add twice', conversation_id: 'c1' }, 'r1');
  const questions = [await question(client), await question(client, 2), await question(client, 3)].map(({ chunk }) => String(chunk?.['interrupt_id']));
  const [first = '', other = '', last = ''] = questions;
  const typed = connectClient(t, parley.url);
  assert.deepEqual(await typed.respond('c1', { interruptId: last, decision: 'deny', remember: true, reason: 'No sums.' }), { accepted: true });
  assert.deepEqual(await typed.respond('c1', { interruptId: first, decision: 'approve' }), { already: { decision: 'deny' } });
  assert.deepEqual(await typed.respond('c1', { interruptId: other, decision: 'approve' }), { accepted: true });
  const turn = await client.turn('r1');
  assert.deepEqual(statuses(turn.frames), ['denied', 'denied', 'ok']);
  const told = model.requests[1]?.body.messages.slice(-3).map(({ content }) => String(content)) ?? [];
  assert.deepEqual(told.map((text) => text.includes('No sums.')), [true, false, true]);
  assert.equal(check(parley.database).exitCode, 0);
});
