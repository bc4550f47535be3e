/** Tests how long the log knows the id of a turn: while its rows are kept, and for a day after its end. The test moves the clock. */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { waitFor } from 'xstate';
import type { RetentionPolicy } from '../../src/store/thread/retention.ts';
import type { Append } from '../../src/store/port.ts';
import { begin, end, owner, sandbox } from './support.ts';

const hourMs = 60 * 60 * 1000;
const rest = 1_000_000;

/** A store that is closed and opened again after some time, and then swept. */
async function startClocked(t: TestContext, retention: RetentionPolicy) {
  const clock = { now: Date.UTC(2026, 0, 1) };
  const box = sandbox(t);
  const open = () =>
    box.open({ now: () => clock.now, retention, sweepDelaysMs: { first: 1, betweenSlices: 1, betweenRounds: rest } });
  let opened = await open();
  return {
    append: (append: Append) => opened.append(append),
    endOf: async (requestId: string) => (await opened.store.turn(owner, 'c', requestId))?.end,
    headSeq: async () => (await opened.store.load(owner, 'c', 100)).headSeq,
    async laterBy(hours: number) {
      await opened.store.close();
      clock.now += hours * hourMs;
      opened = await open();
      await waitFor(opened.writer, ({ context }) => context.sweepInMs === rest);
    },
  };
}

const withText = (requestId: string, digest: string): Append => ({
  ...begin('c', requestId),
  begin: { requestId, digest },
});
const duplicate = { status: 'duplicate', ended: true };
const newestOnly: RetentionPolicy = { policy: 'message_count', maxMessages: 2 };

describe('an id', () => {
  test('is known as long as the rows of its turn are kept, however old they are', async (t) => {
    const { append, laterBy } = await startClocked(t, { policy: 'unlimited' });
    await append(begin('c', 'r1'));
    await append(end('c', 'r1'));
    await laterBy(1000 * 24);
    assert.deepEqual(await append(begin('c', 'r1')), duplicate);
    assert.deepEqual(await append(withText('r1', 'of another text')), { status: 'reused' });
  });

  test('outlives its rows with its end and its text, for a day', async (t) => {
    const { append, endOf, laterBy } = await startClocked(t, newestOnly);
    for (const requestId of ['r1', 'r2']) {
      await append(begin('c', requestId));
      await append(end('c', requestId));
    }
    await laterBy(23.99);
    assert.deepEqual(await append(begin('c', 'r1')), duplicate);
    assert.deepEqual(await append(withText('r1', 'of another text')), { status: 'reused' });
    assert.deepEqual(await endOf('r1'), { status: 'complete', requestId: 'r1' });
  });

  test('is free after that day: the same chat is a new turn, and seq goes on', async (t) => {
    const { append, endOf, headSeq, laterBy } = await startClocked(t, newestOnly);
    for (const requestId of ['r1', 'r2']) {
      await append(begin('c', requestId));
      await append(end('c', requestId));
    }
    await laterBy(24.01);
    const again = await append(withText('r1', 'of another text'));
    assert.equal(again.status === 'stored' && again.rows[0]?.seq, 7);
    assert.equal(await endOf('r1'), null, 'what ended was another turn');
    assert.deepEqual(await append(begin('c', 'r2')), duplicate, 'whose rows are kept');
    assert.equal(await headSeq(), 7);
  });

  test('has its day from the end of its turn, not from the beginning', async (t) => {
    const { append, laterBy } = await startClocked(t, newestOnly);
    await append(begin('c', 'r1'));
    await laterBy(30);
    assert.deepEqual(await append(begin('c', 'r1')), { status: 'duplicate', ended: false });
    await append(end('c', 'r1'));
    await append(begin('c', 'r2'));
    await append(end('c', 'r2'));
    await laterBy(23);
    assert.deepEqual(await append(begin('c', 'r1')), duplicate);
    await laterBy(2);
    assert.equal((await append(begin('c', 'r1'))).status, 'stored');
  });

  test('of an open turn is never free', async (t) => {
    const { append, laterBy } = await startClocked(t, { policy: 'time_based', days: 1 });
    await append(begin('c', 'r1'));
    await laterBy(1000 * 24);
    assert.deepEqual(await append(begin('c', 'r1')), { status: 'duplicate', ended: false });
    assert.deepEqual(await append(withText('r1', 'of another text')), { status: 'reused' });
  });
});
