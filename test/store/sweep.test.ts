/** Tests the sweep: retention of idle conversations, in slices that let appends through. */
import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { describe, test } from 'node:test';
import { waitFor } from 'xstate';
import type { ActorRefFrom } from 'xstate';
import type { WriterLogic } from '../../machines/writer.ts';
import { begin, elsewhere, end, owner, row, sandbox } from './support.ts';
import type { Opened, Sandbox } from './support.ts';

const dayMs = 24 * 60 * 60 * 1000;
const paceMs = { first: 1, betweenSlices: 1, betweenRounds: 1_000_000 };
const unswept = { first: 1_000_000, betweenSlices: 1, betweenRounds: 1_000_000 };

/** Resolves when a round is over: the writer then rests. */
const roundIsOver = (writer: ActorRefFrom<WriterLogic>) =>
  waitFor(writer, ({ context }) => context.sweepInMs === paceMs.betweenRounds);

async function fill({ append }: Opened, conversationId: string, turns: number, content = 'Hello'): Promise<void> {
  for (let turn = 1; turn <= turns; turn += 1) {
    void append(begin(conversationId, `r${turn}`, { content }));
    await append(end(conversationId, `r${turn}`, { content }));
  }
}

/** Fills a file without a policy, as before a stricter one. */
async function filled(sandbox: Sandbox, now: number, turns: Record<string, number>, content?: string): Promise<void> {
  const opened = await sandbox.open({ now: () => now, sweepDelaysMs: unswept });
  await Promise.all(
    Object.entries(turns).map(([conversationId, count]) => fill(opened, conversationId, count, content)),
  );
  await opened.store.close();
}

describe('the sweep', () => {
  test('takes what is too old from conversations that are silent, down to the last row, and lets them go on', async (t) => {
    const box = sandbox(t);
    const now = Date.UTC(2026, 0, 1);
    await filled(box, now, { a: 3, b: 1 });
    const later = now + 8 * dayMs;
    const { store, append, writer } = await box.open({
      now: () => later,
      retention: { policy: 'time_based', days: 7 },
      sweepDelaysMs: paceMs,
    });
    await roundIsOver(writer);
    const { known, headSeq, oldestSeq, rows } = await store.load(owner, 'a', 100);
    assert.deepEqual({ known, headSeq, oldestSeq, rows }, { known: true, headSeq: 9, oldestSeq: 10, rows: [] });
    const next = await append(begin('a', 'r9'));
    assert.equal(next.status === 'stored' && next.rows[0]?.seq, 10);
  });

  test('applies a stricter policy, and keeps the newest turn of any size', async (t) => {
    const box = sandbox(t);
    await filled(box, Date.now(), { a: 400, b: 1 });
    const { store, writer } = await box.open({
      retention: { policy: 'message_count', maxMessages: 1 },
      sweepDelaysMs: paceMs,
    });
    await roundIsOver(writer);
    assert.equal((await store.load(owner, 'a', 100)).oldestSeq, 1198);
    assert.equal((await store.load(owner, 'b', 100)).oldestSeq, 1);
  });

  test('leaves open turns alone, however old they are', async (t) => {
    const box = sandbox(t);
    const now = Date.UTC(2026, 0, 1);
    const first = await box.open({ now: () => now, sweepDelaysMs: unswept });
    await fill(first, 'a', 1);
    await first.append(begin('a', 'waiting'));
    await first.store.close();
    const { store, writer } = await box.open({
      now: () => now + 90 * dayMs,
      retention: { policy: 'time_based', days: 7 },
      sweepDelaysMs: paceMs,
    });
    await roundIsOver(writer);
    const { oldestSeq, open } = await store.load(owner, 'a', 100);
    assert.deepEqual([oldestSeq, open.map(({ requestId }) => requestId)], [4, ['waiting']]);
  });

  test('forgets the identity of turns a day after their rows are gone, and of no others', async (t) => {
    const box = sandbox(t);
    const clock = { now: Date.UTC(2026, 0, 1) };
    const open = () =>
      box.open({ now: () => clock.now, retention: { policy: 'message_count', maxMessages: 2 }, sweepDelaysMs: paceMs });
    const first = await open();
    await fill(first, 'c', 2);
    await first.store.close();
    clock.now += dayMs - 1;
    const second = await open();
    await roundIsOver(second.writer);
    assert.deepEqual(await second.append(begin('c', 'r1')), { status: 'duplicate', ended: true });
    await second.store.close();
    clock.now += 2;
    const third = await open();
    await roundIsOver(third.writer);
    assert.equal(await third.store.turn(owner, 'c', 'r1'), null);
    assert.notEqual(await third.store.turn(owner, 'c', 'r2'), null);
  });

  test('gives the space back to the file system while the file is served', async (t) => {
    const box = sandbox(t);
    await filled(box, Date.now(), { a: 300, b: 300 }, 'x'.repeat(10_000));
    const before = statSync(box.path).size;
    const { writer } = await box.open({
      retention: { policy: 'message_count', maxMessages: 2 },
      sweepDelaysMs: paceMs,
    });
    await roundIsOver(writer);
    const after = statSync(box.path).size;
    assert.ok(before > 10_000_000 && after < 2_000_000, `${before} bytes became ${after}`);
    assert.equal(
      elsewhere(box.path, (db) => db.pragma('integrity_check', { simple: true })),
      'ok',
    );
  });

  test('lets appends through between its slices', async (t) => {
    const box = sandbox(t);
    await filled(box, Date.now(), { a: 1000 }, 'x'.repeat(1000));
    const { append, writer } = await box.open({
      retention: { policy: 'message_count', maxMessages: 2 },
      sweepDelaysMs: paceMs,
    });
    let through = 0;
    while (writer.getSnapshot().context.sweepInMs !== paceMs.betweenRounds) {
      await append({ conversationId: 'other', owner, rows: [row()] });
      through += 1;
    }
    assert.ok(through >= 5, `${through} appends were stored during the round`);
  });

  test('works for conversations in memory, too', async (t) => {
    const clock = { now: Date.UTC(2026, 0, 1) };
    const opened = await sandbox(t).open({
      memory: true,
      now: () => clock.now,
      retention: { policy: 'time_based', days: 7 },
      sweepDelaysMs: { first: 50, betweenSlices: 1, betweenRounds: 50 },
    });
    await fill(opened, 'c', 2);
    clock.now += 8 * dayMs;
    while ((await opened.store.load(owner, 'c', 100)).oldestSeq < 7)
      await waitFor(opened.writer, (snapshot) => snapshot.matches('sweeping'));
    assert.equal((await opened.store.load(owner, 'c', 100)).rows.length, 0);
  });
});
