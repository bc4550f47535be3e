/**
 * Checks the identity of turns: a repeated chat is attached to its turn from any socket, and another text under the id
 * is rejected.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  createGate,
  delta,
  done,
  finish,
  gate,
  says,
  saysStepwise,
  stalls,
  streams,
  usage,
} from '../support/model/replies.ts';
import { asks } from '../support/model/tool-calls.ts';
import { demoServer } from '../support/parley.ts';
import { shareScripted } from '../support/share-scripted.ts';
import { connectClient, readUntilText, readAll, shownText, withCode } from '../support/typed-client.ts';

const shared = shareScripted();

describe('a repeated chat on another socket, while its turn runs,', () => {
  test('is attached: it gets the text so far, the text to come, and the same end', async (t) => {
    const { parley, model, r1 } = await shared(t);
    const step = saysStepwise('one ', 'two ', 'three');
    model.script(step.reply);
    step.release(2);
    const mine = connectClient(t, parley.url).chat('count', r1);
    await readUntilText(mine, 'one two ');
    const theirs = connectClient(t, parley.url).chat('count', r1);
    const reader = theirs[Symbol.asyncIterator]();
    assert.equal((await reader.next()).value?.data, 'one two ');
    step.release();
    assert.deepEqual(await theirs.accepted, { seq: 1, disposition: 'attached' });
    assert.equal(await theirs.text(), 'one two three');
    assert.deepEqual(await theirs.end, await mine.end);
    assert.equal(model.requests.length, 1);
  });

  test('is attached during a tool hop, and gets calls and results once', async (t) => {
    const { parley, model, r1 } = await shared(t, { mcpServers: demoServer });
    const held = createGate();
    model.script(
      asks([{ name: 'add', arguments: { a: 2, b: 3 } }]),
      streams(gate(held), delta({ content: 'Five.' }), finish('stop'), usage(), done()),
    );
    const mine = connectClient(t, parley.url).chat('2 + 3?', r1);
    for await (const { type } of mine) if (type === 'tool_result') break;
    const theirs = connectClient(t, parley.url).chat('2 + 3?', r1);
    await theirs.accepted;
    held.open();
    assert.deepEqual(
      (await readAll(theirs)).map(({ type, data }) => `${type} ${data}`),
      ['tool_call {"a":2,"b":3}', 'tool_result 5', 'text Five.'],
    );
    assert.equal(model.requests.length, 2);
  });

  test('is attached with any mode', async (t) => {
    const { parley, model, r1 } = await shared(t);
    const step = saysStepwise('done');
    model.script(step.reply);
    const mine = connectClient(t, parley.url).chat('Hi', r1);
    await mine.accepted;
    const others = (['queue', 'reject', 'interrupt'] as const).map((mode) =>
      connectClient(t, parley.url).chat('Hi', { ...r1, mode }),
    );
    for (const other of others) assert.equal((await other.accepted).disposition, 'attached');
    step.release();
    for (const other of others) assert.deepEqual(await other.end, await mine.end);
    assert.equal(model.requests.length, 1);
  });

  test('is rejected with another text, and the turn continues', async (t) => {
    const { parley, model, r1 } = await shared(t);
    const step = saysStepwise('done');
    model.script(step.reply);
    const mine = connectClient(t, parley.url).chat('Hi', r1);
    await mine.accepted;
    for (const mode of ['queue', 'reject', 'interrupt'] as const) {
      await assert.rejects(
        connectClient(t, parley.url).chat('Hi!', { ...r1, mode }).end,
        withCode('request_id_reused'),
      );
    }
    step.release();
    assert.equal(await mine.text(), 'done');
  });
});

describe('a repeated chat, while its turn is queued,', () => {
  test('is attached, keeps its place, and is rejected with another text', async (t) => {
    const { parley, model, r1, r2 } = await shared(t, { config: { chat: { service: { queue_length: 2 } } } });
    const step = saysStepwise('first');
    model.script(step.reply, says('second'), says('third'));
    const client = connectClient(t, parley.url);
    await client.chat('one', r1).accepted;
    const queued = [client.chat('two', r2), client.chat('three', { ...r2, requestId: 'r3' })];
    assert.deepEqual(await Promise.all(queued.map(({ accepted }) => accepted)), [
      { seq: 2, disposition: 'queued', position: 1 },
      { seq: 3, disposition: 'queued', position: 2 },
    ]);
    const other = connectClient(t, parley.url);
    const again = other.chat('two', r2);
    assert.deepEqual(await again.accepted, { seq: 2, disposition: 'attached' });
    await assert.rejects(connectClient(t, parley.url).chat('2', r2).end, withCode('request_id_reused'));
    step.release();
    assert.equal(await again.text(), 'second');
    assert.deepEqual(await again.end, await queued[0]?.end);
    assert.equal(await queued[1]?.text(), 'third');
    assert.equal(model.requests.length, 3);
  });

  test('gets the cancelled end of a turn that was removed from the queue', async (t) => {
    const { parley, model, c1, r1, r2 } = await shared(t);
    model.script(stalls('Once '));
    const client = connectClient(t, parley.url);
    await client.chat('a story', r1).accepted;
    const queued = client.chat('two', r2);
    await queued.accepted;
    await queued.cancel();
    const { metadata } = await connectClient(t, parley.url).chat('two', r2).end;
    assert.deepEqual([metadata.finish_reason, metadata.replayed], ['cancelled', true]);
    await client.cancel(c1);
  });
});

describe('two sockets that send a new id at the same moment', () => {
  test('share one turn, in an idle conversation and behind a running turn', async (t) => {
    const { parley, model } = await shared(t);
    const step = saysStepwise('first');
    model.script(step.reply);
    const clients = [connectClient(t, parley.url), connectClient(t, parley.url)];
    await Promise.all(clients.map((client) => client.ping()));
    const running = clients[0]?.chat('one', { conversationId: 'busy', requestId: 'r0' });
    await running?.accepted;
    const conversations = [...Array.from({ length: 12 }, (_, index) => `idle ${index}`), 'busy'];
    const pairs = conversations.map((conversationId) =>
      clients.map((client) => client.chat('Hi', { conversationId, requestId: 'r1' })),
    );
    for (const [index, pair] of pairs.entries()) {
      const dispositions = await Promise.all(pair.map(async ({ accepted }) => (await accepted).disposition));
      assert.deepEqual(dispositions.sort(), ['attached', conversations[index] === 'busy' ? 'queued' : 'started']);
    }
    step.release();
    for (const pair of pairs)
      assert.deepEqual(await Promise.all(pair.map((turn) => turn.text())), [
        'Hello from the scripted model.',
        'Hello from the scripted model.',
      ]);
    assert.equal(model.requests.length, conversations.length + 1);
  });

  test('with two texts get one turn and one rejection', async (t) => {
    const { parley, model, r1 } = await shared(t);
    const clients = [connectClient(t, parley.url), connectClient(t, parley.url)];
    await Promise.all(clients.map((client) => client.ping()));
    const outcomes = await Promise.allSettled(clients.map((client, index) => client.chat(`text ${index}`, r1).end));
    const refused = outcomes.filter(({ status }) => status === 'rejected');
    assert.equal(refused.length, 1);
    assert.ok(
      refused.every((outcome) => outcome.status === 'rejected' && withCode('request_id_reused')(outcome.reason)),
    );
    assert.equal(model.requests.length, 1);
  });
});

test('a request id in two conversations is two turns, also on one socket', async (t) => {
  const { parley, model } = await shared(t);
  model.script((request) => says(`to ${String(request.body.messages.at(-1)?.content)}`));
  const client = connectClient(t, parley.url);
  const turns = ['c1', 'c2'].map((conversationId) => client.chat(conversationId, { conversationId, requestId: 'r1' }));
  assert.deepEqual(await Promise.all(turns.map((turn) => turn.text())), ['to c1', 'to c2']);
  assert.equal(shownText(await readAll(client.chat('c2', { conversationId: 'c2', requestId: 'r1' }))), 'to c2');
  assert.equal(model.requests.length, 2);
});
