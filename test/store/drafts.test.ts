/** Tests drafts: they survive a kill, but not their own row or the end of their turn. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import Database from 'better-sqlite3';
import { AppError } from '../../src/errors.ts';
import { createDraftQueue } from '../../src/store/draft-queue.ts';
import { createDraftWriter } from '../../src/store/thread/draft-writer.ts';
import { createTables } from '../../src/store/file/schema.ts';
import type { PostedDraft } from '../../src/store/thread-messages.ts';
import { begin, draftOf, elsewhere, end, killedWithOpenTurns, owner, row, sandbox } from './support.ts';
import type { Opened } from './support.ts';

/** The draft of a conversation, once all that was asked for before is done: the thread does one job after the other. */
async function kept({ store, append }: Opened, conversationId = 'c') {
  await append({ conversationId: 'elsewhere', owner, rows: [row()] });
  return (await store.load(owner, conversationId, 100)).draft;
}

describe('a draft', () => {
  test('is kept with its conversation, in place of the one before', async (t) => {
    const opened = await sandbox(t).open();
    for (const conversationId of ['c', 'd']) await opened.append(begin(conversationId, 'r1'));
    assert.equal(await kept(opened), null);
    opened.store.saveDraft(draftOf('d', 'r1', 'Another'));
    assert.equal((await kept(opened, 'd'))?.text, 'Another');
    opened.store.saveDraft(draftOf('c', 'r1', 'Hel'));
    assert.equal((await kept(opened))?.text, 'Hel');
    opened.store.saveDraft(draftOf('c', 'r1', 'Hello the', { reasoning: 'A greeting.', model: null }));
    assert.deepEqual(await kept(opened), {
      requestId: 'r1',
      messageId: 'message of r1',
      text: 'Hello the',
      reasoning: 'A greeting.',
      model: null,
    });
    assert.equal((await kept(opened, 'd'))?.text, 'Another');
  });

  test('goes with the commit of its row, and of no other', async (t) => {
    const opened = await sandbox(t).open();
    await opened.append(begin('c', 'r1'));
    opened.store.saveDraft(draftOf('c', 'r1', 'Hel'));
    const said = (id: string) =>
      opened.append({
        conversationId: 'c',
        owner,
        rows: [row({ id, type: 'assistant_message', role: 'assistant', request_id: 'r1' })],
      });
    await said('another message');
    assert.equal((await kept(opened))?.text, 'Hel');
    await said('message of r1');
    assert.equal(await kept(opened), null);
  });

  test('goes with the end of its turn, and of no other', async (t) => {
    const opened = await sandbox(t).open();
    for (const requestId of ['r0', 'r1']) await opened.append(begin('c', requestId));
    opened.store.saveDraft(draftOf('c', 'r1', 'Hel'));
    await opened.append(end('c', 'r0'));
    assert.equal((await kept(opened))?.text, 'Hel');
    await opened.append(end('c', 'r1'));
    assert.equal(await kept(opened), null);
  });

  test('stays when the append of its row fails', async (t) => {
    const opened = await sandbox(t).open();
    await opened.append(begin('c', 'r1', { id: 'taken' }));
    opened.store.saveDraft(draftOf('c', 'r1', 'Hel'));
    const torn = end('c', 'r1', { id: 'message of r1' });
    await opened.append({ ...torn, rows: [...torn.rows, row({ id: 'taken' })] });
    assert.equal((await kept(opened))?.text, 'Hel');
  });

  test('that comes too late does not come back: after its row, after the end, or where there is no such turn', async (t) => {
    const { path, open } = sandbox(t);
    const opened = await open();
    await opened.append(begin('row', 'r1'));
    await opened.append({
      conversationId: 'row',
      owner,
      rows: [row({ id: 'message of r1', type: 'assistant_message', request_id: 'r1' })],
    });
    await opened.append(begin('end', 'r1'));
    await opened.append(end('end', 'r1'));
    await opened.append(begin('other', 'r2'));
    for (const conversationId of ['row', 'end', 'other', 'nowhere'])
      opened.store.saveDraft(draftOf(conversationId, 'r1', 'Hel'));
    opened.store.saveDraft({ ...draftOf('other', 'r2', 'Hel'), owner: 'eve' });
    // The last of them: when it is there, all others were looked at.
    opened.store.saveDraft(draftOf('other', 'r2', 'written', { messageId: 'm2' }));
    while ((await kept(opened, 'other'))?.text !== 'written');
    assert.deepEqual(
      elsewhere(path, (db) => db.prepare('SELECT conversation_id, message_id FROM drafts').raw().all()),
      [['other', 'm2']],
    );
  });

  test('survives a kill -9, and goes when its turn is ended after it', async (t) => {
    const { path, open } = sandbox(t);
    await killedWithOpenTurns(t, path);
    const opened = await open();
    assert.deepEqual(await kept(opened, 'busy'), {
      requestId: 'r1',
      messageId: 'message of r1',
      text: 'Half of wh',
      reasoning: '',
      model: 'demo',
    });
    assert.equal(await kept(opened, 'asks'), null);
    await opened.append(end('busy', 'r1'));
    assert.equal(
      elsewhere(path, (db) => db.prepare('SELECT COUNT(*) FROM drafts').pluck().get()),
      0,
    );
  });

  test('goes with its conversation when that is deleted', async (t) => {
    const { path, open } = sandbox(t);
    await killedWithOpenTurns(t, path);
    const { store } = await open();
    assert.equal(await store.remove(owner, 'busy'), true);
    assert.equal(
      elsewhere(path, (db) => db.prepare('SELECT COUNT(*) FROM drafts').pluck().get()),
      0,
    );
  });

  test('goes with everything else where the file is emptied at the start', async (t) => {
    const { path, open } = sandbox(t);
    await killedWithOpenTurns(t, path);
    await (await open({ clearOnStartup: true })).store.close();
    assert.equal(
      elsewhere(path, (db) => db.prepare('SELECT COUNT(*) FROM drafts').pluck().get()),
      0,
    );
  });

  test('that cannot be written is reported and forgotten, and costs no append', async (t) => {
    const { path, open } = sandbox(t);
    const reported = Promise.withResolvers<unknown>();
    const opened = await open({ onError: reported.resolve, retryDelaysMs: [1, 1, 1] });
    await opened.append(begin('c', 'r1'));
    const other = new Database(path);
    t.after(() => other.close());
    other.exec('BEGIN IMMEDIATE');
    opened.store.saveDraft(draftOf('c', 'r1', 'Hel'));
    assert.match(String(await reported.promise), /unfinished answer could not be saved/);
    other.exec('ROLLBACK');
    assert.equal(await kept(opened), null);
    opened.store.saveDraft(draftOf('c', 'r1', 'Hello'));
    assert.equal((await kept(opened))?.text, 'Hello');
  });

  test('after close is dropped', async (t) => {
    const opened = await sandbox(t).open({ onError: (error) => assert.fail(String(error)) });
    await opened.append(begin('c', 'r1'));
    await opened.store.close();
    opened.store.saveDraft(draftOf('c', 'r1', 'Hel'));
  });
});

describe('the drafts that wait', () => {
  /** Batches as they are handed over; `settle` answers the one under way. */
  function queue() {
    const batches: PostedDraft[][] = [];
    const reported: unknown[] = [];
    let underWay = Promise.withResolvers<void>();
    const drafts = createDraftQueue({
      post: (batch) => {
        batches.push(batch);
        underWay = Promise.withResolvers<void>();
        return underWay.promise;
      },
      now: () => 0,
      report: (error) => reported.push(error),
    });
    const settle = async (failure?: Error) => {
      const before = batches.length;
      if (failure) underWay.reject(failure);
      else underWay.resolve();
      for (let turn = 0; turn < 10 && batches.length === before; turn += 1) await Promise.resolve();
    };
    return { drafts, batches, reported, settle, texts: () => batches.map((batch) => batch.map(({ text }) => text)) };
  }

  test('are replaced by newer ones of the same conversation, and go together, one batch under way', async () => {
    const { drafts, settle, texts } = queue();
    for (const text of ['a', 'ab', 'abc']) drafts.save(draftOf('c', 'r1', text));
    drafts.save(draftOf('d', 'r1', 'd'));
    drafts.save({ ...draftOf('c', 'r1', "eve's"), owner: 'eve' });
    assert.deepEqual(texts(), [['a']]);
    await settle();
    assert.deepEqual(texts(), [['a'], ['abc', 'd', "eve's"]]);
    await settle();
    drafts.save(draftOf('c', 'r1', 'abcd'));
    assert.deepEqual(texts().at(-1), ['abcd']);
  });

  test('go in batches of a bounded size, and a large one alone', async () => {
    const { drafts, batches, settle } = queue();
    const sizes = () => batches.map((batch) => batch.length);
    drafts.save(draftOf('first', 'r1', ''));
    drafts.save(draftOf('huge', 'r1', 'x'.repeat(1_000_000)));
    for (let index = 0; index < 5; index += 1) drafts.save(draftOf(`c${index}`, 'r1', 'x'.repeat(50_000)));
    for (let batch = 0; batch < 5; batch += 1) await settle();
    assert.deepEqual(sizes(), [1, 1, 2, 2, 1]);
  });

  test('report the first of several failures in a row, and the next after a success', async () => {
    const { drafts, reported, settle } = queue();
    const saved = async (failure?: Error) => {
      drafts.save(draftOf('c', 'r1', 'a'));
      await settle(failure);
      return reported.length;
    };
    const broken = new AppError('storage_failed', 'broken');
    assert.deepEqual([await saved(broken), await saved(broken), await saved(), await saved(broken)], [1, 1, 1, 2]);
  });

  test('are dropped when the queue is shut', async () => {
    const { drafts, settle, texts, reported } = queue();
    for (const conversationId of ['c', 'd']) drafts.save(draftOf(conversationId, 'r1', 'a'));
    drafts.close();
    await settle(new AppError('shutting_down', 'closed'));
    drafts.save(draftOf('e', 'r1', 'a'));
    assert.deepEqual([texts(), reported], [[['a']], []]);
  });
});

test('writing drafts leaves the durability of the log as it was, also where it fails', (t) => {
  const db = new Database(sandbox(t).path);
  t.after(() => db.close());
  createTables(db);
  const write = createDraftWriter(db);
  const draft = { ...draftOf('c', 'r1', 'Hel'), timestamp: '' };
  for (const synchronous of [1, 2]) {
    db.pragma(`synchronous = ${synchronous}`);
    write([draft]);
    assert.equal(db.pragma('synchronous', { simple: true }), synchronous);
  }
  db.pragma('query_only = true');
  assert.throws(() => write([draft]), /readonly/);
  assert.equal(db.pragma('synchronous', { simple: true }), 2);
});
