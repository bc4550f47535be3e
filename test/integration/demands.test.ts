/** What MCP servers want beside an answer, from the outside, in both eras: the model, folders, several answers, too much. */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import type { Client } from '../support/client.ts';
import { DAWDLE_MS, demandResumed, demandWaiting } from '../support/mcp-demands.ts';
import { startHttpServer } from '../support/mcp-http-server.ts';
import { says } from '../support/model-replies.ts';
import { asks } from '../support/model-tool-calls.ts';
import { startScripted } from '../support/parley.ts';

type Era = 'sessions' | 'stateless';
const c1 = { conversation_id: 'c1' };

async function startDemands(test: TestContext, era: Era, mcp: Record<string, unknown> = {}, tools: Record<string, unknown> = {}) {
  const demands = await startHttpServer({ era, offer: era === 'sessions' ? demandWaiting : demandResumed });
  test.after(demands.stop);
  return startScripted(test, { mcpServers: { demands: { url: demands.url } }, config: { mcp, chat: { service: { tools } } } });
}

/** The questions so far of a kind, once there are so many. */
async function questions(client: Client, type: string, count: number) {
  const shown = () => client.frames.flatMap(({ chunk }) => (chunk?.type === type ? [chunk] : []));
  await client.waitFor(() => shown().length >= count, `question ${count}`);
  return shown();
}

const resultOf = async (client: Client, id: string) => (await client.turn(id)).frames.find(({ chunk }) => chunk?.type === 'tool_result')?.chunk;

for (const [era, told] of [['sessions', '2025-11-25'], ['stateless', '2026-07-28']] as const) {
  describe(`a server of ${told}`, () => {
    test('has the model asked, once a person has allowed it', async (t) => {
      const { client, model } = await startDemands(t, era);
      model.script(asks([{ name: 'summarize' }]), says('Short.'), says('Done.'));
      const id = client.send('chat', { text: 'Summarize', ...c1 });
      const [asked] = await questions(client, 'approval_request', 1);
      assert.deepEqual([asked?.['about'], asked?.['server'], asked?.['name'], asked?.data], ['sampling', 'demands', 'summarize', 'Allow the server "demands" to ask the model?']);
      assert.equal(Object(asked?.['arguments']).systemPrompt, 'Be brief.');
      const remembered = await client.ask('respond', { ...c1, interrupt_id: asked?.['interrupt_id'], decision: 'approve', remember: true });
      assert.deepEqual(remembered.error?.data, { path: 'payload.remember' });
      await client.ask('respond', { ...c1, interrupt_id: asked?.['interrupt_id'], decision: 'approve' });
      assert.equal((await resultOf(client, id))?.data, 'summary: Short.');
      assert.deepEqual(model.requests[1]?.body.messages.map(({ role, content }) => [role, content]), [['system', 'Be brief.'], ['user', 'A long text.']]);
    });

    test('is told, or stopped, when a person does not allow it', async (t) => {
      const { client, model } = await startDemands(t, era);
      model.script(asks([{ name: 'summarize' }]), says('As you like.'));
      const id = client.send('chat', { text: 'Summarize', ...c1 });
      const [asked] = await questions(client, 'approval_request', 1);
      await client.ask('respond', { ...c1, interrupt_id: asked?.['interrupt_id'], decision: 'deny' });
      const result = await resultOf(client, id);
      if (era === 'sessions') assert.match(result?.data ?? '', /not done: .*did not allow/);
      else assert.deepEqual([result?.['status'], /did not allow/.test(result?.data ?? '')], ['denied', true]);
      assert.equal(model.requests.length, 2, 'the model was not asked for it');
    });

    test('asks the model at once where the configuration has it so, within its budget', async (t) => {
      const { client, model } = await startDemands(t, era, { sampling: { permission: 'always', requests_per_call: 2, max_tokens: 3 } });
      model.script(asks([{ name: 'summarize' }]), says('0123456789abcdef'), says('Done.'), asks([{ name: 'insist' }]), says('One.'), says('Two.'), says('Enough.'));
      const first = client.send('chat', { text: 'Summarize', ...c1 });
      assert.equal((await resultOf(client, first))?.data, 'summary: 0123456789ab');
      const second = client.send('chat', { text: 'Insist', ...c1 });
      assert.match((await resultOf(client, second))?.data ?? '', era === 'sessions' ? /not any more in this call/ : /asked for something that this client cannot give/);
      assert.equal((await client.turn(second)).text, 'Enough.');
      assert.equal(model.requests.length, 7);
    });

    test('is not told that it may, where it may not', async (t) => {
      const { client, model } = await startDemands(t, era, { sampling: { permission: 'never' } });
      model.script(asks([{ name: 'summarize' }]), says('No.'));
      const id = client.send('chat', { text: 'Summarize', ...c1 });
      assert.match((await resultOf(client, id))?.data ?? '', era === 'sessions' ? /not done/ : /do not declare/);
      assert.equal(model.requests.length, 2);
    });

    test('learns of the folders that it may use', async (t) => {
      const { client, model } = await startDemands(t, era, { roots: ['/srv/shared', '/srv/my notes'] });
      model.script(asks([{ name: 'roots' }]), says('Two.'));
      const id = client.send('chat', { text: 'Where?', ...c1 });
      assert.equal((await resultOf(client, id))?.data, 'file:///srv/shared file:///srv/my%20notes');
    });

    test('asks several things one after the other', async (t) => {
      const { client, model } = await startDemands(t, era);
      model.script(asks([{ name: 'two' }]), says('Both.'));
      const id = client.send('chat', { text: 'Two', ...c1 });
      for (const [count, message, word] of [[1, 'First?', 'one'], [2, 'Second?', 'two']] as const) {
        const asked = (await questions(client, 'elicitation_request', count)).at(-1);
        assert.equal(asked?.data, message);
        await client.ask('respond', { ...c1, interrupt_id: asked?.['interrupt_id'], decision: 'answer', content: { word } });
      }
      assert.equal((await resultOf(client, id))?.data, 'one and two');
    });

    test('may not ask for ever, nor at any length', async (t) => {
      const { client, model } = await startDemands(t, era, { limits: { max_questions: 2 } });
      model.script(asks([{ name: 'nag' }]), says('It nags.'));
      const id = client.send('chat', { text: 'Nag', ...c1 });
      for (const count of [1, 2]) {
        const asked = (await questions(client, 'elicitation_request', count)).at(-1);
        await client.ask('respond', { ...c1, interrupt_id: asked?.['interrupt_id'], decision: 'answer', content: { word: 'no' } });
      }
      assert.match((await resultOf(client, id))?.data ?? '', /asked too often|more than 2 questions/);
    });

    test('gains no time by asking', async (t) => {
      const { client, model } = await startDemands(t, era, { limits: { max_questions: 50 } }, { timeout: (2 * DAWDLE_MS) / 1_000, max_timeout: (2.5 * DAWDLE_MS) / 1_000 });
      model.script(asks([{ name: 'dawdle' }]), says('It dawdles.'));
      client.send('chat', { text: 'Dawdle', ...c1 });
      const answered = new Set<unknown>();
      for (;;) {
        const { chunk } = await client.waitFor(({ chunk }) => chunk?.type === 'tool_result' || (chunk?.type === 'elicitation_request' && !answered.has(chunk['interrupt_id'])));
        if (chunk?.type === 'tool_result') {
          assert.equal(chunk['status'], 'timed_out', chunk.data);
          break;
        }
        answered.add(chunk?.['interrupt_id']);
        await client.ask('respond', { ...c1, interrupt_id: chunk?.['interrupt_id'], decision: 'answer', content: { word: 'no' } });
      }
      assert.ok(answered.size <= 2, `${answered.size} questions`);
    });
  });
}

test('of an older server with several calls under way nobody is asked: it could be the wrong person', async (t) => {
  const { client, parley, model } = await startDemands(t, 'sessions');
  const other = await parley.connect();
  model.script(asks([{ name: 'nag' }]), asks([{ name: 'two' }]), says('Not told.'));
  const first = client.send('chat', { text: 'Nag', ...c1 });
  const [asked] = await questions(client, 'elicitation_request', 1);
  const id = other.send('chat', { text: 'Two', conversation_id: 'c2' });
  assert.match((await resultOf(other, id))?.data ?? '', /not done: .*which of several calls/);
  assert.ok(asked?.['interrupt_id']);
  model.script(says('Stopped.'));
  await client.ask('cancel', c1);
  await client.turn(first);
});
