/** Tests turns that another client continues from a cursor, and turns that are cancelled without a connection. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { saysStepwise, says, stalls } from '../support/model/replies.ts';
import { asks } from '../support/model/tool-calls.ts';
import { demoServer, startScripted } from '../support/parley.ts';
import { startProxy } from '../support/tcp-proxy.ts';
import { connectClient, readAll, shownText } from '../support/typed-client.ts';

const chat = { conversationId: 'c1', requestId: 'r1' };

describe('a turn that a second client continues from the cursor of the first', () => {
  test('continues in the middle of a message', async (t) => {
    const { parley, model } = await startScripted(t);
    const step = saysStepwise('one ', 'two ', 'three');
    model.script(step.reply);
    step.release();
    const first = connectClient(t, parley.url);
    const turn = first.chat('count', chat);
    for await (const _ of turn) break;
    const cursor = turn.cursor();
    assert.deepEqual([cursor.after_seq, cursor.offset], [1, 4]);
    first.close();
    step.release(2);
    const second = connectClient(t, parley.url);
    const next = second.chat('count', { ...chat, cursor });
    assert.equal(shownText(await readAll(next)), 'two three');
    assert.equal((await next.accepted).disposition, 'attached');
    assert.equal(await next.text(), 'two three');
    const sent = second.frames.flatMap((frame) => (frame.status === 'chunk' ? [frame.chunk] : []));
    assert.equal(shownText(sent), 'two three', 'no more was sent');
  });

  test('repeats no call and no result', async (t) => {
    const { parley, model } = await startScripted(t, { mcpServers: demoServer });
    model.script(asks([{ name: 'add', arguments: { a: 2, b: 3 } }]), says('It is five.'));
    const turn = connectClient(t, parley.url).chat('2 + 3?', chat);
    for await (const { type } of turn) if (type === 'tool_result') break;
    await turn.end;
    const next = connectClient(t, parley.url).chat('2 + 3?', { ...chat, cursor: turn.cursor() });
    assert.deepEqual(
      (await readAll(next)).map(({ type, data }) => `${type} ${data}`),
      ['text It is five.'],
    );
  });

  test('contains the chunks that the first client had received but not read', async (t) => {
    const { parley, model } = await startScripted(t);
    const step = saysStepwise('one ', 'two');
    model.script(step.reply);
    step.release();
    const first = connectClient(t, parley.url);
    const turn = first.chat('count', chat);
    await turn[Symbol.asyncIterator]().next();
    step.release();
    await turn.end;
    assert.equal(turn.cursor().offset, 4);
    const next = connectClient(t, parley.url).chat('count', { ...chat, cursor: turn.cursor() });
    assert.equal(await next.text(), 'two');
  });
});

describe('a cancel by signal', () => {
  test('takes effect after a longer disconnect than the request timeout', async (t) => {
    const { parley, model } = await startScripted(t);
    const proxy = await startProxy(t, parley.url);
    const remote = connectClient(t, proxy.url, { requestTimeoutMs: 150 });
    model.script(stalls('Once '));
    const stop = new AbortController();
    const turn = remote.chat('a story', { ...chat, signal: stop.signal });
    for await (const _ of turn) break;
    proxy.acceptConnections(false);
    proxy.cut();
    await remote.whenStatus('waiting');
    stop.abort();
    // Asked at the same moment, given up at the same moment: the Stop's own request is over by now.
    await assert.rejects(remote.ping(), { code: 'timed_out' });
    proxy.acceptConnections(true);
    assert.equal((await turn.end).metadata.finish_reason, 'cancelled');
  });
});
