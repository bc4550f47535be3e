/** Tests chats through the typed client on a stable connection, with a real server and a scripted model. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { WebSocket as PackageSocket } from 'ws';
import { fails, says, saysStepwise, stalls } from '../support/model/replies.ts';
import { asks } from '../support/model/tool-calls.ts';
import { demoServer } from '../support/parley.ts';
import { shareScripted } from '../support/share-scripted.ts';
import { connectClient, readAll, shownText, withCode } from '../support/typed-client.ts';

const shared = shareScripted();

describe('a turn of the client', () => {
  test('is accepted, streams its chunks and ends', async (t) => {
    const { parley, model, id } = await shared(t);
    model.script(says('Hello there.', { reasoning: 'A greeting.' }));
    const turn = connectClient(t, parley.url).chat('Hi', {
      conversationId: id('c1'),
      metadata: { page: 'home' },
    });
    const chunks = await readAll(turn);
    assert.equal(shownText(chunks), 'Hello there.');
    assert.equal(chunks[0]?.type, 'reasoning');
    assert.deepEqual(await turn.accepted, { seq: 1, disposition: 'started' });
    const { metadata, seq } = await turn.end;
    assert.deepEqual([seq, metadata.finish_reason, metadata.tokens], [3, 'stop', 18]);
  });

  test('works with the sockets of the package ws', async (t) => {
    const { parley } = await shared(t);
    const turn = connectClient(t, parley.url, { WebSocket: PackageSocket }).chat('Hi');
    assert.equal(await turn.text(), 'Hello from the scripted model.');
  });

  test('resolves its text without a reader; a late reader gets the text as one chunk', async (t) => {
    const { parley, model } = await shared(t);
    model.script(says('one two three four', { delayMs: 2 }));
    const turn = connectClient(t, parley.url).chat('count');
    assert.equal(await turn.text(), 'one two three four');
    const chunks = await readAll(turn);
    assert.deepEqual(
      chunks.map((chunk) => chunk.data),
      ['one two three four'],
    );
  });

  test('delivers typed tool calls and results', async (t) => {
    const { parley, model } = await shared(t, { mcpServers: demoServer });
    model.script(asks([{ name: 'add', arguments: { a: 2, b: 3 } }]), says('Five.'));
    const turn = connectClient(t, parley.url).chat('2 + 3?');
    const chunks = await readAll(turn);
    const call = chunks.find((chunk) => chunk.type === 'tool_call');
    const result = chunks.find((chunk) => chunk.type === 'tool_result');
    assert.deepEqual([call?.arguments, result?.status, result?.call_id], [{ a: 2, b: 3 }, 'ok', call?.call_id]);
    assert.equal((await turn.end).metadata.tool_hops, 1);
  });

  test('delivers whole messages without streaming', async (t) => {
    const { parley, model } = await shared(t);
    model.script(says('one two three', { delayMs: 2 }));
    const chunks = await readAll(connectClient(t, parley.url).chat('Hi', { streaming: false }));
    assert.deepEqual(
      chunks.map((chunk) => chunk.data),
      ['one two three'],
    );
  });

  test('rejects its end and its loop with the typed fault if it fails', async (t) => {
    const { parley, model } = await shared(t);
    model.script(fails(401, 'bad key'));
    const turn = connectClient(t, parley.url).chat('Hi');
    await assert.rejects(readAll(turn), withCode('provider_auth'));
    await assert.rejects(turn.end, withCode('provider_auth'));
    await assert.rejects(turn.text(), withCode('provider_auth'));
    assert.equal((await turn.accepted).disposition, 'started');
  });

  test('rejects all its promises if the chat is rejected', async (t) => {
    const { parley, model } = await shared(t);
    model.script(stalls('Once '));
    const client = connectClient(t, parley.url);
    const running = client.chat('a story');
    await running.accepted;
    const refused = client.chat('me too', { mode: 'reject' });
    await assert.rejects(refused.accepted, withCode('illegal_in_state'));
    await assert.rejects(refused.end, withCode('illegal_in_state'));
    await running.cancel();
  });

  test('ends as cancelled after a cancel, and keeps its text', async (t) => {
    const { parley, model } = await shared(t);
    model.script(stalls('Once ', 'upon '));
    const turn = connectClient(t, parley.url).chat('a story');
    for await (const chunk of turn) {
      if (chunk.type === 'text') break;
    }
    assert.deepEqual(await turn.cancel(), { cancelled: [turn.requestId], disposition: 'cancelled' });
    assert.equal((await turn.end).metadata.finish_reason, 'cancelled');
    assert.match(await turn.text(), /^Once /);
    assert.deepEqual(await turn.cancel(), { cancelled: [], disposition: 'nothing_running' });
  });

  test('is cancelled by its signal', async (t) => {
    const { parley, model } = await shared(t);
    model.script(stalls('Once '));
    const client = connectClient(t, parley.url);
    const stop = new AbortController();
    const turn = client.chat('a story', { signal: stop.signal });
    for await (const chunk of turn) if (chunk.type === 'text') stop.abort();
    assert.equal((await turn.end).metadata.finish_reason, 'cancelled');
    await assert.rejects(client.chat('late', { signal: stop.signal }).end, withCode('aborted'));
  });

  test("belongs to the client's own conversation by default; leaving its loop cancels nothing", async (t) => {
    const { parley, model } = await shared(t);
    const client = connectClient(t, parley.url);
    const first = client.chat('My name is Ada');
    for await (const _ of first) break;
    await first.end;
    await client.chat('What is my name?').end;
    assert.equal(model.requests[1]?.body.messages.length, 4, 'system, two of the first turn, the question');
    const { events } = await client.history(client.conversationId);
    assert.deepEqual(
      events.map((event) => event.seq),
      [1, 2, 3, 4, 5, 6],
    );
  });

  test('is rejected if its id is pending, without affecting the pending one', async (t) => {
    const { parley, model } = await shared(t);
    const step = saysStepwise('done');
    model.script(step.reply);
    const client = connectClient(t, parley.url);
    const first = client.chat('Hi', { requestId: 'r1' });
    await assert.rejects(client.chat('Hi', { requestId: 'r1' }).end, withCode('already_open'));
    step.release();
    assert.equal(await first.text(), 'done');
    assert.equal((await client.chat('Hi', { requestId: 'r1' }).end).metadata.replayed, true);
  });
});

describe('a request of the client', () => {
  test('resolves typed or rejects typed', async (t) => {
    const { parley } = await shared(t, { mcpServers: demoServer });
    const client = connectClient(t, parley.url);
    await client.ping();
    const { tools, servers } = await client.tools();
    assert.ok(tools.some(({ name }) => name === 'add'));
    assert.equal(servers.length, 1);
    assert.deepEqual(await client.cancel(), { cancelled: [], disposition: 'nothing_running' });
    assert.deepEqual(await client.request('ping'), {});
    await assert.rejects(client.history('unknown'), withCode('not_found'));
    await assert.rejects(client.request('sing'), withCode('unknown_action'));
  });

  test('reads the history page by page', async (t) => {
    const { parley } = await shared(t);
    const client = connectClient(t, parley.url);
    await client.chat('Hi').end;
    const last = await client.history(client.conversationId, { limit: 2 });
    assert.deepEqual([last.events.map(({ seq }) => seq), last.next_before_seq], [[2, 3], 2]);
    const first = await client.history(client.conversationId, { beforeSeq: 2 });
    assert.deepEqual([first.events.map(({ content }) => content), first.next_before_seq], [['Hi'], null]);
  });
});
