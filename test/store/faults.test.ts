/** Tests the guarantees of the store when the process is killed and when the disk fails. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Worker } from 'node:worker_threads';
import Database from 'better-sqlite3';
import { noQuotas } from '../../machines/quota.ts';
import { createAppendWriter } from '../../src/store/thread/append-writer.ts';
import { createOwnerTotals } from '../../src/store/thread/owner-totals.ts';
import { createUpdateOrder } from '../../src/store/thread/update-order.ts';
import { createCommitter } from '../../src/store/thread/committer.ts';
import { createTables } from '../../src/store/file/schema.ts';
import { owner, posted, row, sandbox } from './support.ts';

describe('kill -9', () => {
  test('loses nothing that was acknowledged, and releases the lock of the file', async (t) => {
    const { path, open } = sandbox(t);
    const child = spawn(process.execPath, [fileURLToPath(new URL('appending-child.ts', import.meta.url)), path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    t.after(() => child.kill('SIGKILL'));
    const exited = once(child, 'exit');
    const acknowledged: string[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      acknowledged.push(line);
      if (acknowledged.length === 1) await assert.rejects(open(), /is served by another Parley/);
      if (acknowledged.length === 1000) child.kill('SIGKILL');
    }
    assert.deepEqual(await exited, [null, 'SIGKILL']);

    const { store } = await open();
    const found = new Set<string>();
    for (let index = 0; index < 20; index += 1) {
      const page = await store.page(owner, `c${index}`, { limit: 1_000_000 });
      for (const [position, stored] of (page?.rows ?? []).entries()) {
        assert.equal(stored.seq, position + 1);
        found.add(`c${index} ${stored.seq} ${stored.id}`);
      }
      assert.equal(page?.headSeq, page?.rows.length);
    }
    assert.ok(acknowledged.length >= 1000);
    assert.deepEqual(
      acknowledged.filter((line) => !found.has(line)),
      [],
    );
  });
});

describe('a disk that does not take the batch', () => {
  test('is asked again, and the appends are stored in order once it does', async (t) => {
    const { path, open } = sandbox(t);
    const failed = Promise.withResolvers<unknown>();
    const { append } = await open({ onError: failed.resolve, retryDelaysMs: [1, 1, 1] });
    const release = holdWriteLock(t, path);
    const outcomes = ['a', 'b'].map((content) => append({ conversationId: 'c', owner, rows: [row({ content })] }));
    assert.match(String(await failed.promise), /database is locked/);
    release();
    const stored = (await Promise.all(outcomes)).map((outcome) => outcome.status === 'stored' && outcome.rows[0]?.seq);
    assert.deepEqual(stored, [1, 2]);
  });

  test('costs those who wait a storage_failed when the budget is spent, and nothing once it works again', async (t) => {
    const { path, open } = sandbox(t);
    const { store, append } = await open({ retryDelaysMs: [1] });
    const release = holdWriteLock(t, path);
    const lost = await append({ conversationId: 'c', owner, rows: [row()] });
    assert.deepEqual(lost.status === 'failed' && [lost.fault.code, lost.fault.retryable], ['storage_failed', true]);
    release();
    const stored = await append({ conversationId: 'c', owner, rows: [row()] });
    assert.equal(stored.status === 'stored' && stored.rows[0]?.seq, 1);
    assert.equal((await store.page(owner, 'c', { limit: 10 }))?.rows.length, 1);
  });

  test('does not keep close from ending', async (t) => {
    const { path, open } = sandbox(t);
    const { store, append } = await open({ retryDelaysMs: [1] });
    const release = holdWriteLock(t, path);
    const lost = append({ conversationId: 'c', owner, rows: [row()] });
    await store.close();
    release();
    assert.equal((await lost).status, 'failed');
  });
});

describe('a thread that dies', () => {
  test('is replaced: what waits is stored, and later reads are answered', async (t) => {
    const { open } = sandbox(t);
    const threads: Worker[] = [];
    const note = (thread: Worker) => threads.push(thread);
    process.on('worker', note);
    t.after(() => process.off('worker', note));
    const { store, append } = await open({ retryDelaysMs: [1, 1, 1] });
    await append({ conversationId: 'c', owner, rows: [row()] });
    await store.page(owner, 'c', { limit: 10 });
    assert.equal(threads.length, 2);

    const dying = threads.map((thread) => thread.terminate());
    const stored = await append({ conversationId: 'c', owner, rows: [row()] });
    assert.equal(stored.status === 'stored' && stored.rows[0]?.seq, 2);
    await Promise.all(dying);
    assert.equal((await store.page(owner, 'c', { limit: 10 }))?.rows.length, 2);
    assert.equal(threads.length, 4);
  });
});

describe('the committer', () => {
  test('postpones an append that does not fit on the disk, with later ones of its conversation, and stores the others', (t) => {
    const { db, commit } = committer(t);
    db.pragma(`max_page_count = ${Number(db.pragma('page_count', { simple: true })) + 8}`);
    const { outcomes, failure } = commit([
      posted('a', 'before', 'small'),
      posted('a', 'huge', 'x'.repeat(1_000_000)),
      posted('a', 'after', 'small'),
      posted('b', 'other', 'small'),
    ]);
    assert.deepEqual(outcomes, [1, 'postponed', 'postponed', 1]);
    assert.equal(failure?.problem, 'full');
    db.pragma('max_page_count = 1000000');
    const retried = [posted('a', 'huge', 'x'.repeat(1_000_000), true), posted('a', 'after', 'small', true)];
    assert.deepEqual(commit(retried).outcomes, [2, 3]);
  });

  test('knows an append again whose answer was lost, and writes it once', (t) => {
    const { db, commit } = committer(t);
    const begun = { ...posted('a', 'm1', 'Hello'), begin: { requestId: 'r1', digest: 'd' } };
    assert.deepEqual(commit([begun]).outcomes, [1]);
    assert.deepEqual(commit([{ ...begun, isRetry: true }]).outcomes, [1]);
    assert.equal(db.prepare('SELECT COUNT(*) FROM chat_events').pluck().get(), 1);
  });
});

/** Another program in the middle of a write; the result lets go. */
function holdWriteLock(t: TestContext, path: string): () => void {
  const other = new Database(path);
  t.after(() => other.close());
  other.exec('BEGIN IMMEDIATE');
  return () => other.exec('ROLLBACK');
}

function committer(t: TestContext) {
  const db = new Database(sandbox(t).path);
  t.after(() => db.close());
  db.pragma('journal_mode = WAL');
  createTables(db);
  return {
    db,
    commit: createCommitter(
      db,
      createAppendWriter(db, {
        retain: () => false,
        nextUpdate: createUpdateOrder(db),
        owners: createOwnerTotals(db, () => noQuotas),
      }),
    ),
  };
}
