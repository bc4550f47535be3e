/** Tests reads: the load of a conversation, pages, turns, and queries of the file by people. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import Database from 'better-sqlite3';
import type { LogRow } from '../../machines/log.ts';
import { begin, end, owner, row, sandbox } from './support.ts';

const seqs = (rows: LogRow[] | undefined) => rows?.map((stored) => stored.seq);

describe('standing', () => {
  test('of an unknown or foreign conversation is not known', async (t) => {
    const { store, append } = await sandbox(t).open();
    await append(begin('c', 'r1'));
    const unknown = {
      known: false,
      headSeq: 0,
      oldestSeq: 1,
      rows: [],
      open: [],
      draft: null,
      remembered: [],
      spent: { tokens: 0, cost: 0 },
    };
    assert.deepEqual(await store.load(owner, 'unknown', 100), unknown);
    assert.deepEqual(await store.load('eve', 'c', 100), unknown);
  });

  test('holds the newest turns, whole, until the tokens are spent', async (t) => {
    const { store, append } = await sandbox(t).open();
    for (const turn of ['r1', 'r2', 'r3']) {
      await append(begin('c', turn, { token_count: 10 }));
      await append(end('c', turn, { token_count: 10 }));
    }
    assert.deepEqual(seqs((await store.load(owner, 'c', 5)).rows), [7, 8, 9]);
    assert.deepEqual(seqs((await store.load(owner, 'c', 25)).rows), [4, 5, 6, 7, 8, 9]);
    assert.deepEqual(
      seqs((await store.load(owner, 'c', 5, 3)).rows),
      [4, 5, 6, 7, 8, 9],
      'and so many messages, of any size',
    );
    assert.deepEqual(
      seqs((await store.load(owner, 'c', 0)).rows),
      [],
      'for who only asks where it stands, nothing is read that has ended',
    );
    const all = await store.load(owner, 'c', 1000);
    assert.deepEqual([all.known, all.headSeq, all.oldestSeq, all.rows.length, all.open], [true, 9, 1, 9, []]);
  });

  test('has the newest images of large results, and nothing else of them', async (t) => {
    const { store, append } = await sandbox(t).open();
    const image = (name: string, audience: string[] = []) => ({
      type: 'image',
      mimeType: 'image/png',
      data: name.padEnd(100_000, 'A'),
      annotations: { audience },
    });
    const resultOf = (content: unknown) =>
      row({ type: 'tool_result', role: 'tool', extra: { name: 'look', whole: { content, user_text: 'for people' } } });
    const text = { type: 'text', text: 'x'.repeat(100_000) };
    const older = [image('older'), text];
    const newer = [image('newer'), 'no object', text];
    const shown = [image('shown', ['user'])];
    const rows = [older, newer, shown, [text]].map(resultOf);
    await append({ conversationId: 'c', owner, rows });
    const wholes = async (images?: number) =>
      (await store.load(owner, 'c', 1000, 0, images)).rows.map(({ extra }) => extra['whole']);
    assert.deepEqual(await wholes(), Array.from({ length: 4 }));
    const [first, second, third] = await wholes(1);
    assert.deepEqual(first, undefined);
    assert.deepEqual(second, { content: [image('newer')], user_text: 'for people' });
    assert.deepEqual(third, { content: shown, user_text: 'for people' }, 'the model gets none of these');
    assert.deepEqual((await wholes(2))[0], { content: [image('older')], user_text: 'for people' });
  });

  test('reaches back to the oldest open turn, and to the start of every turn on the way', async (t) => {
    const { store, append } = await sandbox(t).open();
    await append(begin('c', 'r0'));
    await append(end('c', 'r0'));
    await append(begin('c', 'r1'));
    await append(begin('c', 'r2'));
    await append(end('c', 'r1', { token_count: 50 }));
    await append(begin('c', 'r3', { token_count: 50 }));
    const standing = await store.load(owner, 'c', 10);
    assert.deepEqual(seqs(standing.rows), [4, 5, 6, 7, 8]);
    assert.deepEqual(standing.open, [
      { requestId: 'r2', beginSeq: 5, end: null },
      { requestId: 'r3', beginSeq: 8, end: null },
    ]);
  });
});

describe('a page', () => {
  test('is null for an unknown or foreign conversation', async (t) => {
    const { store, append } = await sandbox(t).open();
    await append(begin('c', 'r1'));
    assert.equal(await store.page(owner, 'unknown', { limit: 5 }), null);
    assert.equal(await store.page('eve', 'c', { limit: 5 }), null);
  });

  test('is in seq order, from the end it was asked for', async (t) => {
    const { store, append } = await sandbox(t).open();
    await append({ conversationId: 'c', owner, rows: Array.from({ length: 10 }, () => row()) });
    const page = async (range: { afterSeq?: number; beforeSeq?: number }) =>
      seqs((await store.page(owner, 'c', { ...range, limit: 3 }))?.rows);
    assert.deepEqual(await page({}), [8, 9, 10]);
    assert.deepEqual(await page({ beforeSeq: 8 }), [5, 6, 7]);
    assert.deepEqual(await page({ beforeSeq: 3 }), [1, 2]);
    assert.deepEqual(await page({ afterSeq: 0 }), [1, 2, 3]);
    assert.deepEqual(await page({ afterSeq: 8 }), [9, 10]);
    assert.deepEqual(await page({ afterSeq: 4, beforeSeq: 7 }), [5, 6]);
  });
});

describe('turns', () => {
  test('are read with their own rows and their end', async (t) => {
    const { store, append } = await sandbox(t).open();
    await append(begin('c', 'r1'));
    await append(begin('c', 'r2'));
    await append(end('c', 'r1'));
    const first = await store.turn(owner, 'c', 'r1');
    assert.deepEqual([seqs(first?.rows), first?.end], [[1, 3, 4], { status: 'complete', requestId: 'r1' }]);
    const second = await store.turn(owner, 'c', 'r2');
    assert.deepEqual([seqs(second?.rows), second?.end], [[2], null]);
    assert.equal(await store.turn(owner, 'c', 'r3'), null);
    assert.equal(await store.turn('eve', 'c', 'r1'), null);
  });

  test('without an end name the conversations that are unfinished', async (t) => {
    const { store, append } = await sandbox(t).open();
    await append(begin('done', 'r1'));
    await append(end('done', 'r1'));
    await append(begin('c', 'r1'));
    await append(begin('c', 'r2'));
    assert.deepEqual(await store.unfinished(), [{ owner, conversationId: 'c' }]);
  });
});

describe('the file', () => {
  test('can be read by us and by others while it is written', async (t) => {
    const { path, open } = sandbox(t);
    const { store, append } = await open();
    const other = new Database(path, { readonly: true });
    t.after(() => other.close());
    for (let round = 1; round <= 20; round += 1) {
      const writing = append({ conversationId: 'c', owner, rows: [row(), row()] });
      const seen = await store.page(owner, 'c', { limit: 100 });
      // Never half an append, whether it was committed before the read or after.
      assert.equal((seen?.rows.length ?? 0) % 2, 0);
      await writing;
      assert.equal((await store.page(owner, 'c', { limit: 100 }))?.headSeq, 2 * round);
      assert.equal(other.prepare('SELECT COUNT(*) FROM chat_events').pluck().get(), 2 * round);
    }
  });

  test('answers the query that people type, with JSON columns as text and empty ones as NULL', async (t) => {
    const { path, open } = sandbox(t);
    const { append } = await open();
    await append(begin('c1', 'r1', { extra: { metadata: { a: 1 } } }));
    await append(end('c1', 'r1'));
    await append(begin('c2', 'r1', { content: 'Wörter '.repeat(20) }));
    const shell = new Database(path, { readonly: true });
    t.after(() => shell.close());
    const rowsOf = (sql: string) => shell.prepare(sql).raw().all();
    assert.deepEqual(rowsOf('SELECT conversation_id, COUNT(*) FROM chat_events GROUP BY conversation_id;'), [
      ['c1', 3],
      ['c2', 1],
    ]);
    assert.deepEqual(rowsOf('SELECT extra FROM chat_events WHERE seq = 1 ORDER BY conversation_id'), [
      ['{"metadata":{"a":1}}'],
      [null],
    ]);
    assert.deepEqual(rowsOf('SELECT id, title, head_seq, message_count, total_tokens FROM conversations ORDER BY id'), [
      ['c1', 'Hello', 3, 2, 2],
      ['c2', 'Wörter '.repeat(20).slice(0, 80), 1, 1, 1],
    ]);
  });
});
