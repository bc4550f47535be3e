/** Tests how the writer's chart watches its file while nothing is written, and how it comes back. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readyWriter } from '../support/machines/writer.ts';

const rarelyMs = { first: 10_000_000, betweenSlices: 0, betweenRounds: 0 };
const idle = (retryDelaysMs: readonly number[]) => readyWriter(retryDelaysMs, rarelyMs, 1000);

describe('checking', () => {
  test('comes after a while without writes, again and again', async () => {
    const running = await idle([10]);
    for (let round = 0; round < 2; round += 1) {
      running.advance(999);
      assert.equal(running.state(), 'ready');
      running.advance(1);
      assert.equal(running.state(), 'checking');
      await running.finish();
      assert.equal(running.state(), 'ready');
    }
    assert.equal(running.problem(), null);
  });

  test('commits the rows that come meanwhile, and closes after them', async () => {
    const running = await idle([10]);
    running.advance(1000);
    running.rows();
    running.close();
    assert.equal(running.state(), 'checking');
    await running.finish();
    assert.equal(running.state(), 'committing');
    await running.finish();
    assert.equal(running.state(), 'closing');
  });

  test('that fails is a known problem at once, and the file is opened and tested until it is well', async () => {
    const running = await idle([10]);
    running.advance(1000);
    await running.fail('moved');
    assert.deepEqual([running.state(), running.problem()], [{ retrying: 'backingOff' }, 'moved']);
    running.advance(10);
    await running.fail('moved');
    assert.equal(running.state(), 'failed');
    await running.finish();
    for (const problem of ['moved', 'locked'] as const) {
      running.advance(1000);
      assert.deepEqual(running.state(), { retrying: 'reconnecting' });
      await running.fail(problem);
      assert.deepEqual([running.state(), running.problem()], ['failed', problem]);
      await running.finish();
    }
    running.advance(1000);
    await running.finish();
    assert.deepEqual([running.state(), running.problem()], ['committing', 'locked']);
    await running.finish();
    assert.deepEqual([running.state(), running.problem()], ['ready', null]);
  });

  test('without a budget for retries fails at once', async () => {
    const running = await idle([]);
    running.advance(1000);
    await running.fail('moved');
    assert.equal(running.state(), 'failed');
  });
});

describe('a failed sweep', () => {
  test('is a known problem until the file could be written', async () => {
    const running = await readyWriter([10], { first: 5, betweenSlices: 1, betweenRounds: 100 }, 1000);
    running.advance(5);
    await running.fail('full');
    assert.deepEqual([running.state(), running.problem()], [{ retrying: 'backingOff' }, 'full']);
    running.advance(10);
    await running.finish();
    await running.finish();
    assert.deepEqual([running.state(), running.problem()], ['ready', null]);
  });
});
