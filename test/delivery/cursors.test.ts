/** Checks subscriptions from any cursor: each row once, in order, after any change of the log or restart in between. */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import type { Cursor } from '../../src/client/position.ts';
import { isEnd, isEvent, range, readUntil, seqsOf, shownAnswers } from '../support/followed-frames.ts';
import { says, saysStepwise } from '../support/model/replies.ts';
import { asks } from '../support/model/tool-calls.ts';
import { demoServer, serveScripted } from '../support/parley.ts';
import { connectClient, readUntilText } from '../support/typed-client.ts';

/** Nine rows: a plain turn, and one with a call. */
async function startWithLog(t: TestContext) {
  const { parley, model } = await serveScripted(t, { mcpServers: demoServer });
  model.script(says('Hello.'), asks([{ name: 'add', arguments: { a: 2, b: 3 } }]), says('Five.'));
  const writer = connectClient(t, parley.url);
  for (const text of ['Hi', '2 + 3?']) await writer.chat(text, { conversationId: 'c1' }).end;
  assert.equal((await writer.history('c1')).head_seq, 9);
  writer.close();
  return { parley, model };
}

/** A follower from each seq of the log, on a socket of its own; `frames` is all that it received. */
const followFromEach = (t: TestContext, url: string, seqs: readonly number[]) =>
  seqs.map((afterSeq) => {
    const client = connectClient(t, url);
    return { afterSeq, frames: client.frames, follow: client.subscribe('c1', { cursor: { after_seq: afterSeq } }) };
  });

describe('a subscription from every seq of a log', () => {
  for (const { when, restarts } of [
    { when: 'as it was written', restarts: false },
    { when: 'after a restart', restarts: true },
  ]) {
    test(`sends the rows after it once, then the new ones once: ${when}`, async (t) => {
      const { parley } = await startWithLog(t);
      if (restarts) await parley.restart();
      const followers = followFromEach(t, parley.url, range(0, 9));
      for (const { follow, afterSeq } of followers)
        await readUntil(follow, afterSeq === 9 ? ({ status }) => status === 'result' : isEvent(9));
      await connectClient(t, parley.url).chat('more', { conversationId: 'c1', requestId: 'r3' }).end;
      for (const { follow, afterSeq, frames } of followers) {
        await readUntil(follow, isEnd('r3'));
        assert.deepEqual(seqsOf(frames), range(afterSeq + 1, 12));
      }
    });
  }

  test('and into a streaming message sends rows, the text so far, and the rest, in this order', async (t) => {
    const { parley, model } = await startWithLog(t);
    const step = saysStepwise('one ', 'two ', 'three');
    model.script(step.reply);
    step.release(2);
    const turn = connectClient(t, parley.url).chat('count', { conversationId: 'c1', requestId: 'r3' });
    await readUntilText(turn, 'one two ');
    const followers = followFromEach(t, parley.url, range(0, 10));
    for (const { follow } of followers) await readUntil(follow, ({ status }) => status === 'chunk');
    step.release();
    for (const { follow, afterSeq, frames } of followers) {
      await readUntil(follow, isEnd('r3'));
      const story = frames.map((frame) =>
        frame.status === 'event'
          ? `row ${frame.seq}`
          : frame.status === 'chunk'
            ? `chunk ${frame.chunk.data}`
            : frame.status,
      );
      assert.deepEqual(story, [
        'result',
        ...range(afterSeq + 1, 10).map((seq) => `row ${seq}`),
        'chunk one two ',
        'chunk three',
        'row 11',
        'row 12',
        'complete',
      ]);
    }
  });
});

describe('a cursor', () => {
  /** What a follower from there gets as result and rows, up to the head. */
  async function catchUp(t: TestContext, url: string, cursor: Cursor, head: number) {
    const client = connectClient(t, url);
    const [first] = await readUntil(client.subscribe('c1', { cursor }), isEvent(head));
    assert.ok(first?.status === 'result');
    const { truncated, reset, oldest_seq: oldest, head_seq: newest } = first.result;
    return { truncated, reset, oldest, newest, rows: seqsOf(client.frames) };
  }
  const keepNewest = {
    repository: { persistence: { retention_policy: 'message_count', max_messages_per_conversation: 2 } },
  };

  test('beyond the head is reset: the follower gets the log from its oldest row', async (t) => {
    const { parley } = await startWithLog(t);
    for (const beyond of [10, 500]) {
      assert.deepEqual(await catchUp(t, parley.url, { after_seq: beyond }, 9), {
        truncated: false,
        reset: true,
        oldest: 1,
        newest: 9,
        rows: range(1, 9),
      });
    }
  });

  test('before the oldest row that retention left is truncated, and no other is', async (t) => {
    const { parley } = await serveScripted(t, { config: keepNewest });
    const writer = connectClient(t, parley.url);
    for (const text of ['one', 'two', 'three']) await writer.chat(text, { conversationId: 'c1' }).end;
    for (const restarts of [false, true]) {
      if (restarts) await parley.restart();
      for (const afterSeq of range(0, 8)) {
        const { truncated, reset, oldest, rows } = await catchUp(t, parley.url, { after_seq: afterSeq }, 9);
        assert.deepEqual(
          { afterSeq, truncated, reset, oldest, rows },
          { afterSeq, truncated: afterSeq < 6, reset: false, oldest: 7, rows: range(Math.max(7, afterSeq + 1), 9) },
        );
      }
      assert.deepEqual((await catchUp(t, parley.url, { after_seq: 10 }, 9)).rows, [7, 8, 9]);
    }
  });

  test('of a live follower is not affected by retention: it gets every new row', async (t) => {
    const { parley } = await serveScripted(t, { config: keepNewest });
    const writer = connectClient(t, parley.url);
    await writer.chat('one', { conversationId: 'c1' }).end;
    const client = connectClient(t, parley.url);
    const follow = client.subscribe('c1');
    await readUntil(follow, isEvent(3));
    for (const [index, text] of ['two', 'three', 'four'].entries()) {
      await writer.chat(text, { conversationId: 'c1' }).end;
      await readUntil(follow, isEvent(6 + 3 * index));
    }
    assert.deepEqual(seqsOf(client.frames), range(1, 12));
  });

  test('in a message that has finished meanwhile gets it whole, as its row', async (t) => {
    const { parley, model } = await serveScripted(t);
    const step = saysStepwise('one ', 'two');
    model.script(step.reply);
    step.release();
    const writer = connectClient(t, parley.url);
    const turn = writer.chat('count', { conversationId: 'c1' });
    await turn.accepted;
    const first = connectClient(t, parley.url).subscribe('c1');
    const seen = await readUntil(first, ({ status }) => status === 'chunk');
    first.close();
    step.release();
    await turn.end;
    const later = connectClient(t, parley.url);
    const rest = await readUntil(later.subscribe('c1', { cursor: first.cursor() }), isEvent(3));
    assert.deepEqual(
      later.frames.map(({ status }) => status),
      ['result', 'event', 'event'],
    );
    const [message, text] = [...shownAnswers(rest)][0] ?? [];
    assert.deepEqual([text, [...shownAnswers(seen)]], ['one two', [[message, 'one ']]]);
  });
});
