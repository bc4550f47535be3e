/** Tests retention: it drops whole turns, always a prefix, and keeps the identity of turns. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import type { RetentionPolicy } from '../../src/store/thread/retention.ts';
import type { Store } from '../../src/store/port.ts';
import { begin, end, owner, row, sandbox } from './support.ts';

const dayMs = 24 * 60 * 60 * 1000;

/** A store with a policy and a clock that the test moves. */
async function openWith(t: TestContext, retention: RetentionPolicy) {
  const clock = { now: Date.UTC(2026, 0, 1) };
  const opened = await sandbox(t).open({ retention, now: () => clock.now });
  return { ...opened, clock };
}

async function kept(store: Store, conversationId = 'c') {
  const page = await store.page(owner, conversationId, { limit: 1000 });
  return { turns: [...new Set(page?.rows.map((stored) => stored.request_id))], oldestSeq: page?.oldestSeq };
}

describe('retention', () => {
  test('by tokens drops the oldest turns until the sum fits', async (t) => {
    const { store, append } = await openWith(t, { policy: 'token_limit', maxTokens: 45 });
    for (const turn of ['r1', 'r2', 'r3']) {
      await append(begin('c', turn, { token_count: 10 }));
      await append(end('c', turn, { token_count: 10 }));
    }
    assert.deepEqual(await kept(store), { turns: ['r2', 'r3'], oldestSeq: 4 });
  });

  test('by messages counts what users and assistants said, in this conversation only', async (t) => {
    const { store, append } = await openWith(t, { policy: 'message_count', maxMessages: 4 });
    await append(begin('other', 'r1'));
    await append(end('other', 'r1'));
    for (const turn of ['r1', 'r2', 'r3', 'r4']) {
      await append(begin('c', turn));
      await append({
        conversationId: 'c',
        owner,
        rows: [row({ type: 'tool_result', role: 'tool', request_id: turn })],
      });
      await append(end('c', turn));
    }
    assert.deepEqual(await kept(store), { turns: ['r3', 'r4'], oldestSeq: 9 });
    assert.deepEqual(await kept(store, 'other'), { turns: ['r1'], oldestSeq: 1 });
  });

  test('by time drops turns whose last row is too old', async (t) => {
    const { store, append, clock } = await openWith(t, { policy: 'time_based', days: 7 });
    await append(begin('c', 'r1'));
    await append(end('c', 'r1'));
    clock.now += 6 * dayMs;
    await append(begin('c', 'r2'));
    await append(end('c', 'r2'));
    assert.deepEqual((await kept(store)).turns, ['r1', 'r2']);
    clock.now += 2 * dayMs;
    await append(begin('c', 'r3'));
    await append(end('c', 'r3'));
    assert.deepEqual(await kept(store), { turns: ['r2', 'r3'], oldestSeq: 4 });
  });

  test('never takes the turn that just ended, however large it is', async (t) => {
    const { store, append } = await openWith(t, { policy: 'token_limit', maxTokens: 5 });
    await append(begin('c', 'r1', { token_count: 100 }));
    await append(end('c', 'r1', { token_count: 100 }));
    assert.deepEqual(await kept(store), { turns: ['r1'], oldestSeq: 1 });
  });

  test('stops before an open turn, and before a turn that reaches into a kept one', async (t) => {
    const { store, append } = await openWith(t, { policy: 'message_count', maxMessages: 2 });
    await append(begin('c', 'r1'));
    // r2 waits in the queue while r1 is answered: its first row lies inside r1.
    await append(begin('c', 'r2'));
    await append(end('c', 'r1'));
    assert.deepEqual(await kept(store), { turns: ['r1', 'r2'], oldestSeq: 1 });
    await append(begin('c', 'r3'));
    await append(end('c', 'r2'));
    // r1 alone could go, but the row of r2 lies before its end.
    assert.deepEqual(await kept(store), { turns: ['r1', 'r2', 'r3'], oldestSeq: 1 });
    await append(end('c', 'r3'));
    // Without r1 and r2, which only go together; r3's first row lies before r2's last.
    assert.deepEqual(await kept(store), { turns: ['r1', 'r2', 'r3'], oldestSeq: 1 });
    await append(begin('c', 'r4'));
    await append(end('c', 'r4'));
    assert.deepEqual(await kept(store), { turns: ['r4'], oldestSeq: 10 });
  });

  test('keeps the identity of turns whose rows are gone', async (t) => {
    const { store, append } = await openWith(t, { policy: 'message_count', maxMessages: 2 });
    for (const turn of ['r1', 'r2']) {
      await append(begin('c', turn));
      await append(end('c', turn));
    }
    assert.deepEqual(await append(begin('c', 'r1')), { status: 'duplicate', ended: true });
    assert.deepEqual(await store.turn(owner, 'c', 'r1'), {
      digest: 'digest of r1',
      rows: [],
      more: false,
      beginSeq: null,
      endSeq: null,
      seenSeq: null,
      end: { status: 'complete', requestId: 'r1' },
    });
  });

  test('takes a turn whole that is longer than what is looked at together', async (t) => {
    const { store, append } = await openWith(t, { policy: 'message_count', maxMessages: 2 });
    await append(begin('c', 'r1'));
    const results = Array.from({ length: 700 }, () => row({ type: 'tool_result', role: 'tool', request_id: 'r1' }));
    await append({ conversationId: 'c', owner, rows: results });
    await append(end('c', 'r1'));
    assert.equal((await kept(store)).oldestSeq, 1);
    await append(begin('c', 'r2'));
    await append(end('c', 'r2'));
    assert.deepEqual(await kept(store), { turns: ['r2'], oldestSeq: 704 });
  });

  test('never lets seq go back', async (t) => {
    const { append } = await openWith(t, { policy: 'token_limit', maxTokens: 0 });
    for (const turn of ['r1', 'r2']) {
      await append(begin('c', turn));
      await append(end('c', turn));
    }
    const next = await append(begin('c', 'r3'));
    assert.equal(next.status === 'stored' && next.rows[0]?.seq, 7);
  });
});
