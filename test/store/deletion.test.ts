/** Tests deletions: no read finds the conversation at once, and its rows are deleted soon. */
import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { describe, test } from 'node:test';
import { waitFor } from 'xstate';
import { check } from '../../src/cli/check.ts';
import { begin, elsewhere, end, meanwhile, owner, row, sandbox } from './support.ts';
import type { Opened, Sandbox } from './support.ts';

/** The sweep comes when it is called, and not before. */
const called = { first: 1_000_000, betweenSlices: 1, betweenRounds: 2_000_000 };
/** It comes once, and then not again in the life of a test. */
const once = { ...called, pause: 1_000_000 };

const roundIsOver = ({ writer }: Pick<Opened, 'writer'>) =>
  waitFor(writer, ({ context }) => context.sweepInMs === called.betweenRounds);

/** As if it had never been. */
async function assertUnknown({ store }: Pick<Opened, 'store'>, conversationId: string): Promise<void> {
  assert.deepEqual(await store.load(owner, conversationId, 10), await store.load(owner, 'unknown', 10));
}

async function fill(
  { append }: Pick<Opened, 'append'>,
  conversationId: string,
  turns: number,
  content = 'Hello',
): Promise<void> {
  await Promise.all(
    Array.from({ length: turns }, async (_, turn) => {
      void append(begin(conversationId, `r${turn}`, { content }));
      await append(end(conversationId, `r${turn}`, { content }));
    }),
  );
}

/** More rows in one turn than a slice takes. */
async function fillLong({ append }: Pick<Opened, 'append'>, conversationId: string): Promise<void> {
  await append(begin(conversationId, 'r0'));
  await append({
    conversationId,
    owner,
    rows: Array.from({ length: longRows - 3 }, () => row({ type: 'system_update', request_id: 'r0' })),
  });
  await append(end(conversationId, 'r0'));
}
const longRows = 20_000;

/** What the file holds of a conversation: rows, turns and drafts. */
const left = ({ path }: Sandbox, conversationId: string) =>
  elsewhere(path, (db) =>
    ['chat_events', 'turns', 'drafts'].map(
      (table) =>
        db
          .prepare<[string], number>(`SELECT COUNT(*) FROM ${table} WHERE conversation_id = ?`)
          .pluck()
          .get(conversationId) ?? 0,
    ),
  );

const isInOrder = ({ path }: Sandbox) => [...check(path).lines].some((line) => line.includes('Everything is in order'));

describe('a deleted conversation', () => {
  test('is unknown from then on, with its open turns and its draft', async (t) => {
    const box = sandbox(t);
    const { store, append } = await box.open({ sweepDelaysMs: once });
    await fill({ append }, 'c', 2);
    await append(begin('c', 'open'));
    await fill({ append }, 'other', 1);
    store.saveDraft({
      owner,
      conversationId: 'c',
      requestId: 'open',
      messageId: 'm1',
      text: 'Hel',
      reasoning: '',
      model: null,
    });
    await append(begin('c', 'queued'));
    assert.deepEqual(left(box, 'c'), [8, 4, 1]);
    assert.equal(await store.remove(owner, 'c'), true);
    await assertUnknown({ store }, 'c');
    assert.equal(left(box, 'c')[2], 0);
    assert.deepEqual(
      [await store.page(owner, 'c', { limit: 10 }), await store.turn(owner, 'c', 'r1'), await store.unfinished()],
      [null, null, []],
    );
    assert.deepEqual(
      (await store.conversations(owner, { limit: 10 }))?.conversations.map((each) => each.conversationId),
      ['other'],
    );
    assert.ok(isInOrder(box));
  });

  test('is deleted once, by its owner, and harms no other', async (t) => {
    const { store, append } = await sandbox(t).open({ sweepDelaysMs: called });
    await fill({ append }, 'c', 1);
    await append({ ...begin('c', 'hers'), owner: 'eve' });
    assert.equal(await store.remove('bob', 'c'), false);
    assert.deepEqual(
      [await store.remove(owner, 'c'), await store.remove(owner, 'c'), await store.remove(owner, 'unknown')],
      [true, false, false],
    );
    assert.equal((await store.load('eve', 'c', 10)).headSeq, 1);
  });

  test('leaves its id free at once: a new conversation begins at its first row, while the old rows are still there', async (t) => {
    const box = sandbox(t);
    const opened = await box.open({ sweepDelaysMs: once });
    const { store, append } = opened;
    await fillLong(opened, 'c');
    await store.remove(owner, 'c');
    const again = await append(begin('c', 'r1', { content: 'Hello again' }));
    assert.equal(again.status === 'stored' && again.rows[0]?.seq, 1);
    assert.ok(Number(left(box, 'c')[0]) > 1);
    assert.ok(isInOrder(box));
    await store.remove(owner, 'c');
    await fill(opened, 'c', 1);
    assert.equal((await store.load(owner, 'c', 0)).headSeq, 3);
    assert.ok(isInOrder(box));
  });

  test('of a database in memory is gone too', async (t) => {
    const opened = await sandbox(t).open({ memory: true, sweepDelaysMs: called });
    await fill(opened, 'c', 2);
    await opened.store.remove(owner, 'c');
    await roundIsOver(opened);
    await assertUnknown(opened, 'c');
    await fill(opened, 'c', 1);
    assert.equal((await opened.store.load(owner, 'c', 10)).headSeq, 3);
  });
});

describe('what a deleted conversation leaves behind', () => {
  test('goes without waiting for the next round, slice by slice, and the file becomes shorter', async (t) => {
    const box = sandbox(t);
    const opened = await box.open({ sweepDelaysMs: called });
    const { store, append } = opened;
    await fill(opened, 'c', 1000, 'x'.repeat(5000));
    await fill(opened, 'other', 10);
    await store.remove(owner, 'c');
    const through = await meanwhile(roundIsOver(opened), async (index) => {
      await append(begin('other', `beside ${index}`));
    });
    assert.ok(through > 2, `${through} appends came through`);
    assert.deepEqual(left(box, 'c'), [0, 0, 0]);
    assert.deepEqual(
      elsewhere(box.path, (db) => db.prepare('SELECT * FROM pending_deletions').all()),
      [],
    );
    const { size } = statSync(box.path);
    assert.ok(size < 3_000_000, `${size} bytes are left of some 10,000,000`);
    assert.ok(isInOrder(box));
  });

  test('goes at the next start when the server ended in the middle', async (t) => {
    const box = sandbox(t);
    const first = await box.open({ sweepDelaysMs: once });
    await fillLong(first, 'c');
    await first.store.remove(owner, 'c');
    await waitFor(
      first.writer,
      ({ context }) => context.sweepInMs === once.betweenSlices && context.sweepDue === false,
    );
    await first.store.close();
    const [rows] = left(box, 'c');
    assert.ok(Number(rows) > 0 && Number(rows) < longRows, `${rows} of ${longRows} rows are left`);
    assert.ok(isInOrder(box));
    const second = await box.open({ sweepDelaysMs: { ...called, first: 1 } });
    await assertUnknown(second, 'c');
    await roundIsOver(second);
    assert.deepEqual(left(box, 'c'), [0, 0, 0]);
    assert.ok(isInOrder(box));
  });

  test('is kept apart from what others leave: many are deleted one after the other', async (t) => {
    const box = sandbox(t);
    const opened = await box.open({ sweepDelaysMs: called });
    const ids = Array.from({ length: 20 }, (_, index) => `c${index}`);
    await Promise.all([...ids, 'kept'].map((id) => fill(opened, id, 3)));
    await Promise.all(ids.map((id) => opened.store.remove(owner, id)));
    await roundIsOver(opened);
    assert.equal(
      elsewhere(box.path, (db) => db.prepare('SELECT COUNT(*) FROM chat_events').pluck().get()),
      9,
    );
    assert.deepEqual([left(box, 'kept'), isInOrder(box)], [[9, 3, 0], true]);
  });

  test('is emptied with the file', async (t) => {
    const box = sandbox(t);
    const first = await box.open({ sweepDelaysMs: once });
    await fillLong(first, 'c');
    await first.store.remove(owner, 'c');
    await first.store.close();
    await (await box.open({ clearOnStartup: true })).store.close();
    assert.deepEqual(
      elsewhere(box.path, (db) => db.prepare('SELECT * FROM pending_deletions').all()),
      [],
    );
  });
});
