/** Tests the import of a file of another program. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import type Database from 'better-sqlite3';
import type { LogRow } from '../../machines/log.ts';
import type { LegacyImport } from '../../src/store/file/import-legacy.ts';
import type { StoreOptions } from '../../src/store/store.ts';
import { bareTable, begin, elsewhere, end, owner, sandbox } from './support.ts';

type Foreign = Partial<Record<keyof LogRow, string | number | null>>;

const insert = (db: Database.Database, rows: Foreign[]) => {
  for (const [index, row] of rows.entries()) {
    const filled = { id: `row ${index}`, conversation_id: 'c', type: 'user_message', ...row };
    const names = Object.keys(filled);
    db.prepare(`INSERT INTO chat_events (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`).run(
      ...Object.values(filled),
    );
  }
};

/** A file with these rows, made by `schema`, as it is served after it was taken over. */
async function adopted(
  t: TestContext,
  rows: Foreign[],
  { schema = bareTable, ...options }: { schema?: string } & Partial<StoreOptions> = {},
) {
  const { path, open } = sandbox(t);
  elsewhere(path, (db) => {
    db.exec(schema);
    insert(db, rows);
  });
  const adoptions: LegacyImport[] = [];
  const opened = await open({ legacyOwner: owner, onLegacyImport: (adoption) => adoptions.push(adoption), ...options });
  const [adoption] = adoptions;
  assert.ok(adoption && adoptions.length === 1);
  const log = async (conversationId = 'c') =>
    (await opened.store.page(owner, conversationId, { limit: 1000 }))?.rows ?? [];
  return { ...opened, path, open, adoption, log };
}

const contents = (rows: LogRow[]) => rows.map(({ content }) => content);

describe('a file of another program', () => {
  test('is copied before it is changed, and reports the copy', async (t) => {
    const rows = [
      { content: 'Hello', seq: 7 },
      { content: 'Again', seq: null, timestamp: 'yesterday' },
    ];
    const { path, adoption } = await adopted(t, rows);
    assert.deepEqual([adoption.conversations, adoption.rows], [1, 2]);
    assert.equal(dirname(adoption.backup), dirname(path));
    assert.match(basename(adoption.backup), /^events\.db\.before-parley-\d{8}T\d{6}Z$/);
    elsewhere(adoption.backup, (db) => {
      assert.equal(db.pragma('user_version', { simple: true }), 0);
      assert.deepEqual(db.prepare('SELECT content, seq, timestamp FROM chat_events').raw().all(), [
        ['Hello', 7, null],
        ['Again', null, 'yesterday'],
      ]);
    });
  });

  test('is taken over once: the next start finds a file of ours', async (t) => {
    const { path, open, store, append } = await adopted(t, [{ content: 'Hello', request_id: 'r1' }]);
    await append(begin('c', 'r2'));
    await store.close();
    const again = await open({ onLegacyImport: () => assert.fail('it was ours') });
    assert.equal((await again.store.load(owner, 'c', 100)).headSeq, 2);
    assert.equal(readdirSync(dirname(path)).filter((name) => name.includes('before-parley')).length, 1);
  });

  test('is renumbered from any numbers', async (t) => {
    const { log, store } = await adopted(t, [
      { content: 'second', seq: 5 },
      { content: 'third', seq: 9 },
      { content: 'behind third', seq: null },
      { content: 'twice', seq: 9 },
      { content: 'first', seq: -1 },
      { content: 'alone', seq: 0, conversation_id: 'd' },
    ]);
    const rows = await log();
    assert.deepEqual(contents(rows), ['first', 'second', 'third', 'behind third', 'twice']);
    assert.deepEqual(
      rows.map(({ seq }) => seq),
      [1, 2, 3, 4, 5],
    );
    assert.equal((await store.load(owner, 'd', 100)).headSeq, 1);
  });

  test('keeps the order in which its rows were written where it has no numbers at all', async (t) => {
    const { log } = await adopted(
      t,
      ['z', 'a', 'm'].map((content) => ({ id: content, content })),
    );
    assert.deepEqual(contents(await log()), ['z', 'a', 'm']);
  });

  test('goes on where it stood, without the indexes, triggers and constraints that were made for its own program', async (t) => {
    const schema = `${bareTable.replace(/\)$/, ", mood TEXT NOT NULL DEFAULT 'fine', UNIQUE (conversation_id, seq))")};
      CREATE UNIQUE INDEX one_request ON chat_events (conversation_id, request_id);
      CREATE TRIGGER no_more BEFORE INSERT ON chat_events WHEN NEW.type = 'meta' BEGIN SELECT RAISE(ABORT, 'no'); END`;
    const { append, log } = await adopted(
      t,
      [
        { content: 'Hello', seq: 1, request_id: 'r1' },
        { type: 'assistant_message', content: 'Hi', seq: 2 },
      ],
      { schema },
    );
    assert.deepEqual(await append(begin('c', 'r1')), { status: 'reused' });
    assert.equal((await append(begin('c', 'r2'))).status, 'stored');
    assert.equal((await append(end('c', 'r2'))).status, 'stored');
    assert.deepEqual(
      (await log()).map(({ seq }) => seq),
      [1, 2, 3, 4, 5],
    );
  });

  test('that was made without row ids is taken over as well', async (t) => {
    const { log } = await adopted(
      t,
      [
        { id: 'b', content: 'two', seq: 2 },
        { id: 'a', content: 'one', seq: 1 },
      ],
      { schema: `${bareTable} WITHOUT ROWID` },
    );
    assert.deepEqual(contents(await log()), ['one', 'two']);
  });

  test('gets turns: what follows a message belongs to it, with any ids of the rows', async (t) => {
    const { log } = await adopted(t, [
      { type: 'system_update', role: 'system', content: 'before' },
      { content: 'one', request_id: 'r1' },
      { type: 'assistant_message', content: 'without an id' },
      { type: 'tool_result', content: 'an id of its own', request_id: 'x1' },
      { content: 'two', request_id: 'r2' },
      { type: 'assistant_message', content: 'late answer to one', request_id: 'r1' },
      { type: 'assistant_message', content: 'answer to two' },
      { content: 'three' },
      { type: 'assistant_message', content: 'answer to three', request_id: 'x2' },
    ]);
    assert.deepEqual(
      (await log()).map((row) => row.request_id),
      [null, 'r1', 'r1', 'r1', 'r2', 'r1', 'r2', null, null],
    );
  });

  test('gets times that can be compared: in UTC where they can be read, else those of a neighbour', async (t) => {
    const { log } = await adopted(t, [
      { timestamp: null },
      { timestamp: '2026-01-01T12:00:00.5+02:00' },
      { timestamp: 'yesterday' },
      { timestamp: '2026-01-02 10:00:00' },
      { timestamp: '1767434400' },
      { timestamp: 1767434460123 },
      { timestamp: '42' },
      { timestamp: null, conversation_id: 'd' },
    ]);
    assert.deepEqual(
      (await log()).map(({ timestamp }) => timestamp),
      [
        '2026-01-01T10:00:00.500Z',
        '2026-01-01T10:00:00.500Z',
        '2026-01-01T10:00:00.500Z',
        '2026-01-02T10:00:00.000Z',
        '2026-01-03T10:00:00.000Z',
        '2026-01-03T10:01:00.123Z',
        '2026-01-03T10:01:00.123Z',
      ],
    );
    const [lonely] = await log('d');
    assert.ok(Math.abs(Date.parse(lonely?.timestamp ?? '') - Date.now()) < 60_000);
  });

  test('gets ids and token counts where it has none, and is read past what no reader understands', async (t) => {
    const { log, store } = await adopted(t, [
      { id: null, content: 'Grüße aus Köln', token_count: 4 },
      {
        type: 'assistant_message',
        content: 'x'.repeat(30),
        token_count: null,
        extra: 'no json',
        usage: '[]',
        tool_calls: '{}',
      },
      { type: 'a type of its own', role: 'robot', content: null, token_count: null },
    ]);
    const [first, second, third] = await log();
    assert.match(first?.id ?? '', /^[0-9a-f]{32}$/);
    assert.equal(first?.token_count, 4);
    assert.deepEqual([second?.token_count, second?.extra, second?.usage, second?.tool_calls], [11, {}, null, null]);
    assert.deepEqual([third?.type, third?.role, third?.token_count], ['meta', null, null]);
    const { known, headSeq, oldestSeq, open } = await store.load(owner, 'c', 100);
    assert.deepEqual({ known, headSeq, oldestSeq, open }, { known: true, headSeq: 3, oldestSeq: 1, open: [] });
  });

  test('is described: title, times and totals', async (t) => {
    const { path } = await adopted(t, [
      { content: 'First words', timestamp: '2026-01-01 00:00:00', token_count: 2 },
      { type: 'assistant_message', content: 'Hi', timestamp: '2026-01-01 00:00:01', token_count: 3 },
    ]);
    elsewhere(path, (db) => {
      const described = db
        .prepare('SELECT title, created_at, updated_at, message_count, total_tokens FROM conversations')
        .raw()
        .get();
      assert.deepEqual(described, ['First words', '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:01.000Z', 2, 5]);
      assert.equal(db.pragma('auto_vacuum', { simple: true }), 2, 'so that it can shrink');
    });
  });
});

test('a file of ours that came back from a dump, which carries no version, is served as it is', async (t) => {
  const { path, open } = sandbox(t);
  const first = await open();
  await first.append(begin('c', 'r1'));
  await first.store.close();
  elsewhere(path, (db) => db.pragma('user_version = 0'));
  const second = await open({ onLegacyImport: () => assert.fail('it was ours') });
  assert.deepEqual((await second.store.load(owner, 'c', 100)).open, [{ requestId: 'r1', beginSeq: 1, end: null }]);
});
