/**
 * Tests disks that fail under a running store: an append fails as `storage_failed`, nothing of it is in the log, and the
 * store works again when the disk does. Uses real faults instead of permission bits, because root may write everything.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { noQuotas } from '../../machines/quota.ts';
import { createAppendWriter } from '../../src/store/thread/append-writer.ts';
import { createOwnerTotals } from '../../src/store/thread/owner-totals.ts';
import { createUpdateOrder } from '../../src/store/thread/update-order.ts';
import { createCommitter } from '../../src/store/thread/committer.ts';
import { withoutMounting, smallDisk } from '../support/small-disk.ts';
import { bareTable, elsewhere, owner, posted, row, sandbox } from './support.ts';
import type { Opened } from './support.ts';

const large = (conversationId = 'c') => ({ conversationId, owner, rows: [row({ content: 'x'.repeat(400_000) })] });
const small = (conversationId = 'c') => ({ conversationId, owner, rows: [row()] });

/** An append is refused as retryable, and the log is as long as before. */
async function assertRefused({ store, append }: Opened, headSeq: number, what = large()): Promise<void> {
  const outcome = await append(what);
  assert.deepEqual(outcome.status === 'failed' && [outcome.fault.code, outcome.fault.retryable], [
    'storage_failed',
    true,
  ]);
  const page = await store.page(owner, what.conversationId, { limit: 100 });
  assert.deepEqual([page?.headSeq, page?.rows.length], [headSeq, headSeq]);
}

async function assertStored({ append }: Opened, seq: number, what = large()): Promise<void> {
  const outcome = await append(what);
  assert.equal(outcome.status === 'stored' && outcome.rows[0]?.seq, seq);
}

describe('a full disk', { skip: withoutMounting }, () => {
  test('refuses what does not fit, and takes it once there is space', async (t) => {
    const disk = smallDisk(t, 4);
    const reported: unknown[] = [];
    const opened = await sandbox(t).open({
      path: join(disk.folder, 'events.db'),
      retryDelaysMs: [1, 1],
      onError: (error) => reported.push(error),
    });
    await assertStored(opened, 1, small());
    disk.fill();
    await assertRefused(opened, 1);
    await assertRefused(opened, 1);
    assert.match(String(reported[0]), /database or disk is full/);
    disk.free();
    await assertStored(opened, 2);
    await opened.store.close();
    assert.equal(
      elsewhere(join(disk.folder, 'events.db'), (db) => db.pragma('integrity_check', { simple: true })),
      'ok',
    );
  });

  test('keeps a start from creating its file, and says what to do', async (t) => {
    const disk = smallDisk(t, 1);
    disk.fill();
    await assert.rejects(
      sandbox(t).open({ path: join(disk.folder, 'events.db') }),
      /cannot be written: the disk is full\. Free some space/,
    );
  });

  test('keeps a file of another program as it was when there is no space for the copy', async (t) => {
    const disk = smallDisk(t, 2);
    const path = join(disk.folder, 'events.db');
    elsewhere(path, (db) =>
      db.exec(
        `${bareTable}; INSERT INTO chat_events (id, conversation_id, type, content) VALUES ('a', 'c', 'meta', hex(zeroblob(200000)))`,
      ),
    );
    const before = readFileSync(path);
    disk.fill(100_000);
    await assert.rejects(
      sandbox(t).open({ path }),
      /The copy .*before-parley-.* could not be written: the disk is full\. The partial copy was removed/,
    );
    assert.deepEqual(readFileSync(path), before);
    assert.equal(execFileSync('ls', [disk.folder], { encoding: 'utf8' }), 'ballast\nevents.db\nevents.db-lock\n');
  });
});

test(
  'a file that may not grow refuses what does not fit, and takes it once it may',
  { skip: !existsSync('/usr/bin/prlimit') && 'there is no prlimit here' },
  async (t) => {
    const { path, open } = sandbox(t);
    const child = spawn(
      'bash',
      [
        '-c',
        'ulimit -S -f 300; exec "$@"',
        'bash',
        process.execPath,
        fileURLToPath(new URL('limited-child.ts', import.meta.url)),
        path,
      ],
      {
        stdio: ['pipe', 'pipe', 'inherit'],
      },
    );
    t.after(() => child.kill('SIGKILL'));
    const said = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const append = async (characters: number): Promise<unknown> => {
      child.stdin.write(`${characters}\n`);
      return (await said.next()).value;
    };
    assert.equal(await append(10), 'stored 1');
    assert.equal(await append(400_000), 'storage_failed');
    assert.equal(await append(10), 'stored 2');
    execFileSync('prlimit', ['--pid', String(child.pid), '--fsize=unlimited']);
    assert.equal(await append(400_000), 'stored 3');
    child.stdin.end();
    assert.deepEqual(await once(child, 'exit'), [0, null]);
    assert.equal((await (await open()).store.load(owner, 'c', 10)).headSeq, 3);
  },
);

describe('a disk that became read-only', () => {
  test('refuses the start', { skip: withoutMounting }, async (t) => {
    const disk = smallDisk(t, 4);
    const path = join(disk.folder, 'events.db');
    const first = await sandbox(t).open({ path });
    await first.store.close();
    disk.makeReadOnly();
    await assert.rejects(sandbox(t).open({ path }), /mounted read-only\. Mount it for writing/);
  });

  test('refuses what comes, and takes it once it may be written again', async (t) => {
    const { path, open } = sandbox(t);
    const opened = await open({ retryDelaysMs: [1, 1] });
    await assertStored(opened, 1, small());
    if (!freeze(path, `${path}-wal`)) return t.skip('files cannot be made immutable here');
    try {
      await assertRefused(opened, 1, small());
    } finally {
      execFileSync('chattr', ['-i', path, `${path}-wal`]);
    }
    await assertStored(opened, 2, small());
  });

  test("is the disk's fault, not that of the appends", async (t) => {
    const { path, open } = sandbox(t);
    await (await open()).store.close();
    const db = new Database(path, { readonly: true });
    t.after(() => db.close());
    const { outcomes, failure } = createCommitter(
      db,
      createAppendWriter(db, {
        retain: () => false,
        nextUpdate: createUpdateOrder(db),
        owners: createOwnerTotals(db, () => noQuotas),
      }),
    )([posted('a', 'm1', 'Hello'), posted('b', 'm2', 'Hello')]);
    assert.deepEqual(outcomes, ['postponed', 'postponed']);
    assert.equal(failure?.problem, 'read_only');
  });
});

test('a file that another process has locked for longer than the retries refuses what comes, and takes it afterwards', async (t) => {
  const { path, open } = sandbox(t);
  const opened = await open({ retryDelaysMs: [1] });
  await assertStored(opened, 1, small());
  const holder = spawn(
    process.execPath,
    [
      '--input-type=module',
      '--eval',
      `
    import Database from 'better-sqlite3';
    new Database(process.argv[1]).exec('BEGIN IMMEDIATE');
    process.stdout.write('locked');
    process.stdin.resume();`,
      path,
    ],
    { cwd: import.meta.dirname, stdio: ['pipe', 'pipe', 'inherit'] },
  );
  t.after(() => holder.kill('SIGKILL'));
  await once(holder.stdout, 'data');
  await assertRefused(opened, 1, small());
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  await assertStored(opened, 2, small());
});

test('a damaged page costs the conversations that need it, no others, and only as long as it is damaged', async (t) => {
  const { path, open } = sandbox(t);
  const first = await open();
  const many = (conversationId: string) => ({ conversationId, owner, rows: Array.from({ length: 1000 }, () => row()) });
  for (const conversationId of ['a', 'b']) await assertStored(first, 1, many(conversationId));
  await first.store.close();

  const opened = await open({ retryDelaysMs: [1, 1] });
  const { damage, repair } = pagesOfIndex(path);
  damage();
  // Another program writes, so that the store looks at the file instead of what it remembers of it.
  elsewhere(path, (db) => db.exec('CREATE TABLE note (text)'));
  const [refused, stored] = await Promise.all([opened.append(small('a')), opened.append(small('b'))]);
  assert.equal(refused.status === 'failed' && refused.fault.code, 'storage_failed');
  assert.equal(stored.status === 'stored' && stored.rows[0]?.seq, 1001);
  repair();
  await assertStored(opened, 1001, small('a'));
});

/** The leaves of the index by seq, but for the last one, which the conversation that sorts last appends to. */
function pagesOfIndex(path: string): { damage(): void; repair(): void } {
  const pages = elsewhere(path, (db) =>
    db
      .prepare<[], number>(`
    SELECT pageno FROM dbstat WHERE name = 'chat_events_by_seq' AND pagetype = 'leaf' ORDER BY path`)
      .pluck()
      .all(),
  ).slice(0, -1);
  assert.ok(pages.length > 5);
  const file = openSync(path, 'r+');
  const kept = pages.map((page) => {
    const bytes = Buffer.alloc(4096);
    readSync(file, bytes, 0, bytes.length, (page - 1) * 4096);
    return { page, bytes };
  });
  closeSync(file);
  const write = (content: (bytes: Buffer) => Buffer) => {
    const file = openSync(path, 'r+');
    for (const { page, bytes } of kept) writeSync(file, content(bytes), 0, bytes.length, (page - 1) * 4096);
    closeSync(file);
  };
  return { damage: () => write((bytes) => Buffer.alloc(bytes.length, 0xa5)), repair: () => write((bytes) => bytes) };
}

/** Root may write everything but what is immutable; false where the file system knows no such thing. */
function freeze(...files: string[]): boolean {
  try {
    execFileSync('chattr', ['+i', ...files], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
