/** Tests the command `backup`: it copies one snapshot of the log while a server writes. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { elsewhere, owner, row, sandbox } from '../store/support.ts';
import { parley } from './support.ts';

describe('backup', () => {
  test('copies what is committed while the server writes on, and the copy is a sound log', async (t) => {
    const { path, open } = sandbox(t);
    const { append } = await open();
    await append({ conversationId: 'c', owner, rows: [row({ content: 'before' }), row()] });
    const writing = new AbortController();
    const writer = (async () => {
      while (!writing.signal.aborted) await append({ conversationId: 'c', owner, rows: [row(), row()] });
    })();
    const { exitCode, stdout } = await parley(path, 'backup', 'copy.db');
    writing.abort();
    await writer;
    const copy = join(dirname(path), 'copy.db');
    assert.equal(exitCode, 0);
    assert.equal(
      stdout,
      `Copied ${path} to ${copy} (0.0 MB).\n`.replace('0.0', /\(([\d.]+) MB/.exec(stdout)?.[1] ?? ''),
    );
    const copied = Number(elsewhere(copy, (db) => db.prepare('SELECT COUNT(*) FROM chat_events').pluck().get()));
    assert.ok(copied >= 2 && copied % 2 === 0, 'never half an append');
    assert.ok(!existsSync(`${copy}-wal`));
    const checked = await parley(path, 'check', 'copy.db');
    assert.equal(checked.exitCode, 0, checked.stdout);
  });

  test('is served like the original', async (t) => {
    const { path, open } = sandbox(t);
    const first = await open();
    await first.append({ conversationId: 'c', owner, rows: [row()] });
    await first.store.close();
    const copy = join(dirname(path), 'copy.db');
    await parley(path, 'backup', copy);
    const second = await open({ path: copy });
    assert.equal((await second.store.load(owner, 'c', 10)).headSeq, 1);
    assert.equal(
      elsewhere(copy, (db) => db.pragma('auto_vacuum', { simple: true })),
      2,
    );
  });

  test('overwrites nothing, and says what else went wrong', async (t) => {
    const { path, open } = sandbox(t);
    const absent = await parley(path, 'backup', 'copy.db');
    assert.deepEqual([absent.exitCode, absent.stdout], [1, '']);
    assert.match(absent.stderr, /No event log exists at .*events\.db\. Start the server once/);

    await (await open()).store.close();
    writeFileSync(join(dirname(path), 'diary.txt'), 'Dear diary');
    const taken = await parley(path, 'backup', 'diary.txt');
    assert.equal(taken.exitCode, 1);
    assert.match(taken.stderr, /diary\.txt exists already, and is not overwritten\. Name another file/);

    const nowhere = await parley(path, 'backup', 'nowhere/copy.db');
    assert.equal(nowhere.exitCode, 1);
    assert.match(nowhere.stderr, /The copy .*nowhere\/copy\.db could not be written/);
    assert.deepEqual(
      readdirSync(dirname(path)).filter((name) => name.includes('partial')),
      [],
    );
  });
});
