/** Tests responses of a person to a question of a turn: the client's request, and its check of the result. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startHttpServer } from '../support/mcp-http-server.ts';
import { offerResumedTable } from '../support/mcp-questions.ts';
import { says } from '../support/model/replies.ts';
import { asks } from '../support/model/tool-calls.ts';
import { demoServer, startScripted } from '../support/parley.ts';
import { connectClient, readAll, withCode } from '../support/typed-client.ts';
import { startWire } from './wire-server.ts';

const inC1 = { conversation_id: 'c1' };
const question = {
  type: 'approval_request',
  interrupt_id: 'i1',
  call_id: 'k1',
  name: 'delete',
  server: 'files',
  arguments: { path: 'a' },
  expires_at: '2030-01-01T00:00:00.000Z',
  data: 'Allow delete with {"path":"a"}?',
  seq: 3,
};

describe('respond', () => {
  for (const { what, result } of [
    { what: 'that its answer counts', result: { accepted: true } },
    { what: 'what another client had decided', result: { already: { decision: 'deny' } } },
  ]) {
    test(`sends the question's id and the decision, and gets ${what}`, async (t) => {
      const wire = await startWire(t, {
        answer: ({ request_id }, send) => send({ request_id, status: 'result', ...inC1, result }),
      });
      const client = connectClient(t, wire.url);
      assert.deepEqual(await client.respond('c1', { interruptId: 'i1', decision: 'approve' }), result);
      await client.respond('c1', { interruptId: 'i1', decision: 'deny', reason: 'Not today.' });
      await client.respond('c1', { interruptId: 'i1', decision: 'approve', arguments: { path: 'b' }, remember: true });
      assert.deepEqual(
        wire.asked.map(({ action, payload }) => ({ action, ...payload })),
        [
          { action: 'respond', conversation_id: 'c1', interrupt_id: 'i1', decision: 'approve' },
          { action: 'respond', conversation_id: 'c1', interrupt_id: 'i1', decision: 'deny', reason: 'Not today.' },
          {
            action: 'respond',
            conversation_id: 'c1',
            interrupt_id: 'i1',
            decision: 'approve',
            arguments: { path: 'b' },
            remember: true,
          },
        ],
      );
    });
  }

  for (const result of [{}, { accepted: false }, { already: null }, { already: {} }]) {
    test(`rejects the result ${JSON.stringify(result)}`, async (t) => {
      const wire = await startWire(t, {
        answer: ({ request_id }, send) => send({ request_id, status: 'result', ...inC1, result }),
      });
      await assert.rejects(
        connectClient(t, wire.url).respond('c1', { interruptId: 'i1', decision: 'approve' }),
        withCode('unexpected_answer'),
      );
    });
  }

  test('is sent again if the socket is lost before its response', async (t) => {
    const wire = await startWire(t, {
      greet: (socket, count) => void (count === 1 && socket.once('message', () => socket.terminate())),
      answer: ({ request_id }, send) =>
        send({ request_id, status: 'result', ...inC1, result: { already: { decision: 'approve' } } }),
    });
    const client = connectClient(t, wire.url);
    assert.deepEqual(await client.respond('c1', { interruptId: 'i1', decision: 'approve' }), {
      already: { decision: 'approve' },
    });
    const [first, second] = wire.asked;
    assert.deepEqual(first, second, 'the same request under the same id');
  });
});

test('the client gets a question as a typed chunk, and the turn continues with the response', async (t) => {
  const wire = await startWire(t, {
    answer({ action, request_id, payload }, send) {
      const ofTurn = { request_id: 'r1', ...inC1 };
      if (action === 'chat') {
        send({ ...ofTurn, status: 'processing', seq: 1, metadata: { disposition: 'started' } });
        send({ ...ofTurn, status: 'chunk', chunk: question });
      } else {
        send({ request_id, status: 'result', ...inC1, result: { accepted: true } });
        send({
          ...ofTurn,
          status: 'chunk',
          chunk: {
            type: 'tool_result',
            call_id: 'k1',
            name: 'delete',
            status: payload['decision'] === 'approve' ? 'ok' : 'denied',
            data: 'gone',
            duration_ms: 1,
            seq: 5,
          },
        });
        send({ ...ofTurn, status: 'complete', seq: 7, metadata: { finish_reason: 'stop' } });
      }
    },
  });
  const client = connectClient(t, wire.url);
  const turn = client.chat('delete a', { conversationId: 'c1', requestId: 'r1' });
  const seen: unknown[] = [];
  for await (const chunk of turn) {
    seen.push(chunk);
    if (chunk.type !== 'approval_request') continue;
    const { server, name, arguments: asked } = chunk;
    assert.deepEqual([server, name, asked['path']], ['files', 'delete', 'a']);
    assert.deepEqual(
      await client.respond(turn.conversationId, { interruptId: chunk.interrupt_id, decision: 'approve' }),
      { accepted: true },
    );
  }
  assert.deepEqual(seen[0], question);
  assert.equal(seen.length, 2);
});

test('the client does not get a question again after a reconnect', async (t) => {
  const wire = await startWire(t, {
    greet: (socket, count) =>
      void (count === 1 && socket.once('message', () => setImmediate(() => socket.terminate()))),
    answer({ request_id }, send, count) {
      send({
        request_id,
        ...inC1,
        status: 'processing',
        seq: 1,
        metadata: { disposition: count === 1 ? 'started' : 'attached' },
      });
      send({ request_id, ...inC1, status: 'chunk', chunk: question });
      if (count > 1) send({ request_id, ...inC1, status: 'complete', seq: 7, metadata: { finish_reason: 'stop' } });
    },
  });
  const turn = connectClient(t, wire.url).chat('delete a', { conversationId: 'c1' });
  assert.deepEqual(
    (await readAll(turn)).map(({ type }) => type),
    ['approval_request'],
  );
  assert.deepEqual(wire.asked[1]?.payload['cursor'], { after_seq: 3 });
});

test('the real server accepts one response, and answers a second one with the decision', async (t) => {
  const { parley, model } = await startScripted(t, {
    mcpServers: demoServer,
    config: { chat: { service: { tools: { permission: { 'demo.add': 'ask' } } } } },
  });
  model.script(asks([{ name: 'add', arguments: { a: 2, b: 3 } }]), says('Five.'));
  const client = connectClient(t, parley.url);
  const turn = client.chat('2 + 3?');
  for await (const chunk of turn) {
    if (chunk.type !== 'approval_request') continue;
    assert.deepEqual([chunk.server, chunk.name, chunk.arguments], ['demo', 'add', { a: 2, b: 3 }]);
    assert.deepEqual(
      await client.respond(turn.conversationId, { interruptId: chunk.interrupt_id, decision: 'approve' }),
      { accepted: true },
    );
    assert.deepEqual(await client.respond(turn.conversationId, { interruptId: chunk.interrupt_id, decision: 'deny' }), {
      already: { decision: 'approve' },
    });
  }
  assert.equal(await turn.text(), 'Five.');
  await assert.rejects(
    client.respond(turn.conversationId, { interruptId: 'never asked', decision: 'deny' }),
    withCode('not_found'),
  );
});

test('the client gets a question of an MCP server typed too, and responds with the form', async (t) => {
  const bookings = { booked: [], refused: [] };
  const tables = await startHttpServer({ era: 'stateless', offer: (server) => offerResumedTable(server, bookings) });
  t.after(tables.stop);
  const { parley, model } = await startScripted(t, { mcpServers: { tables: { url: tables.url } } });
  model.script(asks([{ name: 'book' }]), says('Booked.'));
  const client = connectClient(t, parley.url);
  const turn = client.chat('A table');
  for await (const chunk of turn) {
    if (chunk.type !== 'elicitation_request') continue;
    assert.deepEqual([chunk.server, chunk.mode, chunk.data], ['tables', 'form', 'For how many?']);
    const { interrupt_id: interruptId } = chunk;
    await assert.rejects(
      client.respond(turn.conversationId, { interruptId, decision: 'answer', content: { guests: 'many' } }),
      withCode('invalid_request'),
    );
    assert.deepEqual(
      await client.respond(turn.conversationId, { interruptId, decision: 'answer', content: { guests: 4 } }),
      { accepted: true },
    );
  }
  assert.equal(await turn.text(), 'Booked.');
  assert.deepEqual(bookings.booked, ['4 inside table 7']);
});

test('the client sends prompts and resources with a chat', async (t) => {
  const { parley, model } = await startScripted(t, { mcpServers: demoServer });
  model.script(says('It is a demo.'), says('Short.'));
  const client = connectClient(t, parley.url);
  await client.chat('What is it?', { resources: [{ server: 'demo', uri: 'parley://about' }] }).end;
  assert.match(String(model.requests[0]?.body.messages.at(-1)?.content), /demo MCP server[^]*What is it\?$/);
  await client.chat(null, { prompt: { server: 'demo', name: 'summarize', arguments: { text: 'Long.' } } }).end;
  assert.match(String(model.requests[1]?.body.messages.at(-1)?.content), /three sentences:\n\nLong\.$/);
});
