/** Subscriptions from the outside: what is there, then what comes, the same frames for all, and each once. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { chunksOf, isChunk, isEnd, isEvent, range, readUntil, seqsOf } from '../support/following.ts';
import { says, saysStepwise } from '../support/model-replies.ts';
import { asks } from '../support/model-tool-calls.ts';
import { demoServer, serveScripted } from '../support/parley.ts';
import { connectClient, hear, shownText, type WatchedClient } from '../support/typed-client.ts';

const inC1 = { conversationId: 'c1' };
const r1 = { conversationId: 'c1', requestId: 'r1' };
const r2 = { conversationId: 'c1', requestId: 'r2' };

describe('a subscription', () => {
  test('brings the whole log first, then every row and chunk live', async (t) => {
    const { model, parley } = await serveScripted(t, { mcpServers: demoServer });
    const [sender, watcher] = [connectClient(t, parley.url), connectClient(t, parley.url)];
    await sender.chat('one', inC1).end;
    const follow = watcher.follow('c1');
    const [first] = await readUntil(follow, isEvent(3));
    assert.deepEqual(first, {
      status: 'result',
      conversation_id: 'c1',
      result: {
        head_seq: 3,
        oldest_seq: 1,
        truncated: false,
        reset: false,
        state: 'idle',
        can: ['chat'],
        active: null,
      },
    });
    model.script(asks([{ name: 'add', arguments: { a: 1, b: 2 } }]), says('Three.'));
    await sender.chat('two', r2).end;
    await readUntil(follow, isEnd('r2'));
    assert.deepEqual(seqsOf(watcher.frames), range(1, 9));
    const ofTurn = ({ frames }: WatchedClient) =>
      frames.filter((frame) => frame.status !== 'event' && 'request_id' in frame && frame.request_id === 'r2');
    assert.deepEqual(ofTurn(watcher), ofTurn(sender), 'the same frames as the sender');
  });

  test('in the middle of a message brings what is there, then the rest', async (t) => {
    const { model, parley } = await serveScripted(t);
    const step = saysStepwise('one ', 'two ', 'three');
    model.script(step.reply);
    step.release(2);
    const sender = connectClient(t, parley.url);
    const turn = sender.chat('count', r1);
    await hear(turn, 'one two ');
    const watcher = connectClient(t, parley.url);
    const follow = watcher.follow('c1', { cursor: { after_seq: 1 } });
    const [first, chunk] = await readUntil(follow, isChunk);
    assert.ok(first?.status === 'result' && chunk?.status === 'chunk' && chunk.chunk.type === 'text');
    const { state, can, active } = first.result;
    assert.deepEqual(
      { state, can, active },
      {
        state: 'turn.streaming',
        can: ['cancel', 'chat'],
        active: { request_id: 'r1', message_id: turn.cursor().message_id },
      },
    );
    assert.deepEqual([chunk.chunk.message_id, chunk.chunk.data], [turn.cursor().message_id, 'one two ']);
    step.release();
    assert.equal(shownText(chunksOf(await readUntil(follow, isEnd('r1')))), 'three');
    assert.deepEqual(seqsOf(watcher.frames), [2, 3]);
  });

  test('with a cursor in the message brings only the rest of it', async (t) => {
    const { model, parley } = await serveScripted(t);
    const step = saysStepwise('one ', 'two ');
    model.script(step.reply);
    step.release();
    const turn = connectClient(t, parley.url).chat('count', r1);
    await hear(turn, 'one ');
    const watcher = connectClient(t, parley.url);
    const follow = watcher.follow('c1', { cursor: { ...turn.cursor(), offset: 2 } });
    await readUntil(follow, isChunk);
    step.release();
    await readUntil(follow, isEnd('r1'));
    assert.deepEqual(
      watcher.frames.flatMap((frame) => (frame.status === 'chunk' ? [frame.chunk.data] : [])),
      ['e ', 'two '],
    );
  });

  test('with a message that is gone is told to forget it', async (t) => {
    const { parley } = await serveScripted(t);
    const client = connectClient(t, parley.url);
    await client.chat('one', inC1).end;
    const frames = await readUntil(
      client.follow('c1', { cursor: { after_seq: 3, message_id: 'gone', offset: 5 } }),
      isChunk,
    );
    assert.deepEqual(chunksOf(frames), [{ type: 'reset', message_id: 'gone', data: '' }]);
  });

  test('of a sender is one follower: each frame comes once, also after unsubscribe', async (t) => {
    const { model, parley } = await serveScripted(t);
    const step = saysStepwise('one ', 'two ', 'three');
    model.script(says('first'), step.reply);
    const client = connectClient(t, parley.url);
    await client.chat('hello', inC1).end;
    const follow = client.follow('c1', { cursor: { after_seq: 3 } });
    await readUntil(follow, ({ status }) => status === 'result');
    const turn = client.chat('count', r1);
    step.release();
    await readUntil(follow, isChunk);
    follow.close();
    // Asked behind the `unsubscribe`, answered behind it.
    await client.ping();
    step.release(2);
    await turn.end;
    const sent = client.frames.flatMap((frame) =>
      frame.status === 'chunk' && frame.request_id === 'r1' ? [frame.chunk] : [],
    );
    assert.equal(shownText(sent), 'one two three');
    assert.deepEqual(seqsOf(client.frames), [4]);
  });

  test('tells the states of the chart to those who ask for them', async (t) => {
    const { parley } = await serveScripted(t);
    const sender = connectClient(t, parley.url);
    await sender.chat('hello', inC1).end;
    const watcher = connectClient(t, parley.url);
    const follow = watcher.follow('c1', { state: true });
    await readUntil(follow, ({ status }) => status === 'state');
    await sender.chat('again', r2).end;
    await readUntil(follow, (frame) => frame.status === 'state' && frame.state.value === 'idle');
    const states = watcher.frames.flatMap((frame) => (frame.status === 'state' ? [frame.state.value] : []));
    assert.deepEqual(states, [
      'idle',
      'turn.receiving',
      'turn.queued',
      'turn.loadingContext',
      'turn.streaming',
      'turn.persisting',
      'idle',
    ]);
  });

  test('that is given up at once is given up, though its log was still being read', async (t) => {
    const { parley } = await serveScripted(t);
    const client = connectClient(t, parley.url);
    await client.chat('one', inC1).end;
    client.follow('c1').close();
    await client.history('c1');
    await client.chat('two', { conversationId: 'c2' }).end;
    assert.deepEqual(
      client.frames.filter(({ status }) => status === 'event'),
      [],
    );
  });
});
