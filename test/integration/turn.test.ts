/** A turn from the outside: acknowledged, streamed, completed. Real server, sockets and database; scripted model. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { shapeOf } from '../support/client.ts';
import { fails, says, saysStepwise } from '../support/model-replies.ts';
import { startScripted } from '../support/parley.ts';

describe('a turn', () => {
  test('is acknowledged, streamed and completed, with usage and the seq of its rows', async (t) => {
    const { model, client } = await startScripted(t);
    model.script(says('Hello there.', { reasoning: 'A greeting.' }));
    const { frames, end, text } = await client.chat('Hi', { conversation_id: 'c1' }, 'r1');
    assert.deepEqual(shapeOf(frames), ['processing', 'reasoning', 'text', 'complete']);
    assert.deepEqual(frames[0], { request_id: 'r1', status: 'processing', conversation_id: 'c1', seq: 1, metadata: { disposition: 'started' } });
    assert.equal(text, 'Hello there.');
    assert.deepEqual(end, {
      request_id: 'r1', status: 'complete', conversation_id: 'c1', seq: 3,
      metadata: {
        tokens: 18, usage: { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 },
        usage_by_hop: [{ hop: 0, model: 'scripted-model', usage: { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 } }],
        model: 'scripted-model', finish_reason: 'stop', tool_hops: 0,
      },
    });
    const offsets = frames.filter((frame) => frame.chunk?.type === 'text').map((frame) => frame.chunk?.['offset']);
    assert.equal(offsets[0], 0);
  });

  test('gives a client that names no conversation one of its own, and tells its id', async (t) => {
    const { client, model } = await startScripted(t);
    const first = await client.chat('My name is Ada');
    await client.chat('What is my name?');
    const id = first.frames[0]?.conversation_id;
    assert.match(id ?? '', /^[0-9a-f-]{36}$/);
    assert.equal(model.requests[1]?.body.messages.length, 4, 'system, two of the first turn, the question');
  });

  test('without streaming brings each message whole, once it is stored', async (t) => {
    const { client, model } = await startScripted(t);
    model.script(says('one two three four'));
    const { frames, text } = await client.chat('Hi', { conversation_id: 'c1', streaming: false });
    assert.equal(frames.filter((frame) => frame.chunk?.type === 'text').length, 1);
    assert.equal(text, 'one two three four');
  });

  test('never splits a surrogate pair and counts offsets in UTF-16 units', async (t) => {
    const { client, model } = await startScripted(t);
    const step = saysStepwise('a\u{1F600}', 'b', '\u{1F680}c');
    model.script(step.reply);
    step.release(3);
    const { frames, text } = await client.chat('emoji');
    assert.equal(text, 'a\u{1F600}b\u{1F680}c');
    let expected = 0;
    for (const { chunk } of frames) {
      if (chunk?.type !== 'text') continue;
      assert.equal(chunk['offset'], expected);
      assert.ok(chunk.data?.isWellFormed() === true);
      expected += chunk.data?.length ?? 0;
    }
  });

  test('that failed says why, names what to change, and keeps the conversation usable', async (t) => {
    const { client, model } = await startScripted(t);
    model.script(fails(401, 'bad key'), says('Better now.'));
    const failed = await client.chat('Hi', { conversation_id: 'c1' });
    assert.equal(failed.end.error?.code, 'provider_auth');
    assert.match(failed.end.error?.message ?? '', /scripted/);
    assert.equal(typeof failed.end.seq, 'number');
    assert.equal((await client.chat('Again', { conversation_id: 'c1' })).text, 'Better now.');
  });

  test('is asked again after a fault of the provider, and the client is told', async (t) => {
    const { client, model } = await startScripted(t);
    model.script(fails(500, 'oops'), says('Second time lucky.'));
    const { frames, text } = await client.chat('Hi');
    assert.equal(text, 'Second time lucky.');
    const notice = frames.find((frame) => frame.chunk?.type === 'notice');
    assert.equal(notice?.chunk?.['kind'], 'retrying');
    assert.equal(notice?.chunk?.['provider'], 'scripted');
    assert.ok(Number(notice?.chunk?.['delay_ms']) >= 250);
  });
});
