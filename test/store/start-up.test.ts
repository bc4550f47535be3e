/** Tests the opening of files: what changes in a file, and which files are rejected unchanged. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import Database from 'better-sqlite3';
import { AppError } from '../../src/errors.ts';
import { schemaVersion } from '../../src/store/file/schema.ts';
import { bareTable, begin, elsewhere, end, owner, row, sandbox } from './support.ts';
import type { Sandbox } from './support.ts';

describe('a new file', () => {
  test('has the schema, incremental vacuum and a write-ahead log that is gone after close', async (t) => {
    const { path, open } = sandbox(t);
    const { store, append } = await open();
    await append(begin('c', 'r1'));
    assert.ok(existsSync(`${path}-wal`));
    await store.close();
    assert.ok(!existsSync(`${path}-wal`));
    elsewhere(path, (db) => {
      assert.equal(db.pragma('user_version', { simple: true }), schemaVersion);
      assert.equal(db.pragma('auto_vacuum', { simple: true }), 2);
      assert.equal(db.pragma('journal_mode', { simple: true }), 'wal');
      const unique = db
        .prepare(`SELECT "unique" FROM pragma_index_list('chat_events') WHERE origin = 'c'`)
        .pluck()
        .all();
      assert.deepEqual(unique, [1]);
    });
  });

  test('is found again after close, and close may be called twice', async (t) => {
    const { open } = sandbox(t);
    const first = await open();
    await first.append(begin('c', 'r1'));
    await Promise.all([first.store.close(), first.store.close()]);
    const second = await open();
    assert.equal((await second.store.load(owner, 'c', 10)).headSeq, 1);
  });
});

test('close commits what waits, and refuses what comes later', async (t) => {
  const { path, open } = sandbox(t);
  const { store, append } = await open();
  const waiting = Array.from({ length: 600 }, () => append({ conversationId: 'c', owner, rows: [row()] }));
  const closed = store.close();
  const late = await append({ conversationId: 'c', owner, rows: [row()] });
  assert.equal(late.status === 'failed' && late.fault.code, 'shutting_down');
  assert.ok((await Promise.all(waiting)).every((outcome) => outcome.status === 'stored'));
  await closed;
  await assert.rejects(store.unfinished(), { code: 'shutting_down' });
  assert.equal(
    elsewhere(path, (db) => db.prepare('SELECT COUNT(*) FROM chat_events').pluck().get()),
    600,
  );
});

describe('without persistence', () => {
  test('everything works, and an existing file stays as it is', async (t) => {
    const { path, open } = sandbox(t);
    writeFileSync(path, 'not a database at all');
    const { store, append } = await open({ memory: true, retention: { policy: 'message_count', maxMessages: 2 } });
    for (const turn of ['r1', 'r2']) {
      await append(begin('c', turn));
      await append(end('c', turn));
    }
    assert.equal((await store.load(owner, 'c', 100)).oldestSeq, 4);
    await store.close();
    assert.equal(readFileSync(path, 'utf8'), 'not a database at all');
    assert.ok(!existsSync(`${path}-lock`));
  });
});

test('clear on start-up empties the file and gives its space back', async (t) => {
  const { path, open } = sandbox(t);
  const first = await open();
  await first.append(begin('c', 'r1', { content: 'x'.repeat(1_000_000) }));
  await first.store.close();
  const second = await open({ clearOnStartup: true });
  assert.equal((await second.store.load(owner, 'c', 10)).known, false);
  const again = await second.append(begin('c', 'r1'));
  assert.equal(again.status === 'stored' && again.rows[0]?.seq, 1);
  await second.store.close();
  assert.ok(statSync(path).size < 100_000);
  elsewhere(path, (db) => assert.equal(db.pragma('auto_vacuum', { simple: true }), 2));
});

/** Opening fails with the reason and a remedy, and the file keeps every byte. */
async function refused(open: Sandbox['open'], options: { path: string; clearOnStartup?: true }, reason: RegExp) {
  const before = statSync(options.path, { throwIfNoEntry: false })?.isFile() ? readFileSync(options.path) : null;
  await assert.rejects(open(options), (error) => {
    assert.ok(error instanceof AppError);
    assert.equal(error.code, 'store_unavailable');
    assert.match(error.message, reason);
    // Two sentences: what is wrong with which file, and what to do.
    assert.ok(error.message.startsWith(`The event log ${options.path} `));
    assert.match(error.message, /\. [A-Z].*\.$/);
    return true;
  });
  if (before !== null) assert.deepEqual(readFileSync(options.path), before);
}

/** Root may write everything, so the tests take another user's place for a moment. */
async function asOrdinaryUser(work: () => Promise<void>): Promise<void> {
  const { seteuid, geteuid } = process;
  if (seteuid === undefined || geteuid?.() !== 0) return work();
  seteuid(65534);
  try {
    await work();
  } finally {
    seteuid(0);
  }
}

describe('start is refused, with the reason and the remedy,', () => {
  test('when the folder is missing', async (t) => {
    const { path, open } = sandbox(t);
    await refused(
      open,
      { path: join(path, '..', 'nowhere', 'events.db') },
      /folder that does not exist\. Create the folder/,
    );
  });

  test('when the path is a directory', async (t) => {
    const { path, open } = sandbox(t);
    mkdirSync(path);
    await refused(open, { path }, /is a directory/);
  });

  test('when the file is no database', async (t) => {
    const { path, open } = sandbox(t);
    writeFileSync(path, 'Dear diary, '.repeat(500));
    await refused(open, { path }, /is not a SQLite database/);
  });

  test('when another program made the database', async (t) => {
    const { path, open } = sandbox(t);
    elsewhere(path, (db) => db.exec('CREATE TABLE bookmarks (url TEXT)'));
    await refused(open, { path }, /is a database of another program/);
  });

  test('when a newer version wrote it', async (t) => {
    const { path, open } = sandbox(t);
    elsewhere(path, (db) => db.exec(`${bareTable}; PRAGMA user_version = 99`));
    await refused(open, { path, clearOnStartup: true }, /newer version of Parley \(its schema is 99/);
  });

  test('when a newer version wrote it and was killed, with rows in the write-ahead log', async (t) => {
    const { path, open } = sandbox(t);
    elsewhere(path, (db) => db.exec(`PRAGMA journal_mode = WAL; ${bareTable}; PRAGMA user_version = 99`));
    const { signal } = spawnSync(
      process.execPath,
      [
        '--input-type=module',
        '--eval',
        `
      import Database from 'better-sqlite3';
      new Database(process.argv[1]).exec("INSERT INTO chat_events (id, conversation_id, type) VALUES ('a', 'c', 'meta')");
      process.kill(process.pid, 'SIGKILL');`,
        path,
      ],
      { cwd: import.meta.dirname },
    );
    assert.equal(signal, 'SIGKILL');
    const last = readFileSync(`${path}-wal`);
    assert.ok(last.length > 0);
    await refused(open, { path }, /newer version of Parley/);
    assert.deepEqual(readFileSync(`${path}-wal`), last);
  });

  test("when a table that Parley needs the name of is another program's", async (t) => {
    const { path, open } = sandbox(t);
    elsewhere(path, (db) => db.exec(`${bareTable}; CREATE TABLE turns (player TEXT)`));
    await refused(open, { path }, /has a table turns of another program\. Rename that table/);
  });

  test('when pages are damaged', async (t) => {
    const { path, open } = sandbox(t);
    const { store, append } = await open();
    await append({
      conversationId: 'c',
      owner,
      rows: Array.from({ length: 200 }, () => row({ content: 'x'.repeat(500) })),
    });
    await store.close();
    const bytes = readFileSync(path);
    bytes.fill(0xa5, 6 * 4096, 20 * 4096);
    writeFileSync(path, bytes);
    await refused(open, { path }, /is damaged\. Restore a backup/);
  });

  test('when the file was cut short', async (t) => {
    const { path, open } = sandbox(t);
    const { store, append } = await open();
    await append({
      conversationId: 'c',
      owner,
      rows: Array.from({ length: 200 }, () => row({ content: 'x'.repeat(500) })),
    });
    await store.close();
    truncateSync(path, 5 * 4096);
    await refused(open, { path }, /is damaged/);
  });

  test('when the file is read-only', async (t) => {
    const { path, open } = sandbox(t);
    elsewhere(path, (db) => db.exec(bareTable));
    chmodSync(path, 0o444);
    chmodSync(join(path, '..'), 0o777);
    await asOrdinaryUser(() => refused(open, { path }, /is read-only\. Give this user the right/));
  });

  test('when the folder cannot be written', async (t) => {
    const { path, open } = sandbox(t);
    chmodSync(join(path, '..'), 0o555);
    await asOrdinaryUser(() => refused(open, { path }, /cannot be opened\. Give this user the right/));
  });

  test('when the file has a second name, until that is removed', async (t) => {
    const { path, open } = sandbox(t);
    const first = await open();
    await first.append(begin('c', 'r1'));
    linkSync(path, `${path}-other`);
    await refused(open, { path: `${path}-other` }, /has a second name \(a hard link\)/);
    await first.store.close();
    rmSync(`${path}-other`);
    await (await open({ path })).store.close();
  });

  test('when another Parley serves the file, also after its lock was removed and it wrote', async (t) => {
    const { path, open } = sandbox(t);
    const first = await open();
    await first.append(begin('c', 'r1'));
    rmSync(`${path}-lock`);
    assert.equal((await first.append(begin('c', 'r2'))).status, 'stored');
    await refused(open, { path }, /is served by another Parley process/);
  });

  test('never for two servers that write: the first one stops if its lock was removed and taken', async (t) => {
    const { path, open } = sandbox(t);
    const first = await open({ retryDelaysMs: [1] });
    await first.append(begin('c', 'r1'));
    rmSync(`${path}-lock`);
    const second = await open({ path });
    const outcome = await first.append(begin('c', 'r2'));
    assert.equal(outcome.status === 'failed' && outcome.fault.data['problem'], 'moved');
    assert.equal((await second.append(begin('c', 'r3'))).status, 'stored');
  });

  test('when another Parley serves the file, until that one is closed', async (t) => {
    const { path, open } = sandbox(t);
    const first = await open();
    await first.append(begin('c', 'r1'));
    await refused(open, { path }, /is served by another Parley process\. Stop that process/);
    await first.store.close();
    const second = await open();
    assert.equal((await second.store.load(owner, 'c', 10)).headSeq, 1);
  });

  test('when another program holds a lock on it', async (t) => {
    const { path, open } = sandbox(t);
    const other = new Database(path);
    t.after(() => other.close());
    other.exec(`${bareTable}; BEGIN EXCLUSIVE`);
    await refused(open, { path }, /is locked by another program/);
  });
});
