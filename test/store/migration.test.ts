/** Tests migrations: a file of an earlier version is migrated at the start, whole or not at all. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, test } from 'node:test';
import type Database from 'better-sqlite3';
import { waitFor } from 'xstate';
import { assertTotals, begin, elsewhere, end, owner, sandbox, waitingFor } from './support.ts';
import { versionOneFile } from './version-1.ts';
import { foldLog } from '../../machines/conversation/rows/recovery-state.ts';
import { versionTwoFile } from './version-2.ts';
import { versionThreeFile } from './version-3.ts';
import { versionFourFile } from './version-4.ts';
import { versionFiveFile } from './version-5.ts';

const versionOf = (db: Database.Database) => db.pragma('user_version', { simple: true });

/** What a table is: its columns in any order, and its indexes. */
function shapeOf(db: Database.Database): unknown[] {
  return db
    .prepare(`
    SELECT main.name, column.name, column.type, column."notnull", column.pk FROM sqlite_schema AS main, pragma_table_info(main.name) AS column WHERE main.type = 'table'
     UNION ALL SELECT name, sql, tbl_name, NULL, NULL FROM sqlite_schema WHERE type = 'index' ORDER BY 1, 2`)
    .raw()
    .all();
}

describe('a file of version 1', () => {
  test('is served with all it has: rows, turns with their ends, and what is unfinished', async (t) => {
    const { path, open } = sandbox(t);
    versionOneFile(path);
    const { store } = await open({ onLegacyImport: () => assert.fail('it was ours') });
    const { known, headSeq, oldestSeq, rows, open: turns } = await store.load(owner, 'c', 100);
    assert.deepEqual(
      { known, headSeq, oldestSeq, turns },
      { known: true, headSeq: 4, oldestSeq: 1, turns: [{ requestId: 'r2', beginSeq: 4, end: null }] },
    );
    assert.deepEqual(
      rows.map(({ id, conversation_id: conversation, content }) => [id, conversation, content]),
      [
        ['m1', 'c', 'Hello'],
        ['m2', 'c', 'Hi'],
        ['m3', 'c', null],
        ['m4', 'c', 'Are you there?'],
      ],
    );
    assert.deepEqual((await store.turn(owner, 'd', 'r1'))?.end, { status: 'complete' });
    assert.deepEqual(
      [await store.unfinished(), await store.overdue(Infinity, 10)],
      [[{ owner, conversationId: 'c' }], []],
    );
  });

  test('goes on: ids stay taken, numbers count on, turns can wait', async (t) => {
    const { path, open } = sandbox(t);
    versionOneFile(path);
    const { store, append } = await open();
    assert.deepEqual(await append(begin('c', 'r1')), { status: 'duplicate', ended: true });
    const waits = await append(waitingFor('c', 'r2', 1000));
    assert.equal(waits.status === 'stored' && waits.rows[0]?.seq, 5);
    assert.deepEqual(await store.overdue(1000, 10), [{ owner, conversationId: 'c' }]);
    assert.equal((await append(end('c', 'r2'))).status, 'stored');
  });

  test('becomes what a new file is, once, without a copy beside it', async (t) => {
    const old = sandbox(t);
    versionOneFile(old.path);
    await (await old.open()).store.close();
    const fresh = sandbox(t);
    await (await fresh.open()).store.close();
    const upgraded = elsewhere(old.path, (db) => ({ version: versionOf(db), shape: shapeOf(db) }));
    assert.deepEqual(
      upgraded,
      elsewhere(fresh.path, (db) => ({ version: versionOf(db), shape: shapeOf(db) })),
    );
    assert.deepEqual(readdirSync(dirname(old.path)).sort(), ['events.db', 'events.db-lock']);
    await (await old.open()).append(begin('c', 'r3'));
  });

  test('that came back from a dump, which carries no version, is known by its tables', async (t) => {
    const { path, open } = sandbox(t);
    versionOneFile(path, (db) => db.pragma('user_version = 0'));
    const { store, append } = await open({ onLegacyImport: () => assert.fail('it was ours') });
    await append(waitingFor('c', 'r2', 1000));
    assert.deepEqual(await store.overdue(1000, 10), [{ owner, conversationId: 'c' }]);
  });

  test('stays as it was when it cannot be brought up to date', async (t) => {
    const { path, open } = sandbox(t);
    // Something of a later step is in the way.
    versionOneFile(path, (db) => db.exec('CREATE INDEX turns_waiting ON turns (started_at)'));
    const before = elsewhere(path, (db) => ({ version: versionOf(db), shape: shapeOf(db) }));
    await assert.rejects(open(), { code: 'store_unavailable' });
    assert.deepEqual(
      elsewhere(path, (db) => ({ version: versionOf(db), shape: shapeOf(db) })),
      before,
    );
  });
});

describe('a file of version 2', () => {
  test('becomes what a new file is, and has the usage of its rows', async (t) => {
    const old = sandbox(t);
    versionTwoFile(old.path);
    const { store } = await old.open();
    assert.deepEqual(
      [(await store.load(owner, 'c', 0)).spent, (await store.load(owner, 'd', 0)).spent],
      [
        { tokens: 9, cost: 0 },
        { tokens: 0, cost: 0 },
      ],
    );
    await store.close();
    const fresh = sandbox(t);
    await (await fresh.open()).store.close();
    assert.deepEqual(
      elsewhere(old.path, (db) => ({ version: versionOf(db), shape: shapeOf(db) })),
      elsewhere(fresh.path, (db) => ({ version: versionOf(db), shape: shapeOf(db) })),
    );
  });

  test('that came back from a dump is known by its tables', async (t) => {
    const { path, open } = sandbox(t);
    versionTwoFile(path, (db) => db.pragma('user_version = 0'));
    const { store } = await open({ onLegacyImport: () => assert.fail('it was ours') });
    assert.equal((await store.load(owner, 'c', 0)).spent.tokens, 9);
  });
});

describe('a file of version 3', () => {
  test('becomes what a new file is, and keeps its pending deletions', async (t) => {
    const old = sandbox(t);
    versionThreeFile(old.path);
    const { store } = await old.open();
    assert.equal((await store.load(owner, 'c', 0)).spent.tokens, 9);
    await store.close();
    const fresh = sandbox(t);
    await (await fresh.open()).store.close();
    const upgraded = elsewhere(old.path, (db) => ({ version: versionOf(db), shape: shapeOf(db) }));
    assert.equal(upgraded.version, 6);
    assert.deepEqual(
      upgraded,
      elsewhere(fresh.path, (db) => ({ version: versionOf(db), shape: shapeOf(db) })),
    );
    assert.deepEqual(
      elsewhere(old.path, (db) => db.prepare('SELECT conversation_id FROM pending_deletions').pluck().all()),
      ['gone'],
    );
  });

  test('loses the rows of a deleted conversation in the next sweep', async (t) => {
    const { path, open } = sandbox(t);
    versionThreeFile(path);
    const { store, writer } = await open({ sweepDelaysMs: { first: 1, betweenSlices: 1, betweenRounds: 60_000 } });
    await waitFor(writer, ({ context }) => context.sweepInMs === 60_000);
    await store.close();
    const ids = `SELECT id FROM chat_events WHERE conversation_id = 'gone' UNION ALL SELECT * FROM pending_deletions`;
    assert.deepEqual(
      elsewhere(path, (db) => db.prepare(ids).all()),
      [],
    );
  });

  test('that came back from a dump is known by its tables', async (t) => {
    const { path, open } = sandbox(t);
    versionThreeFile(path, (db) => db.pragma('user_version = 0'));
    const { store } = await open({ onLegacyImport: () => assert.fail('the file is of Parley') });
    assert.equal((await store.load(owner, 'c', 0)).spent.tokens, 9);
  });

  test('keeps whether its open calls may be repeated, under the new name', async (t) => {
    const { path, open } = sandbox(t);
    versionThreeFile(path);
    const { store } = await open();
    const { rows } = await store.load(owner, 'c', 100);
    const calls = foldLog(rows, ['r2'], 0).interrupted?.open ?? [];
    assert.deepEqual(
      calls.map(({ dispatch, approval }) => (dispatch ?? approval)?.tool.idempotent),
      [true, false, true],
    );
    assert.deepEqual(
      rows.slice(-3).map(({ extra }) => [extra['idempotent'], 'harmless' in extra, extra['arguments']]),
      [
        [true, false, undefined],
        [false, false, undefined],
        [true, false, { text: 'harmless' }],
      ],
    );
  });

  test('keeps every row that is not about a call as it was', async (t) => {
    const { path, open } = sandbox(t);
    versionThreeFile(path);
    const extras = () =>
      elsewhere(path, (db) => db.prepare(`SELECT extra FROM chat_events WHERE id NOT IN ('m8', 'm9', 'm10')`).all());
    const before = extras();
    await (await open()).store.close();
    assert.deepEqual(extras(), before);
  });
});

describe('a file of version 4', () => {
  test('becomes what a new file is', async (t) => {
    const old = sandbox(t);
    versionFourFile(old.path);
    await (await old.open()).store.close();
    const fresh = sandbox(t);
    await (await fresh.open()).store.close();
    const upgraded = elsewhere(old.path, (db) => ({ version: versionOf(db), shape: shapeOf(db) }));
    assert.deepEqual(
      upgraded,
      elsewhere(fresh.path, (db) => ({ version: versionOf(db), shape: shapeOf(db) })),
    );
  });

  for (const [name, more] of [
    ['keeps the order of its conversations', () => {}],
    ['that came back from a dump keeps it too', (db: Database.Database) => void db.pragma('user_version = 0')],
  ] as const)
    test(name, async (t) => {
      const { path, open } = sandbox(t);
      versionFourFile(path, more);
      const { store, append } = await open({ onLegacyImport: () => assert.fail('the file is of Parley') });
      const ids = async () =>
        (await store.conversations(owner, { limit: 10 }))?.conversations.map(({ conversationId }) => conversationId);
      assert.deepEqual(await ids(), ['d', 'c']);
      await append(begin('c', 'r9'));
      assert.deepEqual(await ids(), ['c', 'd']);
    });
});

describe('a file of version 5', () => {
  for (const [name, more] of [
    ['becomes what a new file is, with the totals of each owner', () => {}],
    ['that came back from a dump does so too', (db: Database.Database) => void db.pragma('user_version = 0')],
  ] as const)
    test(name, async (t) => {
      const old = sandbox(t);
      versionFiveFile(old.path, more);
      await (await old.open({ onLegacyImport: () => assert.fail('the file is of Parley') })).store.close();
      const fresh = sandbox(t);
      await (await fresh.open()).store.close();
      assert.deepEqual(
        elsewhere(old.path, (db) => ({ version: versionOf(db), shape: shapeOf(db) })),
        elsewhere(fresh.path, (db) => ({ version: versionOf(db), shape: shapeOf(db) })),
      );
      assertTotals(old.path);
    });
});
