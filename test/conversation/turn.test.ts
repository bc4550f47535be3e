/**
 * Checks a turn in the whole server: acknowledged, streamed, completed. Real server, sockets and database; scripted
 * model.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { shapeOf } from '../support/client.ts';
import { fails, says, saysStepwise } from '../support/model/replies.ts';
import { startScripted } from '../support/parley.ts';
import { endOf, readAll, shownText, startTyped } from '../support/typed-client.ts';

const inC1 = { conversationId: 'c1' };

describe('a turn', () => {
  test('is acknowledged, streamed and completed, with usage and the seq of its rows', async (t) => {
    const { model, client } = await startTyped(t);
    model.script(says('Hello there.', { reasoning: 'A greeting.' }));
    const turn = client.chat('Hi', { ...inC1, requestId: 'r1' });
    assert.deepEqual(await turn.accepted, { seq: 1, disposition: 'started' });
    assert.equal(await turn.text(), 'Hello there.');
    const usage = { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 };
    const metadata = {
      tokens: 18,
      usage,
      usage_by_hop: [{ hop: 0, model: 'scripted-model', usage }],
      model: 'scripted-model',
      finish_reason: 'stop',
      tool_hops: 0,
    };
    assert.deepEqual(await turn.end, { seq: 3, metadata });

    const { frames } = client;
    assert.deepEqual(shapeOf(frames), ['processing', 'reasoning', 'text', 'complete']);
    assert.deepEqual(frames[0], {
      request_id: 'r1',
      status: 'processing',
      conversation_id: 'c1',
      seq: 1,
      metadata: { disposition: 'started' },
    });
    assert.deepEqual(frames.at(-1), { request_id: 'r1', status: 'complete', conversation_id: 'c1', seq: 3, metadata });
  });

  test('without a conversation gets a new one, and its client receives the id', async (t) => {
    // A plain client, because the shipped one always names a conversation.
    const { client, model } = await startScripted(t);
    const first = await client.chat('My name is Ada');
    await client.chat('What is my name?');
    const id = first.frames[0]?.conversation_id;
    assert.match(id ?? '', /^[0-9a-f-]{36}$/);
    assert.equal(model.requests[1]?.body.messages.length, 4, 'system, two of the first turn, the question');
  });

  test('without streaming sends each message whole, once it is stored', async (t) => {
    const { client, model } = await startTyped(t);
    model.script(says('one two three four'));
    const texts = (await readAll(client.chat('Hi', { ...inC1, streaming: false }))).filter(
      ({ type }) => type === 'text',
    );
    assert.equal(texts.length, 1);
    assert.equal(shownText(texts), 'one two three four');
  });

  test('never splits a surrogate pair and counts offsets in UTF-16 units', async (t) => {
    const { client, model } = await startTyped(t);
    const step = saysStepwise('a\u{1F600}', 'b', '\u{1F680}c');
    model.script(step.reply);
    step.release(3);
    assert.equal(await client.chat('emoji').text(), 'a\u{1F600}b\u{1F680}c');
    // As received, because the client would repair overlaps.
    const texts = client.frames.flatMap((frame) =>
      frame.status === 'chunk' && frame.chunk.type === 'text' ? [frame.chunk] : [],
    );
    let expected = 0;
    for (const { offset, data } of texts) {
      assert.equal(offset, expected);
      assert.ok(data.isWellFormed());
      expected += data.length;
    }
    assert.equal(expected, 7);
  });

  test('that failed reports the reason and the key to change, and the conversation stays usable', async (t) => {
    const { client, model } = await startTyped(t);
    model.script(fails(401, 'bad key'), says('Better now.'));
    const { frame } = await endOf(client, client.chat('Hi', inC1));
    assert.ok(frame.status === 'error');
    assert.equal(frame.error.code, 'provider_auth');
    assert.match(frame.error.message, /scripted/);
    assert.equal(typeof frame.seq, 'number');
    assert.equal(await client.chat('Again', inC1).text(), 'Better now.');
  });

  test('is retried after a failure of the provider, and the client is notified', async (t) => {
    const { client, model } = await startTyped(t);
    model.script(fails(500, 'oops'), says('Second time lucky.'));
    const chunks = await readAll(client.chat('Hi'));
    assert.equal(shownText(chunks), 'Second time lucky.');
    const notice = chunks.find(({ type }) => type === 'notice');
    assert.partialDeepStrictEqual(notice, { kind: 'retrying', provider: 'scripted' });
    assert.ok(notice?.type === 'notice' && Number(notice['delay_ms']) >= 250);
  });
});
