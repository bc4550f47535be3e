/** Tests the command `check`: it accepts a valid log, and describes what is wrong in a changed one. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { check } from '../../src/cli/check.ts';
import { bareTable, begin, elsewhere, end, owner, row, sandbox } from '../store/support.ts';
import type { Sandbox } from '../store/support.ts';
import { versionOneFile } from '../store/version-1.ts';
import { versionThreeFile } from '../store/version-3.ts';
import { parley } from './support.ts';

async function filled({ open }: Sandbox): Promise<void> {
  const { store, append } = await open({ retention: { policy: 'message_count', maxMessages: 4 } });
  for (const turn of ['r1', 'r2', 'r3']) {
    await append(begin('c1', turn));
    await append(end('c1', turn));
  }
  await append(begin('c2', 'r1'));
  await store.close();
}

/** The lines without the name of the file. */
const lines = (path: string) => [...check(path).lines].map((line) => line.replace(`${path}: `, ''));

describe('check', () => {
  test('finds nothing wrong with what the store writes and retention leaves, beside a running server', async (t) => {
    const box = sandbox(t);
    await filled(box);
    await box.open();
    const { exitCode, stdout, stderr } = await parley(box.path, 'check');
    assert.deepEqual(
      [exitCode, stdout, stderr],
      [0, `${box.path}: 2 conversations, 7 rows. Everything is in order.\n`, ''],
    );
  });

  test('says what is wrong, where, and how much, with exit code 1', async (t) => {
    const box = sandbox(t);
    await filled(box);
    elsewhere(box.path, (db) =>
      db.exec(`
      DELETE FROM chat_events WHERE conversation_id = 'c1' AND seq = 5;
      UPDATE chat_events SET extra = 'no json' WHERE conversation_id = 'c2';
      UPDATE turns SET end_seq = 8 WHERE request_id = 'r3'`),
    );
    const { exitCode, stdout } = await parley(box.path, 'check', box.path);
    assert.equal(exitCode, 1);
    assert.deepEqual(stdout.trimEnd().split('\n'), [
      'conversation c1: row 5 is missing',
      'conversation c1: 3 messages are kept, and 4 by the conversations table',
      'conversation c1: 3 tokens are kept, and 4 by the conversations table',
      'conversation c1: turn r3 ends at row 9, and at 8 by the turns table',
      'conversation c2: row 1 cannot be read: extra',
      `${box.path}: 2 conversations, 6 rows. 5 problems.`,
    ]);
  });

  test('reports rows that belong to no conversation', async (t) => {
    const box = sandbox(t);
    await filled(box);
    elsewhere(box.path, (db) => db.exec(`DELETE FROM conversations WHERE id = 'c2'`));
    assert.deepEqual(lines(box.path)[0], 'conversation c2 has rows or turns and no entry in the conversations table');
  });

  test('reads a file of an earlier version, and leaves it as it is', (t) => {
    const { path } = sandbox(t);
    versionOneFile(path);
    const before = readFileSync(path);
    assert.deepEqual(lines(path), ['2 conversations, 6 rows. Everything is in order.']);
    assert.deepEqual(readFileSync(path), before);
  });

  test('finds a file that was brought up to date from an earlier version in order', async (t) => {
    const { path, open } = sandbox(t);
    versionOneFile(path);
    await (await open()).store.close();
    assert.deepEqual(lines(path), ['2 conversations, 6 rows. Everything is in order.']);
  });

  test('counts pending deletions as known, also in a file of version 3', async (t) => {
    const { path, open } = sandbox(t);
    versionThreeFile(path);
    assert.ok(!lines(path).some((line) => line.includes('gone')));
    await (await open({ sweepDelaysMs: { first: 60_000, betweenSlices: 1, betweenRounds: 1 } })).store.close();
    assert.ok(!lines(path).some((line) => line.includes('gone')));
  });

  test('finds a file that was taken over from another program in order', async (t) => {
    const box = sandbox(t);
    elsewhere(box.path, (db) =>
      db.exec(`${bareTable};
      INSERT INTO chat_events (id, conversation_id, seq, type, request_id, content) VALUES ('a', 'c', 3, 'user_message', 'r1', 'Hello');
      INSERT INTO chat_events (id, conversation_id, seq, type, tool_calls) VALUES ('b', 'c', 9, 'assistant_message', 'no json')`),
    );
    const { store, append } = await box.open({ legacyOwner: owner });
    await append(begin('c', 'r2'));
    await append(end('c', 'r2'));
    await store.close();
    assert.deepEqual(lines(box.path), ['1 conversation, 5 rows. Everything is in order.']);
  });

  test('lists a limited number of problems', async (t) => {
    const box = sandbox(t);
    const { store, append } = await box.open();
    await append({ conversationId: 'c', owner, rows: Array.from({ length: 500 }, () => row()) });
    await store.close();
    elsewhere(box.path, (db) => db.exec('DELETE FROM chat_events WHERE seq % 2 = 0'));
    const printed = lines(box.path);
    assert.equal(printed.length, 102);
    assert.match(printed[100] ?? '', /^\.\.\. and \d+ more$/);
  });

  test('reports damaged pages, and what to do', async (t) => {
    const box = sandbox(t);
    const { store, append } = await box.open();
    await append({
      conversationId: 'c',
      owner,
      rows: Array.from({ length: 200 }, () => row({ content: 'x'.repeat(500) })),
    });
    await store.close();
    const bytes = readFileSync(box.path);
    // One page of an index: SQLite itself can still walk the file and count what is missing.
    const page = elsewhere(box.path, (db) =>
      Number(
        db.prepare(`SELECT pageno FROM dbstat WHERE name = 'chat_events_by_seq' AND pagetype = 'leaf'`).pluck().get(),
      ),
    );
    bytes.fill(0, page * 4096 - 2048, page * 4096);
    writeFileSync(box.path, bytes);
    const { exitCode, stdout } = await parley(box.path, 'check');
    assert.equal(exitCode, 1);
    assert.match(stdout, /The file is damaged\. Restore a backup/);
    bytes.fill(0xa5, 4096, 20 * 4096);
    writeFileSync(box.path, bytes);
    const beyond = await parley(box.path, 'check');
    assert.equal(beyond.exitCode, 1);
    assert.match(`${beyond.stdout}${beyond.stderr}`, /is damaged\. Restore a backup/);
  });

  test('refuses what is no log of this version', async (t) => {
    const { path } = sandbox(t);
    assert.throws(() => check(path), /does not exist/);
    elsewhere(path, (db) => db.exec(bareTable));
    assert.throws(() => check(path), /was not written by Parley/);
    elsewhere(path, (db) => db.pragma('user_version = 99'));
    assert.throws(() => check(path), /newer version of Parley/);
  });
});
