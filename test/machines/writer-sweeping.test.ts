/** Tests the sweep in the writer's chart: slice by slice, with its delays, and never before rows. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readyWriter } from '../support/machines/writer.ts';

describe('sweeping', () => {
  const paceMs = { first: 100, betweenSlices: 10, betweenRounds: 1000 };

  test('goes slice by slice with pauses, and rests when the round is over', async () => {
    const running = await readyWriter([], paceMs);
    running.advance(99);
    assert.equal(running.state(), 'ready');
    running.advance(1);
    assert.equal(running.state(), 'sweeping');
    await running.finish({ more: true });
    assert.equal(running.state(), 'ready');
    running.advance(10);
    assert.equal(running.state(), 'sweeping');
    await running.finish({ more: false });
    running.advance(999);
    assert.equal(running.state(), 'ready');
    running.advance(1);
    assert.equal(running.state(), 'sweeping');
  });

  test('lets rows and a close that come meanwhile follow it, in that order', async () => {
    const running = await readyWriter([], paceMs);
    running.advance(100);
    running.rows();
    running.close();
    assert.equal(running.state(), 'sweeping');
    await running.finish({ more: true });
    assert.equal(running.state(), 'committing');
    await running.finish();
    assert.equal(running.state(), 'closing');
  });

  test('waits for a commit and for a retry, and is due afterwards', async () => {
    const running = await readyWriter([200], paceMs);
    running.rows();
    running.advance(100);
    assert.equal(running.state(), 'committing');
    await running.fail();
    running.advance(200);
    await running.finish();
    assert.equal(running.state(), 'committing');
    await running.finish({ more: true });
    assert.equal(running.state(), 'sweeping');
    // A busy writer sweeps too, and then goes on with its rows.
    await running.finish({ more: true });
    assert.equal(running.state(), 'committing');
  });

  test('comes before its time when there is something to sweep, and keeps to one pace', async () => {
    const running = await readyWriter([], paceMs);
    running.sweep();
    running.sweep();
    assert.equal(running.state(), 'sweeping');
    // A deletion during a slice may come too late for it.
    running.sweep();
    await running.finish({ more: true });
    assert.equal(running.state(), 'sweeping');
    await running.finish({ more: false });
    assert.equal(running.state(), 'ready');
    running.advance(999);
    assert.equal(running.state(), 'ready');
    running.advance(1);
    await running.finish({ more: false });
    assert.equal(running.asked.filter((name) => name === 'sweepSlice').length, 3);
  });

  test('that fails is tried again after the rest', async () => {
    const running = await readyWriter([], paceMs);
    running.advance(100);
    await running.fail();
    assert.equal(running.state(), 'failed');
    await running.finish();
    running.rows();
    running.advance(0);
    await running.finish();
    await running.finish();
    assert.equal(running.state(), 'ready');
    running.advance(999);
    assert.equal(running.state(), 'ready');
    running.advance(1);
    assert.equal(running.state(), 'sweeping');
  });
});
