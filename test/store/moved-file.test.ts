/**
 * Other programs beside the store: one holds a lock, one reads with sqlite3, one moves, replaces or deletes the file.
 * Each acknowledged row must be in the file that the path leads to, also after a crash.
 */
import assert from 'node:assert/strict';
import { copyFileSync, existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { spawnSync } from 'node:child_process';
import Database from 'better-sqlite3';
import { eventually } from '../support/eventually.ts';
import { begin, owner, sandbox, type Opened } from './support.ts';

const FAST = { retryDelaysMs: [20, 20, 20] };

/** Reads with another process, as the sqlite3 shell does: its close deletes a write-ahead log that has no other user. */
function readElsewhere(path: string): number {
  const program = `
    const Database = require('better-sqlite3');
    const db = new Database(process.argv[1]);
    console.log(db.prepare('SELECT COUNT(*) AS n FROM chat_events').get().n);
    db.close();`;
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', program, path], { encoding: 'utf8' });
  assert.equal(stderr, '');
  return Number(stdout);
}

const append = ({ append: add }: Opened, text: string) => add(begin('a', text, { content: text }));

async function problemOf(opened: Opened, text: string): Promise<unknown> {
  const outcome = await append(opened, text);
  return outcome.status === 'failed' ? outcome.fault.data['problem'] : outcome.status;
}

describe('a store beside another program', () => {
  test('keeps its write-ahead log through a reconnect and a reader that closes', async (t) => {
    const { path, open } = sandbox(t);
    const opened = await open(FAST);
    assert.equal((await append(opened, 'one')).status, 'stored');
    const other = new Database(path);
    t.after(() => other.close());
    other.exec('BEGIN IMMEDIATE');
    const blocked = append(opened, 'two');
    await stateOf(opened, 'retrying');
    other.exec('ROLLBACK');
    other.close();
    assert.equal((await blocked).status, 'stored');
    assert.equal(readElsewhere(path), 2);
    assert.ok(existsSync(`${path}-wal`), 'the reader has deleted the write-ahead log');
    assert.equal((await append(opened, 'three')).status, 'stored');
    assert.equal(readElsewhere(path), 3);
  });

  test('says that another program holds the database', async (t) => {
    const { path, open } = sandbox(t);
    const opened = await open({ retryDelaysMs: [1] });
    const other = new Database(path);
    t.after(() => other.close());
    other.exec('BEGIN IMMEDIATE');
    assert.equal(await problemOf(opened, 'one'), 'locked');
    other.exec('ROLLBACK');
    assert.equal(await problemOf(opened, 'one'), 'stored');
  });
});

describe('a store whose file is', () => {
  const cases: Record<string, (path: string) => void> = {
    moved: (path) => renameSync(path, `${path}.moved`),
    deleted: (path) => rmSync(path),
    replaced(path) {
      copyFileSync(path, `${path}.copy`);
      renameSync(`${path}.copy`, path);
    },
  };
  for (const [name, harm] of Object.entries(cases)) {
    test(`${name} acknowledges nothing more`, async (t) => {
      const { path, open } = sandbox(t);
      const opened = await open(FAST);
      assert.equal(await problemOf(opened, 'one'), 'stored');
      harm(path);
      assert.equal(await problemOf(opened, 'two'), 'moved');
      assert.equal(await problemOf(opened, 'three'), 'moved');
    });
  }

  test('moved holds all that was acknowledged, and is served again once it is back', async (t) => {
    const { path, open } = sandbox(t);
    const opened = await open(FAST);
    assert.equal(await problemOf(opened, 'one'), 'stored');
    assert.equal(await problemOf(opened, 'two'), 'stored');
    renameSync(path, `${path}.moved`);
    assert.equal(await problemOf(opened, 'three'), 'moved');
    const moved = new Database(`${path}.moved`, { readonly: true });
    assert.equal(moved.prepare('SELECT COUNT(*) FROM chat_events').pluck().get(), 2);
    moved.close();
    renameSync(`${path}.moved`, path);
    assert.equal(await problemOf(opened, 'four'), 'stored');
    assert.deepEqual(await texts(opened), ['one', 'two', 'four']);
  });

  test('without its write-ahead log acknowledges nothing more, and has lost nothing after a restart', async (t) => {
    const { path, open } = sandbox(t);
    const opened = await open(FAST);
    assert.equal(await problemOf(opened, 'one'), 'stored');
    rmSync(`${path}-wal`);
    assert.equal(await problemOf(opened, 'two'), 'moved');
    await opened.store.close();
    assert.deepEqual(await texts(await open()), ['one']);
  });

  for (const [name, harm] of Object.entries(cases))
    test(`${name} is noticed without a write`, async (t) => {
      const { path, open } = sandbox(t);
      const opened = await open({ ...FAST, checkDelayMs: 10 });
      assert.equal(await problemOf(opened, 'one'), 'stored');
      harm(path);
      await eventually(() => problemKnown(opened) === 'moved', 'the problem');
    });

  test('held by another program is served again without a write once that has ended', async (t) => {
    const { path, open } = sandbox(t);
    const opened = await open({ retryDelaysMs: [1], checkDelayMs: 10 });
    const other = new Database(path);
    t.after(() => other.close());
    other.exec('BEGIN IMMEDIATE');
    assert.equal(await problemOf(opened, 'one'), 'locked');
    assert.equal(problemKnown(opened), 'locked');
    other.exec('ROLLBACK');
    await eventually(() => problemKnown(opened) === null, 'the recovery');
  });

  test('reports a problem once, however often the file is tested', async (t) => {
    const { path, open } = sandbox(t);
    const errors: unknown[] = [];
    const opened = await open({ ...FAST, checkDelayMs: 1, onError: (error) => errors.push(error) });
    renameSync(path, `${path}.moved`);
    await eventually(() => problemKnown(opened) === 'moved', 'the problem');
    for (let round = 0; round < 5; round += 1) {
      await stateOf(opened, 'reconnecting');
      await stateOf(opened, 'failed');
    }
    assert.equal(errors.length, 1);
  });

  test('replaced before the first read is not read', async (t) => {
    const { path, open } = sandbox(t);
    const opened = await open(FAST);
    assert.equal(await problemOf(opened, 'one'), 'stored');
    copyFileSync(path, `${path}.copy`);
    renameSync(`${path}.copy`, path);
    await assert.rejects(opened.store.page(owner, 'a', { afterSeq: 0, limit: 10 }), { data: { problem: 'moved' } });
  });

  test('replaced is not read either', async (t) => {
    const { path, open } = sandbox(t);
    const opened = await open(FAST);
    assert.equal(await problemOf(opened, 'one'), 'stored');
    assert.deepEqual(await texts(opened), ['one']);
    rmSync(path);
    writeFileSync(path, '');
    await assert.rejects(opened.store.page(owner, 'a', { afterSeq: 0, limit: 10 }));
  });
});

const problemKnown = ({ writer }: Opened) => writer.getSnapshot().context.problem;

async function texts({ store }: Opened): Promise<unknown[]> {
  const page = await store.page(owner, 'a', { afterSeq: 0, limit: 10 });
  return (page?.rows ?? []).map(({ content }) => content);
}

async function stateOf({ writer }: Opened, state: string): Promise<void> {
  await eventually(() => JSON.stringify(writer.getSnapshot().value).includes(state), `the state ${state}`);
}
