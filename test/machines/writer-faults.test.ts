/** Tests the writer's chart on a failing disk: retries, their budget, and recovery. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { failedWriter, readyWriter } from '../support/machines/writer.ts';

describe('retrying', () => {
  test('waits, reconnects and commits again, with a fresh budget after success', async () => {
    const running = await readyWriter([10, 20]);
    for (let round = 0; round < 2; round += 1) {
      running.rows();
      await running.fail();
      assert.deepEqual(running.state(), { retrying: 'backingOff' });
      running.advance(9);
      assert.deepEqual(running.state(), { retrying: 'backingOff' });
      running.advance(1);
      assert.deepEqual(running.state(), { retrying: 'reconnecting' });
      await running.finish();
      assert.equal(running.state(), 'committing');
      await running.finish();
      assert.equal(running.state(), 'ready');
    }
  });

  test('spends its budget on failed reconnects and failed commits alike', async () => {
    const running = await readyWriter([10, 20]);
    running.rows();
    await running.fail();
    running.advance(10);
    await running.fail();
    assert.deepEqual(running.state(), { retrying: 'backingOff' });
    running.advance(20);
    await running.finish();
    await running.fail();
    assert.equal(running.state(), 'failed');
    assert.equal(running.asked.at(-1), 'rejectQueued');
  });
});

describe('failed', () => {
  test('rejects what waits with the problem of the last try', async () => {
    const running = await readyWriter([1]);
    running.rows();
    await running.fail('locked');
    running.advance(1);
    await running.fail('full');
    await running.finish();
    assert.deepEqual(running.problems, ['full']);
  });

  test('knows no problem of an error that names none', async () => {
    const running = await failedWriter();
    await running.finish();
    assert.deepEqual(running.problems, ['other']);
  });

  test('probes the disk with the next append, no faster than the last delay', async () => {
    const running = await readyWriter([10]);
    running.rows();
    await running.fail();
    running.advance(10);
    await running.fail();
    assert.equal(running.state(), 'failed');
    await running.finish();
    assert.equal(running.state(), 'failed');

    running.rows();
    running.advance(9);
    assert.deepEqual(running.state(), { retrying: 'backingOff' });
    running.advance(1);
    await running.fail();
    assert.equal(running.state(), 'failed');

    running.rows();
    running.advance(10);
    await running.finish();
    await running.finish();
    assert.equal(running.state(), 'ready');
  });

  test('closes when asked to, before or after it failed', async () => {
    const after = await failedWriter();
    after.close();
    assert.equal(after.state(), 'closing');

    const before = await readyWriter([]);
    before.rows();
    before.close();
    await before.fail();
    await before.finish();
    assert.equal(before.state(), 'closing');
  });
});
