/** Questions of MCP servers to people, from the outside: both eras, forms and pages, every way to answer. */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { shapeOf, type Client, type Received } from '../support/client.ts';
import { startHttpServer } from '../support/mcp-http-server.ts';
import { offerResumedTable, offerWaitingTable } from '../support/mcp-questions.ts';
import { says } from '../support/model-replies.ts';
import { asks } from '../support/model-tool-calls.ts';
import { startScripted } from '../support/parley.ts';
import { eventually } from '../support/server-process.ts';

type Era = 'sessions' | 'stateless';
const c1 = { conversation_id: 'c1' };

async function startTables(test: TestContext, era: Era, config: Record<string, unknown> = {}) {
  const bookings = { booked: [] as string[], refused: [] as string[] };
  const tables = await startHttpServer({ era, offer: (server) => (era === 'sessions' ? offerWaitingTable : offerResumedTable)(server, bookings) });
  test.after(tables.stop);
  return { bookings, tables, ...(await startScripted(test, { mcpServers: { tables: { url: tables.url } }, config })) };
}

async function question(client: Client, type = 'elicitation_request') {
  const { chunk } = await client.waitFor((frame) => frame.chunk?.type === type, 'the question');
  assert.ok(chunk);
  return chunk;
}

const resultOf = (frames: readonly Received[]) => frames.find(({ chunk }) => chunk?.type === 'tool_result')?.chunk;

for (const [era, told] of [['sessions', '2025-11-25'], ['stateless', '2026-07-28']] as const) {
  describe(`a question of a server of ${told}`, () => {
    test('reaches the followers with its form, and the call goes on with the answer', async (t) => {
      const { client, model, bookings } = await startTables(t, era);
      model.script(asks([{ name: 'book' }]), says('Booked.'));
      const id = client.send('chat', { text: 'A table', ...c1 });
      const { interrupt_id: interrupt, expires_at: expires, seq, call_id: call, ...asked } = await question(client);
      assert.deepEqual([asked['name'], asked['server'], asked['mode'], asked.data], ['book', 'tables', 'form', 'For how many?']);
      assert.deepEqual(Object.keys(Object(Object(asked['requested_schema']).properties)), ['guests', 'place']);
      assert.ok(Date.parse(String(expires)) > Date.now() && Number(seq) > 0 && String(call).startsWith('call_'));
      const answered = await client.ask('respond', { ...c1, interrupt_id: interrupt, decision: 'answer', content: { guests: 4 } });
      assert.deepEqual(answered.result, { accepted: true });
      const turn = await client.turn(id);
      assert.equal(resultOf(turn.frames)?.data, 'booked for 4, inside', 'what was left out has its default');
      assert.equal(turn.text, 'Booked.');
      assert.deepEqual(bookings.booked, [era === 'sessions' ? '4 inside' : '4 inside table 7']);
      const again = era === 'sessions' ? [] : ['tool_call'];
      assert.deepEqual(shapeOf(turn.frames), ['processing', 'tool_call', 'elicitation_request', ...again, 'tool_result', 'text', 'complete']);
      const late = await client.ask('respond', { ...c1, interrupt_id: interrupt, decision: 'decline' });
      assert.deepEqual(late.result, { already: { decision: 'answer' } });
    });

    for (const decision of ['decline', 'cancel'] as const) {
      test(`is told when a person says ${decision}`, async (t) => {
        const { client, model, bookings } = await startTables(t, era);
        model.script(asks([{ name: 'book' }]), says('As you like.'));
        const id = client.send('chat', { text: 'A table', ...c1 });
        const { interrupt_id: interrupt } = await question(client);
        await client.ask('respond', { ...c1, interrupt_id: interrupt, decision });
        assert.match(resultOf((await client.turn(id)).frames)?.data ?? '', new RegExp(`not booked: ${decision}`));
        assert.deepEqual(bookings, { booked: [], refused: [decision] });
      });
    }

    test('is not answered by what does not fit it', async (t) => {
      const { client, model } = await startTables(t, era);
      model.script(asks([{ name: 'book' }]), says('Booked.'));
      const id = client.send('chat', { text: 'A table', ...c1 });
      const { interrupt_id: interrupt } = await question(client);
      const refused = async (payload: object) => (await client.ask('respond', { ...c1, interrupt_id: interrupt, ...payload })).error;
      for (const [payload, path] of [
        [{ decision: 'answer', content: { guests: 0 } }, 'payload.content.guests'],
        [{ decision: 'answer', content: { guests: 2, place: 'upstairs' } }, 'payload.content.place'],
        [{ decision: 'answer' }, 'payload.content'],
        [{ decision: 'decline', content: { guests: 2 } }, 'payload.content'],
        [{ decision: 'approve' }, 'payload.decision'],
      ] as const) {
        const fault = await refused(payload);
        assert.deepEqual([fault?.code, fault?.data], ['invalid_request', { path }], fault?.message);
      }
      await client.ask('respond', { ...c1, interrupt_id: interrupt, decision: 'answer', content: { guests: 2, place: 'outside' } });
      assert.equal(resultOf((await client.turn(id)).frames)?.data, 'booked for 2, outside');
    });

    test('may be a page to visit', async (t) => {
      const { client, model } = await startTables(t, era);
      model.script(asks([{ name: 'pay' }]), says('Paid.'));
      const id = client.send('chat', { text: 'Pay', ...c1 });
      const asked = await question(client);
      assert.deepEqual([asked['mode'], asked['url'], asked.data], ['url', 'https://pay.example/deposit', 'Pay the deposit.']);
      const refused = await client.ask('respond', { ...c1, interrupt_id: asked['interrupt_id'], decision: 'answer', content: { paid: true } });
      assert.deepEqual(refused.error?.data, { path: 'payload.content' });
      await client.ask('respond', { ...c1, interrupt_id: asked['interrupt_id'], decision: 'answer' });
      assert.equal(resultOf((await client.turn(id)).frames)?.data, 'deposit: accept');
    });

    test('is over when the turn is stopped', async (t) => {
      const { client, model, bookings } = await startTables(t, era);
      model.script(asks([{ name: 'book' }]));
      const id = client.send('chat', { text: 'A table', ...c1 });
      const { interrupt_id: interrupt } = await question(client);
      await client.ask('cancel', c1);
      const turn = await client.turn(id);
      assert.deepEqual([turn.end.metadata?.['finish_reason'], resultOf(turn.frames)?.['status']], ['cancelled', 'cancelled']);
      assert.deepEqual((await client.ask('respond', { ...c1, interrupt_id: interrupt, decision: 'decline' })).result, { already: { decision: 'cancelled' } });
      // A server that waits is not left to wait; one that laid the call down has nothing open.
      if (era === 'sessions') await eventually(() => bookings.refused.length > 0, 'the server to hear of it');
      assert.deepEqual(bookings, { booked: [], refused: era === 'sessions' ? ['cancel'] : [] });
    });

    test('does not run the clock of its call', async (t) => {
      const { client, model } = await startTables(t, era, { chat: { service: { tools: { timeout: 0.3 } } } });
      model.script(asks([{ name: 'book' }]), says('Booked.'));
      const id = client.send('chat', { text: 'A table', ...c1 });
      const { interrupt_id: interrupt } = await question(client);
      // Longer than the call may take.
      await new Promise((resolve) => setTimeout(resolve, 700));
      await client.ask('respond', { ...c1, interrupt_id: interrupt, decision: 'answer', content: { guests: 4 } });
      assert.equal(resultOf((await client.turn(id)).frames)?.['status'], 'ok');
    });

    test('is not waited for for ever', async (t) => {
      const { client, model, bookings } = await startTables(t, era, { chat: { service: { tools: { approval_timeout: 0.3 } } } });
      model.script(asks([{ name: 'book' }]), says('Nobody was there.'));
      const id = client.send('chat', { text: 'A table', ...c1 });
      const { interrupt_id: interrupt } = await question(client);
      const turn = await client.turn(id);
      assert.equal(turn.text, 'Nobody was there.');
      assert.deepEqual((await client.ask('respond', { ...c1, interrupt_id: interrupt, decision: 'decline' })).result, { already: { decision: 'expired' } });
      assert.deepEqual(bookings.booked, []);
      // A server that laid the call down hears of it, one that waits is given up.
      assert.equal(resultOf(turn.frames)?.['status'], era === 'sessions' ? 'timed_out' : 'error');
    });
  });
}
