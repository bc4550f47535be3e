/** Checks elicitation in the whole server: both eras, forms and URLs, and every answer. */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import type { RespondOptions } from '../../src/client/requests.ts';
import type { Turn } from '../../src/client/turn.ts';
import { nextInterrupt, toolResultsIn } from '../support/interrupts.ts';
import { startHttpServer } from '../support/mcp-http-server.ts';
import { offerResumedTable, offerWaitingTable } from '../support/mcp-questions.ts';
import { says } from '../support/model/replies.ts';
import { asks } from '../support/model/tool-calls.ts';
import { eventually } from '../support/eventually.ts';
import { connectClient, readAll, startTyped, type RecordedClient } from '../support/typed-client.ts';

type Era = 'sessions' | 'stateless';
const inC1 = { conversationId: 'c1' };

async function startTables(test: TestContext, era: Era, config: Record<string, unknown> = {}) {
  const bookings = { booked: [] as string[], refused: [] as string[] };
  const tables = await startHttpServer({
    era,
    offer: (server) => (era === 'sessions' ? offerWaitingTable : offerResumedTable)(server, bookings),
  });
  test.after(tables.stop);
  return { bookings, ...(await startTyped(test, { mcpServers: { tables: { url: tables.url } }, config })) };
}

/** A turn that waits for a user: the interrupt, and a function that answers it. */
async function chatUntilAsked(client: RecordedClient) {
  const turn = client.chat('A table', inC1);
  const asked = await nextInterrupt(client);
  assert.ok(asked.type === 'elicitation_request');
  const respond = (answer: Omit<RespondOptions, 'interruptId'>) =>
    client.respond('c1', { interruptId: asked.interrupt_id, ...answer });
  return { turn, asked, respond };
}

const resultOf = async (turn: Turn) => toolResultsIn(await readAll(turn))[0];

for (const [era, revision] of [
  ['sessions', '2025-11-25'],
  ['stateless', '2026-07-28'],
] as const) {
  describe(`an elicitation of a server of ${revision}`, () => {
    test('is sent to the followers with its form, and the call continues with the answer', async (t) => {
      const { parley, client, model, bookings } = await startTables(t, era);
      model.script(asks([{ name: 'book' }]), says('Booked.'));
      const { turn, asked, respond } = await chatUntilAsked(client);
      assert.deepEqual([asked.name, asked.server, asked.mode, asked.data], ['book', 'tables', 'form', 'For how many?']);
      assert.deepEqual(Object.keys(Object(asked.requested_schema?.['properties'])), ['guests', 'place']);
      assert.ok(Date.parse(asked.expires_at) > Date.now() && asked.seq > 0 && /^[a-zA-Z0-9]{9}$/.test(asked.call_id));
      const { can } = await connectClient(t, parley.url).request('subscribe', { conversation_id: 'c1' });
      assert.deepEqual(can, ['cancel', 'chat', 'respond']);
      assert.deepEqual(await respond({ decision: 'answer', content: { guests: 4 } }), { accepted: true });
      const chunks = await readAll(turn);
      assert.equal(toolResultsIn(chunks)[0]?.data, 'booked for 4, inside', 'what was left out has its default');
      assert.equal(await turn.text(), 'Booked.');
      assert.deepEqual(bookings.booked, [era === 'sessions' ? '4 inside' : '4 inside table 7']);
      const kinds = chunks.map(({ type }) => type).filter((type, index, types) => type !== types[index - 1]);
      assert.deepEqual(kinds, [
        'tool_call',
        'elicitation_request',
        ...(era === 'sessions' ? [] : ['tool_call']),
        'tool_result',
        'text',
      ]);
      assert.deepEqual(await respond({ decision: 'decline' }), { already: { decision: 'answer' } });
    });

    for (const decision of ['decline', 'cancel'] as const) {
      test(`is answered with ${decision} when the user decides that`, async (t) => {
        const { client, model, bookings } = await startTables(t, era);
        model.script(asks([{ name: 'book' }]), says('As you like.'));
        const { turn, respond } = await chatUntilAsked(client);
        await respond({ decision });
        assert.match((await resultOf(turn))?.data ?? '', new RegExp(`not booked: ${decision}`));
        assert.deepEqual(bookings, { booked: [], refused: [decision] });
      });
    }

    test('rejects an answer that does not fit its schema', async (t) => {
      const { client, model } = await startTables(t, era);
      model.script(asks([{ name: 'book' }]), says('Booked.'));
      const { turn, respond } = await chatUntilAsked(client);
      for (const [answer, path] of [
        [{ decision: 'answer', content: { guests: 0 } }, 'payload.content.guests'],
        [{ decision: 'answer', content: { guests: 2, place: 'upstairs' } }, 'payload.content.place'],
        [{ decision: 'answer' }, 'payload.content'],
        [{ decision: 'decline', content: { guests: 2 } }, 'payload.content'],
        [{ decision: 'approve' }, 'payload.decision'],
      ] as const) {
        await assert.rejects(respond(answer), { code: 'invalid_request', data: { path } });
      }
      await respond({ decision: 'answer', content: { guests: 2, place: 'outside' } });
      assert.equal((await resultOf(turn))?.data, 'booked for 2, outside');
    });

    test('may be a URL to visit', async (t) => {
      const { client, model } = await startTables(t, era);
      model.script(asks([{ name: 'pay' }]), says('Paid.'));
      const { turn, asked, respond } = await chatUntilAsked(client);
      assert.deepEqual([asked.mode, asked.url, asked.data], ['url', 'https://pay.example/deposit', 'Pay the deposit.']);
      await assert.rejects(respond({ decision: 'answer', content: { paid: true } }), {
        data: { path: 'payload.content' },
      });
      await respond({ decision: 'answer' });
      assert.equal((await resultOf(turn))?.data, 'deposit: accept');
    });

    test('ends when the turn is cancelled', async (t) => {
      const { client, model, bookings } = await startTables(t, era);
      model.script(asks([{ name: 'book' }]));
      const { turn, respond } = await chatUntilAsked(client);
      await turn.cancel();
      assert.equal((await resultOf(turn))?.status, 'cancelled');
      assert.equal((await turn.end).metadata.finish_reason, 'cancelled');
      assert.deepEqual(await respond({ decision: 'decline' }), { already: { decision: 'cancelled' } });
      // A waiting server is notified; a suspended call has nothing open.
      if (era === 'sessions') await eventually(() => bookings.refused.length > 0, 'the server to be notified');
      assert.deepEqual(bookings, { booked: [], refused: era === 'sessions' ? ['cancel'] : [] });
    });

    test('stops the clock of its call', async (t) => {
      const { client, model } = await startTables(t, era, { chat: { service: { tools: { timeout: 0.3 } } } });
      model.script(asks([{ name: 'book' }]), says('Booked.'));
      const { turn, respond } = await chatUntilAsked(client);
      // Longer than the timeout of the call.
      await new Promise((resolve) => setTimeout(resolve, 700));
      await respond({ decision: 'answer', content: { guests: 4 } });
      assert.equal((await resultOf(turn))?.status, 'ok');
    });

    test('expires', async (t) => {
      const { client, model, bookings } = await startTables(t, era, {
        chat: { service: { tools: { approval_timeout: 0.3 } } },
      });
      model.script(asks([{ name: 'book' }]), says('No answer came.'));
      const { turn, respond } = await chatUntilAsked(client);
      // A server with a suspended call gets the expiry; the call of a waiting server is given up.
      assert.equal((await resultOf(turn))?.status, era === 'sessions' ? 'timed_out' : 'error');
      assert.equal(await turn.text(), 'No answer came.');
      assert.deepEqual(await respond({ decision: 'decline' }), { already: { decision: 'expired' } });
      assert.deepEqual(bookings.booked, []);
    });
  });
}
