/** Checks subscriptions in the whole server: the stored rows, then the live frames, the same for all and each once. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { chunksOf, isChunk, isEnd, isEvent, range, readUntil, seqsOf } from '../support/followed-frames.ts';
import { says, saysStepwise } from '../support/model/replies.ts';
import { asks } from '../support/model/tool-calls.ts';
import { demoServer } from '../support/parley.ts';
import { shareScripted } from '../support/share-scripted.ts';
import { connectClient, readUntilText, shownText, type RecordedClient } from '../support/typed-client.ts';

const shared = shareScripted();

describe('a subscription', () => {
  test('sends the whole log first, then every row and chunk live', async (t) => {
    const { model, parley, c1, inC1, r2 } = await shared(t, { mcpServers: demoServer });
    const [sender, watcher] = [connectClient(t, parley.url), connectClient(t, parley.url)];
    await sender.chat('one', inC1).end;
    const follow = watcher.subscribe(c1);
    const [first] = await readUntil(follow, isEvent(3));
    assert.deepEqual(first, {
      status: 'result',
      conversation_id: c1,
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
    const ofTurn = ({ frames }: RecordedClient) =>
      frames.filter((frame) => frame.status !== 'event' && 'request_id' in frame && frame.request_id === 'r2');
    assert.deepEqual(ofTurn(watcher), ofTurn(sender), 'the same frames as the sender');
  });

  test('during a message sends its text so far, then the rest', async (t) => {
    const { model, parley, c1, r1 } = await shared(t);
    const step = saysStepwise('one ', 'two ', 'three');
    model.script(step.reply);
    step.release(2);
    const sender = connectClient(t, parley.url);
    const turn = sender.chat('count', r1);
    await readUntilText(turn, 'one two ');
    const watcher = connectClient(t, parley.url);
    const follow = watcher.subscribe(c1, { cursor: { after_seq: 1 } });
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

  test('with a cursor in the message sends only the rest of it', async (t) => {
    const { model, parley, c1, r1 } = await shared(t);
    const step = saysStepwise('one ', 'two ');
    model.script(step.reply);
    step.release();
    const turn = connectClient(t, parley.url).chat('count', r1);
    await readUntilText(turn, 'one ');
    const watcher = connectClient(t, parley.url);
    const follow = watcher.subscribe(c1, { cursor: { ...turn.cursor(), offset: 2 } });
    await readUntil(follow, isChunk);
    step.release();
    await readUntil(follow, isEnd('r1'));
    assert.deepEqual(
      watcher.frames.flatMap((frame) => (frame.status === 'chunk' ? [frame.chunk.data] : [])),
      ['e ', 'two '],
    );
  });

  test('with a message that no longer exists gets a reset', async (t) => {
    const { parley, c1, inC1 } = await shared(t);
    const client = connectClient(t, parley.url);
    await client.chat('one', inC1).end;
    const frames = await readUntil(
      client.subscribe(c1, { cursor: { after_seq: 3, message_id: 'gone', offset: 5 } }),
      isChunk,
    );
    assert.deepEqual(chunksOf(frames), [{ type: 'reset', message_id: 'gone', data: '' }]);
  });

  test('of a sender is one follower: each frame comes once, also after unsubscribe', async (t) => {
    const { model, parley, c1, inC1, r1 } = await shared(t);
    const step = saysStepwise('one ', 'two ', 'three');
    model.script(says('first'), step.reply);
    const client = connectClient(t, parley.url);
    await client.chat('hello', inC1).end;
    const follow = client.subscribe(c1, { cursor: { after_seq: 3 } });
    await readUntil(follow, ({ status }) => status === 'result');
    const turn = client.chat('count', r1);
    step.release();
    await readUntil(follow, isChunk);
    follow.close();
    // Sent after the `unsubscribe`, so answered after it.
    await client.ping();
    step.release(2);
    await turn.end;
    const sent = client.frames.flatMap((frame) =>
      frame.status === 'chunk' && frame.request_id === 'r1' ? [frame.chunk] : [],
    );
    assert.equal(shownText(sent), 'one two three');
    assert.deepEqual(seqsOf(client.frames), [4]);
  });

  test('sends the states of the chart if the client asks for them', async (t) => {
    const { parley, c1, inC1, r2 } = await shared(t);
    const sender = connectClient(t, parley.url);
    await sender.chat('hello', inC1).end;
    const watcher = connectClient(t, parley.url);
    const follow = watcher.subscribe(c1, { state: true });
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

  test('may be cancelled at once, while its log is still being read', async (t) => {
    const { parley, c1, inC1, id } = await shared(t);
    const client = connectClient(t, parley.url);
    await client.chat('one', inC1).end;
    client.subscribe(c1).close();
    await client.history(c1);
    await client.chat('two', { conversationId: id('c2') }).end;
    assert.deepEqual(
      client.frames.filter(({ status }) => status === 'event'),
      [],
    );
  });
});
