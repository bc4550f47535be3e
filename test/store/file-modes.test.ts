/** Tests that only the owner may read the files of a database, also if they exist already with other modes. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { copyDatabase } from '../../src/store/file/copy.ts';
import { begin, sandbox } from './support.ts';

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);
const SUFFIXES = ['', '-wal', '-shm', '-lock'];

/** Runs `work` under the umask of most systems, which lets every user read new files. */
async function withOpenUmask(work: () => Promise<void>): Promise<void> {
  const before = process.umask(0o022);
  try {
    await work();
  } finally {
    process.umask(before);
  }
}

describe('the files of a database', () => {
  test('are readable for their owner only', (t) =>
    withOpenUmask(async () => {
      const { path, open } = sandbox(t);
      const { append } = await open();
      await append(begin('c', 'r1'));
      for (const suffix of SUFFIXES) assert.equal(modeOf(`${path}${suffix}`), '600', suffix);
      const copy = `${path}.copy`;
      copyDatabase(path, copy);
      assert.equal(modeOf(copy), '600');
    }));

  test('lose the rights of other users when they are served', (t) =>
    withOpenUmask(async () => {
      const { path, open } = sandbox(t);
      const first = await open();
      await first.append(begin('c', 'r1'));
      await first.store.close();
      for (const suffix of ['', '-lock']) chmodSync(`${path}${suffix}`, 0o666);
      const second = await open();
      await second.append(begin('c', 'r2'));
      for (const suffix of SUFFIXES) assert.equal(modeOf(`${path}${suffix}`), '600', suffix);
    }));

  test('stay as they are if they are not served', async (t) => {
    const { path, open } = sandbox(t);
    writeFileSync(path, 'not a database at all');
    chmodSync(path, 0o644);
    await assert.rejects(open());
    assert.equal(modeOf(path), '644');
    assert.equal(readFileSync(path, 'utf8'), 'not a database at all');
    assert.ok(!existsSync(`${path}-wal`));
  });
});
