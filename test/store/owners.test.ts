/** Tests two owners with conversations of the same id: neither affects the other. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import Database from 'better-sqlite3';
import { noQuotas } from '../../machines/quota.ts';
import { createAppendWriter } from '../../src/store/thread/append-writer.ts';
import { createOwnerTotals } from '../../src/store/thread/owner-totals.ts';
import { createUpdateOrder } from '../../src/store/thread/update-order.ts';
import { createCommitter } from '../../src/store/thread/committer.ts';
import { createTables } from '../../src/store/file/schema.ts';
import { begin, draftOf, elsewhere, end, posted, row, sandbox, waitingFor } from './support.ts';

const owners = ['ann', 'bob'];

/** What the table holds in place of this owner's id. */
const idOf = (path: string, owner: string, name = 'demo') =>
  elsewhere(path, (db) =>
    db
      .prepare<[string, string], string>('SELECT id FROM conversations WHERE owner = ? AND name = ?')
      .pluck()
      .get(owner, name),
  );

async function bothBegun(t: TestContext) {
  const { path, open } = sandbox(t);
  const opened = await open();
  // In one group, so that the second is begun before the first is committed.
  await Promise.all(
    owners.map((owner) => opened.append({ ...begin('demo', 'r1', { content: `I am ${owner}` }), owner })),
  );
  return { path, open, ...opened };
}

describe('two owners with conversations of the same id', () => {
  test('each have their own log from seq 1, and their rows carry the id as they know it', async (t) => {
    const { store, append } = await bothBegun(t);
    for (const owner of owners) {
      const stored = await append({ ...end('demo', 'r1', { content: `Hello, ${owner}` }), owner });
      assert.deepEqual(stored.status === 'stored' && stored.rows.map((each) => [each.conversation_id, each.seq]), [
        ['demo', 2],
        ['demo', 3],
      ]);
      const expected = [
        ['demo', 1, `I am ${owner}`],
        ['demo', 2, `Hello, ${owner}`],
        ['demo', 3, null],
      ];
      const { known, headSeq, rows } = await store.load(owner, 'demo', 100);
      const page = await store.page(owner, 'demo', { limit: 10 });
      const turn = await store.turn(owner, 'demo', 'r1');
      assert.deepEqual([known, headSeq, page?.headSeq], [true, 3, 3]);
      for (const found of [rows, page?.rows, turn?.rows]) {
        assert.deepEqual(
          found?.map((each) => [each.conversation_id, each.seq, each.content]),
          expected,
        );
      }
    }
  });

  test('claim the same request id each for themselves', async (t) => {
    const { store, append } = await bothBegun(t);
    await append({ ...end('demo', 'r1'), owner: 'ann' });
    assert.deepEqual(await append({ ...begin('demo', 'r1'), owner: 'ann' }), { status: 'duplicate', ended: true });
    assert.deepEqual(await append({ ...begin('demo', 'r1'), owner: 'bob' }), { status: 'duplicate', ended: false });
    assert.equal((await store.turn('bob', 'demo', 'r1'))?.end, null);
  });

  test('are taken up, overdue, asked and kept as drafts each for themselves', async (t) => {
    const { store, append } = await bothBegun(t);
    const ref = (owner: string) => ({ owner, conversationId: 'demo' });
    assert.deepEqual(
      (await store.unfinished()).toSorted((a, b) => a.owner.localeCompare(b.owner)),
      owners.map(ref),
    );
    store.saveDraft({ ...draftOf('demo', 'r1', 'Hel'), owner: 'bob' });
    const question = row({
      id: 'q1',
      type: 'meta',
      request_id: 'r1',
      extra: { kind: 'approval_request', interrupt_id: 'q1' },
    });
    await append({ ...waitingFor('demo', 'r1', 1000), owner: 'bob', rows: [question] });
    assert.deepEqual([await store.unfinished(), await store.overdue(1000, 10)], [[ref('ann')], [ref('bob')]]);
    assert.deepEqual(
      [await store.interrupt('ann', 'demo', 'q1'), (await store.interrupt('bob', 'demo', 'q1'))?.decision],
      [null, null],
    );
    assert.deepEqual(
      [(await store.load('ann', 'demo', 9)).draft, (await store.load('bob', 'demo', 9)).draft?.text],
      [null, 'Hel'],
    );
  });

  test('stay apart in the table, where the first has the id and the other one that says so, and after a restart', async (t) => {
    const { path, open, store } = await bothBegun(t);
    assert.equal(idOf(path, 'ann'), 'demo');
    assert.match(idOf(path, 'bob') ?? '', /^demo#[0-9a-f-]{36}$/);
    const counted = elsewhere(path, (db) =>
      db.prepare('SELECT COUNT(*) FROM chat_events GROUP BY conversation_id').pluck().all(),
    );
    assert.deepEqual(counted, [1, 1]);
    await store.close();
    const again = await open();
    await again.append({ ...end('demo', 'r1'), owner: 'bob' });
    assert.deepEqual(
      [(await again.store.load('ann', 'demo', 9)).headSeq, (await again.store.load('bob', 'demo', 9)).headSeq],
      [1, 3],
    );
  });

  test('lose by retention each what is theirs', async (t) => {
    const { append, store } = await sandbox(t).open({ retention: { policy: 'message_count', maxMessages: 2 } });
    for (const [owner, turns] of [
      ['ann', ['r1']],
      ['bob', ['r1', 'r2', 'r3']],
    ] as const) {
      for (const requestId of turns) {
        await append({ ...begin('demo', requestId), owner });
        await append({ ...end('demo', requestId), owner });
      }
    }
    assert.deepEqual(
      [(await store.load('ann', 'demo', 9)).oldestSeq, (await store.load('bob', 'demo', 9)).oldestSeq],
      [1, 7],
    );
  });
});

describe('an id that the table uses for another owner', () => {
  test('finds nothing of that owner', async (t) => {
    const { path, store, append } = await bothBegun(t);
    const id = idOf(path, 'bob') ?? '';
    for (const owner of ['ann', 'bob', 'eve']) assert.equal(await store.page(owner, id, { limit: 10 }), null);
    const own = await append({ ...begin(id, 'r1', { content: 'Mine' }), owner: 'eve' });
    assert.equal(own.status === 'stored' && own.rows[0]?.seq, 1);
    assert.notEqual(idOf(path, 'eve', id), id);
    assert.deepEqual(
      (await store.page('bob', 'demo', { limit: 10 }))?.rows.map(({ content }) => content),
      ['I am bob'],
    );
  });

  test('is free again when its first append did not come through', async (t) => {
    const { path, open } = sandbox(t);
    const { store, append } = await open();
    await append({ conversationId: 'other', owner: 'ann', rows: [row({ id: 'taken' })] });
    const [torn] = await Promise.all([
      append({ conversationId: 'demo', owner: 'bob', rows: [row({ id: 'taken' })] }),
      append({ ...begin('demo', 'r1'), owner: 'ann' }),
    ]);
    assert.equal(torn.status, 'failed');
    assert.equal(idOf(path, 'ann'), 'demo');
    await append({ ...begin('demo', 'r1', { content: 'Bob again' }), owner: 'bob' });
    assert.deepEqual(
      (await store.page('bob', 'demo', { limit: 10 }))?.rows.map(({ content }) => content),
      ['Bob again'],
    );
    assert.equal((await store.page('ann', 'demo', { limit: 10 }))?.rows.length, 1);
  });
});

test('what the disk does not take of one owner postpones nothing of another with the same id', (t) => {
  const db = new Database(sandbox(t).path);
  t.after(() => db.close());
  createTables(db);
  const commit = createCommitter(
    db,
    createAppendWriter(db, {
      retain: () => false,
      nextUpdate: createUpdateOrder(db),
      owners: createOwnerTotals(db, () => noQuotas),
    }),
  );
  db.pragma(`max_page_count = ${Number(db.pragma('page_count', { simple: true })) + 8}`);
  const { outcomes } = commit([
    posted('demo', 'huge', 'x'.repeat(1_000_000)),
    { ...posted('demo', 'other', 'small'), owner: 'bob' },
    posted('demo', 'after', 'small'),
  ]);
  assert.deepEqual(outcomes, ['postponed', 1, 'postponed']);
});
