/**
 * Checks open elicitations when the process ends: that of a 2026-07-28 server survives SIGKILL and is answered
 * afterwards, that of an older server ends.
 */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { nextInterrupt, toolResultsIn } from '../support/interrupts.ts';
import { startHttpServer } from '../support/mcp-http-server.ts';
import { offerResumedTable, offerWaitingTable } from '../support/mcp-questions.ts';
import { says } from '../support/model/replies.ts';
import { asks } from '../support/model/tool-calls.ts';
import { createScriptedTempHome, type TempHome } from '../support/temp-home.ts';
import { connectClient, readAll } from '../support/typed-client.ts';

const chat = ['A table', { conversationId: 'c1', requestId: 'r1' }] as const;

async function startHome(test: TestContext, era: 'sessions' | 'stateless', config: Record<string, object> = {}) {
  const bookings = { booked: [] as string[], refused: [] as string[] };
  const tables = await startHttpServer({
    era,
    offer: (server) => (era === 'sessions' ? offerWaitingTable : offerResumedTable)(server, bookings),
  });
  test.after(tables.stop);
  const { model, home } = await createScriptedTempHome(test, { mcpServers: { tables: { url: tables.url } }, config });
  return { bookings, model, home };
}

/** Kills a server of this folder while an elicitation is open; returns its id. */
async function killAsking(test: TestContext, home: TempHome): Promise<string> {
  const server = home.start();
  const client = connectClient(test, await server.listening);
  client.chat(...chat);
  const { interrupt_id: interruptId } = await nextInterrupt(client);
  server.kill('SIGKILL');
  await server.exited;
  return interruptId;
}

test('an elicitation survives SIGKILL: the answer resumes the suspended call', async (t) => {
  const { bookings, model, home } = await startHome(t, 'stateless');
  model.script(asks([{ name: 'book' }]), says('Booked.'));
  const interruptId = await killAsking(t, home);

  const client = connectClient(t, await home.start().listening);
  const turn = client.chat(...chat);
  assert.equal((await nextInterrupt(client)).interrupt_id, interruptId, 'shown again to who comes back');
  assert.deepEqual(await client.respond('c1', { interruptId, decision: 'answer', content: { guests: 3 } }), {
    accepted: true,
  });
  assert.equal(await turn.text(), 'Booked.');
  assert.deepEqual(bookings.booked, ['3 inside table 7'], 'once, with the state that the server had given');
  assert.equal(model.requests.length, 2, 'the model was not asked again for what it had said');
});

test('a turn with an open elicitation is not resumed by a start, and ends when time is up', async (t) => {
  const { bookings, model, home } = await startHome(t, 'stateless', {
    chat: { service: { tools: { approval_timeout: 1 } } },
  });
  model.script(asks([{ name: 'book' }]), says('No answer came.'));
  await killAsking(t, home);

  const client = connectClient(t, await home.start().listening);
  assert.equal(await client.chat(...chat).text(), 'No answer came.');
  assert.deepEqual(bookings, { booked: [], refused: ['cancel'] });
});

test('an elicitation of an older server ends with the process, and its call has an unknown outcome', async (t) => {
  const { bookings, model, home } = await startHome(t, 'sessions');
  model.script(asks([{ name: 'book' }]), says('I do not know whether it is booked.'));
  const interruptId = await killAsking(t, home);

  const client = connectClient(t, await home.start().listening);
  const turn = client.chat(...chat);
  assert.deepEqual(
    toolResultsIn(await readAll(turn)).map(({ status }) => status),
    ['outcome_unknown'],
  );
  assert.equal(await turn.text(), 'I do not know whether it is booked.');
  const late = await client.respond('c1', { interruptId, decision: 'answer', content: { guests: 3 } });
  assert.deepEqual(late, { already: { decision: 'cancelled' } });
  assert.deepEqual(bookings.booked, []);
});
