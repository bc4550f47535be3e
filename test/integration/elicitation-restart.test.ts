/**
 * Questions of MCP servers over the end of our process: one of a server of 2026-07-28 outlives SIGKILL and is
 * answered afterwards, one of an older server ends with it.
 */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { Client } from '../support/client.ts';
import { startHttpServer } from '../support/mcp-http-server.ts';
import { offerResumedTable, offerWaitingTable } from '../support/mcp-questions.ts';
import { startModelServer } from '../support/model-server.ts';
import { says } from '../support/model-replies.ts';
import { asks } from '../support/model-tool-calls.ts';
import { createHome } from '../support/server-process.ts';

const c1 = { conversation_id: 'c1' };

async function startHome(test: TestContext, era: 'sessions' | 'stateless', config: Record<string, object> = {}) {
  const bookings = { booked: [] as string[], refused: [] as string[] };
  const tables = await startHttpServer({ era, offer: (server) => (era === 'sessions' ? offerWaitingTable : offerResumedTable)(server, bookings) });
  const model = await startModelServer();
  test.after(async () => {
    await tables.stop();
    await model.close();
    assert.deepEqual(model.violations, []);
  });
  const home = await createHome(test, { modelUrl: model.url, mcpServers: { tables: { url: tables.url } }, config });
  return { bookings, model, home };
}

async function questionOf(client: Client): Promise<string> {
  const { chunk } = await client.waitFor((frame) => frame.chunk?.type === 'elicitation_request', 'the question');
  return String(chunk?.['interrupt_id']);
}

test('a question outlives SIGKILL: the answer takes the call up where its server had laid it down', async (t) => {
  const { bookings, model, home } = await startHome(t, 'stateless');
  model.script(asks([{ name: 'book' }]), says('Booked.'));
  const first = home.start();
  const before = await first.connect();
  before.send('chat', { text: 'A table', ...c1 }, 'r1');
  const interrupt = await questionOf(before);
  first.kill('SIGKILL');
  await first.exited;

  const second = home.start();
  const after = await second.connect();
  after.send('chat', { text: 'A table', ...c1 }, 'r1');
  assert.equal(await questionOf(after), interrupt, 'shown again to who comes back');
  const answered = await after.ask('respond', { ...c1, interrupt_id: interrupt, decision: 'answer', content: { guests: 3 } });
  assert.deepEqual(answered.result, { accepted: true });
  assert.equal((await after.turn('r1')).text, 'Booked.');
  assert.deepEqual(bookings.booked, ['3 inside table 7'], 'once, with the state that the server had given');
  assert.equal(model.requests.length, 2, 'the model was not asked again for what it had said');
});

test('a turn that waits for such an answer is not taken up by a start, and ends when time is up', async (t) => {
  const { bookings, model, home } = await startHome(t, 'stateless', { chat: { service: { tools: { approval_timeout: 1 } } } });
  model.script(asks([{ name: 'book' }]), says('Nobody came.'));
  const first = home.start();
  const before = await first.connect();
  before.send('chat', { text: 'A table', ...c1 }, 'r1');
  await questionOf(before);
  first.kill('SIGKILL');
  await first.exited;
  const after = await home.start().connect();
  after.send('chat', { text: 'A table', ...c1 }, 'r1');
  assert.equal((await after.turn('r1')).text, 'Nobody came.');
  assert.deepEqual(bookings, { booked: [], refused: ['cancel'] });
});

test('a question of an older server ends with the process, and its call as unknown', async (t) => {
  const { bookings, model, home } = await startHome(t, 'sessions');
  model.script(asks([{ name: 'book' }]), says('I do not know whether it is booked.'));
  const first = home.start();
  const before = await first.connect();
  before.send('chat', { text: 'A table', ...c1 }, 'r1');
  const interrupt = await questionOf(before);
  first.kill('SIGKILL');
  await first.exited;
  const after = await home.start().connect();
  after.send('chat', { text: 'A table', ...c1 }, 'r1');
  const turn = await after.turn('r1');
  assert.equal(turn.text, 'I do not know whether it is booked.');
  assert.equal(turn.frames.find(({ chunk }) => chunk?.type === 'tool_result')?.chunk?.['status'], 'outcome_unknown');
  const late = await after.ask('respond', { ...c1, interrupt_id: interrupt, decision: 'answer', content: { guests: 3 } });
  assert.deepEqual(late.result, { already: { decision: 'cancelled' } });
  assert.deepEqual(bookings.booked, []);
});
