/** Tests subscriptions: from any cursor, over lost connections and restarts, and beside a chat on the same socket. */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { chunksOf, isEnd, isEvent, range, readUntil, seqsOf } from '../support/followed-frames.ts';
import { says, saysStepwise, stalls } from '../support/model/replies.ts';
import { asks } from '../support/model/tool-calls.ts';
import { demoServer, startScripted } from '../support/parley.ts';
import { shareScripted } from '../support/share-scripted.ts';
import { startProxy } from '../support/tcp-proxy.ts';
import { connectClient, readAll, shownText, withCode } from '../support/typed-client.ts';
import { startWire } from './wire-server.ts';

const shared = shareScripted();

async function startShared(t: TestContext, options: Parameters<typeof shared>[1] = {}) {
  const given = await shared(t, options);
  return { ...given, client: await given.parley.connect() };
}

describe('a subscription', () => {
  test('delivers the result, the stored rows, then live rows and text', async (t) => {
    const { parley, model, client, c1 } = await startShared(t, { mcpServers: demoServer });
    await client.chat('Hi', { conversation_id: c1 });
    const follow = connectClient(t, parley.url).subscribe(c1);
    const past = await readUntil(follow, isEvent(3));
    assert.deepEqual(
      past.map(({ status }) => status),
      ['result', 'event', 'event', 'event'],
    );
    model.script(asks([{ name: 'add', arguments: { a: 2, b: 3 } }]), says('It is five.'));
    await client.chat('2 + 3?', { conversation_id: c1 }, 'r2');
    const live = await readUntil(follow, isEnd('r2'));
    assert.deepEqual(seqsOf(live), [4, 5, 6, 7, 8, 9]);
    assert.equal(shownText(chunksOf(live)), 'It is five.');
    assert.ok(
      chunksOf(live).every((chunk) => !('seq' in chunk)),
      'rows come as events',
    );
    assert.deepEqual(follow.cursor(), { after_seq: 9 });
  });

  test('continues from a stored cursor', async (t) => {
    const { parley, client, model, c1 } = await startShared(t);
    const step = saysStepwise('one ', 'two');
    model.script(step.reply);
    client.send('chat', { text: 'count', conversation_id: c1 }, 'r1');
    step.release();
    await client.waitFor((frame) => frame.chunk?.type === 'text');
    const first = connectClient(t, parley.url).subscribe(c1);
    await readUntil(first, (frame) => frame.status === 'chunk');
    const cursor = first.cursor();
    assert.deepEqual([cursor.after_seq, cursor.offset], [1, 4]);
    first.close();
    step.release();
    await client.turn('r1');
    const second = connectClient(t, parley.url).subscribe(c1, { cursor });
    assert.deepEqual(seqsOf(await readUntil(second, isEvent(3))), [2, 3]);
  });

  test('delivers everything once while its connection is lost repeatedly', async (t) => {
    const { parley, client, model, c1 } = await startShared(t, { mcpServers: demoServer });
    const proxy = await startProxy(t, parley.url);
    await client.chat('Hi', { conversation_id: c1 });
    const remote = connectClient(t, proxy.url);
    const follow = remote.subscribe(c1);
    const reading = readUntil(follow, (frame) => frame.status === 'event' && frame.event.content === 'last');
    for (let turn = 0; turn < 6; turn += 1) {
      model.script(
        asks([{ name: 'add', arguments: { a: turn, b: 1 } }]),
        says('It is some number or other.', { delayMs: 1 }),
      );
      proxy.cutEachAfter(900 + turn * 333);
      proxy.cut();
      await client.chat(`turn ${turn}`, { conversation_id: c1 });
    }
    proxy.cutEachAfter(null);
    await client.chat('last', { conversation_id: c1 });
    const frames = await reading;
    assert.deepEqual(seqsOf(frames), range(1, seqsOf(frames).length));
    assert.ok(frames.filter(({ status }) => status === 'result').length > 2, 'it came back');
  });

  test('continues within an unfinished message', async (t) => {
    const { parley, client, model, c1 } = await startShared(t);
    const proxy = await startProxy(t, parley.url);
    const step = saysStepwise('one ', 'two ', 'three');
    model.script(step.reply);
    client.send('chat', { text: 'count', conversation_id: c1 }, 'r1');
    await client.waitFor((frame) => frame.status === 'processing');
    const remote = connectClient(t, proxy.url);
    const follow = remote.subscribe(c1);
    const texts: string[] = [];
    step.release();
    for await (const frame of follow) {
      if (frame.status === 'complete') break;
      if (frame.status !== 'chunk') continue;
      texts.push(frame.chunk.data);
      // The second word is written without a connection, the third after the reconnect.
      if (texts.length === 1) proxy.cut();
      step.release();
    }
    assert.deepEqual(texts, ['one ', 'two ', 'three']);
  });

  test('discards the text of an interrupted turn after a restart, and delivers its recovery', async (t) => {
    const { parley, client, model } = await startScripted(t, { config: { shutdown: { drain_timeout: 0.1 } } });
    const proxy = await startProxy(t, parley.url);
    model.script(stalls('Once '), says('Again.'));
    const remote = connectClient(t, proxy.url);
    client.send('chat', { text: 'a story', conversation_id: 'c1' }, 'r1');
    await client.waitFor((frame) => frame.chunk?.type === 'text');
    const follow = remote.subscribe('c1');
    const before = await readUntil(follow, (frame) => frame.status === 'chunk');
    await parley.restart();
    proxy.retarget(parley.url);
    await (await parley.connect()).chat('a story', { conversation_id: 'c1' }, 'r1');
    const after = await readUntil(follow, isEnd('r1'));
    assert.equal(shownText(chunksOf([...before, ...after])), 'Again.');
    assert.deepEqual(seqsOf([...before, ...after]), range(1, seqsOf([...before, ...after]).length));
  });

  test('delivers state frames on request', async (t) => {
    const { parley, client, model, c1 } = await startShared(t);
    await client.chat('Hi', { conversation_id: c1 });
    const follow = connectClient(t, parley.url).subscribe(c1, { state: true });
    await readUntil(follow, (frame) => frame.status === 'state');
    model.script(says('Hello.'));
    await client.chat('again', { conversation_id: c1 }, 'r2');
    const states = (
      await readUntil(follow, (frame) => frame.status === 'state' && frame.state.value === 'idle')
    ).flatMap((frame) => (frame.status === 'state' ? [frame.state.value] : []));
    assert.ok(states.includes('idle'), states.join());
  });

  test('fails for an unknown conversation, and for a second subscription to the same one', async (t) => {
    const { parley, client, c1 } = await startShared(t);
    await client.chat('Hi', { conversation_id: c1 });
    const remote = connectClient(t, parley.url);
    await assert.rejects(readAll(remote.subscribe('unknown')), withCode('not_found'));
    const follow = remote.subscribe(c1);
    assert.throws(() => remote.subscribe(c1), withCode('already_open'));
    await readUntil(follow, isEvent(3));
    follow.close();
    assert.deepEqual(await readAll(follow), []);
    assert.deepEqual(seqsOf(await readUntil(remote.subscribe(c1, { cursor: { after_seq: 1 } }), isEvent(3))), [2, 3]);
  });
});

describe('a subscription on the socket of a sender', () => {
  test('delivers each frame once to the subscription and to the turn', async (t) => {
    const { parley, model, client, c1 } = await startShared(t, { mcpServers: demoServer });
    await client.chat('Hi', { conversation_id: c1 });
    const remote = connectClient(t, parley.url);
    const follow = remote.subscribe(c1, { cursor: { after_seq: 3 } });
    await readUntil(follow, (frame) => frame.status === 'result');
    model.script(asks([{ name: 'add', arguments: { a: 2, b: 3 } }]), says('It is five.'));
    const turn = remote.chat('2 + 3?', { conversationId: c1 });
    const [chunks, followed] = await Promise.all([readAll(turn), readUntil(follow, isEnd(turn.requestId))]);
    assert.deepEqual(
      chunks.filter(({ type }) => type !== 'text').map(({ type }) => type),
      ['tool_call', 'tool_result'],
    );
    assert.equal(shownText(chunks), 'It is five.');
    assert.equal(shownText(chunksOf(followed)), 'It is five.');
    assert.deepEqual(seqsOf(followed), [4, 5, 6, 7, 8, 9]);
  });

  test('continues with the turn after a lost connection', async (t) => {
    const { parley, model, client, c1 } = await startShared(t);
    await client.chat('Hi', { conversation_id: c1 });
    const proxy = await startProxy(t, parley.url);
    const remote = connectClient(t, proxy.url);
    const follow = remote.subscribe(c1, { cursor: { after_seq: 3 } });
    await readUntil(follow, (frame) => frame.status === 'result');
    const step = saysStepwise('one ', 'two');
    model.script(step.reply);
    step.release();
    const turn = remote.chat('count', { conversationId: c1 });
    const reading = readUntil(follow, isEvent(6));
    const pieces: string[] = [];
    for await (const { data } of turn) {
      pieces.push(data);
      if (pieces.length > 1) continue;
      proxy.cut();
      await remote.whenStatus('waiting');
      await remote.whenStatus('open');
      // The rest is written while both are being brought up to date.
      step.release();
    }
    assert.deepEqual(pieces, ['one ', 'two']);
    assert.deepEqual(seqsOf(await reading), [4, 5, 6]);
  });

  test('delivers all frames of a turn that starts before it has caught up', async (t) => {
    const { parley, client } = await startScripted(t);
    const remote = connectClient(t, parley.url);
    const ids = Array.from({ length: 12 }, (_, index) => `c${index}`);
    await Promise.all(ids.map((id) => client.chat('Hi', { conversation_id: id })));
    const turns = ids.map((conversationId) => ({
      follow: remote.subscribe(conversationId),
      turn: remote.chat('again', { conversationId }),
    }));
    for (const { follow, turn } of turns) {
      assert.equal((await turn.accepted).seq, 4);
      assert.equal(await turn.text(), 'Hello from the scripted model.');
      assert.deepEqual(seqsOf(await readUntil(follow, isEvent(6))), range(1, 6));
    }
  });
});

describe('a subscription with missing rows', () => {
  const result = (fields: object) => ({
    head_seq: 9,
    oldest_seq: 1,
    truncated: false,
    reset: false,
    state: 'idle',
    can: [],
    active: null,
    ...fields,
  });
  const event = (seq: number) => ({
    request_id: 'r1',
    status: 'event',
    conversation_id: 'c1',
    seq,
    event: { id: `e${seq}`, seq, type: 'meta' },
  });

  test('requests the missing rows again', async (t) => {
    const wire = await startWire(t, {
      answer({ action, request_id, payload }, send) {
        if (action !== 'subscribe') return;
        send({ request_id, status: 'result', conversation_id: 'c1', result: result({}) });
        for (const seq of payload['after_seq'] === 0 ? [1, 2, 5] : [3, 4, 5]) send(event(seq));
      },
    });
    const follow = connectClient(t, wire.url).subscribe('c1');
    assert.deepEqual(seqsOf(await readUntil(follow, isEvent(5))), [1, 2, 3, 4, 5]);
  });

  test('continues at the oldest row, or at the beginning of another log', async (t) => {
    const wire = await startWire(t, {
      answer({ action, request_id, payload }, send) {
        if (action !== 'subscribe') return;
        const beyond = payload['after_seq'] === 500;
        send({
          request_id,
          status: 'result',
          conversation_id: 'c1',
          result: result({ oldest_seq: 7, truncated: !beyond, reset: beyond }),
        });
        for (const seq of [7, 8]) send(event(seq));
        send({ status: 'deleted', conversation_id: 'c1' });
      },
    });
    const client = connectClient(t, wire.url);
    for (const after_seq of [2, 500]) {
      const frames = await readAll(client.subscribe('c1', { cursor: { after_seq } }));
      assert.deepEqual(
        frames.map(({ status }) => status),
        ['result', 'event', 'event', 'deleted'],
      );
    }
  });
});
