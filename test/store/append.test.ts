/** Tests appends: order, grouping, identity of turns, and appends that fail. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createActor } from 'xstate';
import type { AppendOutcome } from '../../src/store/port.ts';
import { openStore } from '../../src/store/store.ts';
import type { BatchReport } from '../../src/store/writer-logic.ts';
import { begin, end, owner, row, sandbox } from './support.ts';

const seqs = (outcome: AppendOutcome) =>
  outcome.status === 'stored' ? outcome.rows.map((stored) => stored.seq) : outcome;

describe('an append', () => {
  test('comes back as rows with id, seq and timestamp, and is read as it was written', async (t) => {
    const { store, append } = await sandbox(t).open({ now: () => Date.UTC(2026, 10, 2) });
    const rows = [
      row({ id: 'm1', request_id: 'r1' }),
      row({
        type: 'assistant_message',
        role: 'assistant',
        content: null,
        tool_calls: [{ id: 't1', type: 'function', function: { name: 'add', arguments: '{"a":1}' } }],
        model: 'demo',
        usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3, estimated: true },
        extra: { hop: 1 },
        token_count: null,
        request_id: 'r1',
      }),
    ];
    const outcome = await append({ conversationId: 'c', owner, rows });
    assert.equal(outcome.status, 'stored');
    assert.ok(outcome.status === 'stored');
    const [first, second] = outcome.rows;
    assert.deepEqual([first?.id, first?.seq, first?.timestamp], ['m1', 1, '2026-11-02T00:00:00.000Z']);
    assert.match(second?.id ?? '', /^[0-9a-f-]{36}$/);
    const page = await store.page(owner, 'c', { limit: 10 });
    assert.deepEqual(page?.rows, outcome.rows);
  });

  test('may come before the writer has started', async (t) => {
    const { store, writerLogic } = openStore({ path: sandbox(t).path, memory: true });
    t.after(() => store.close());
    const outcome = new Promise<AppendOutcome>((resolve) => store.append(begin('c', 'r1'), resolve));
    createActor(writerLogic).start();
    assert.deepEqual(seqs(await outcome), [1]);
  });

  test('with an end hands its payload back', async (t) => {
    const { append } = await sandbox(t).open();
    await append(begin('c', 'r1'));
    const ended = await append(end('c', 'r1'));
    assert.deepEqual(ended.status === 'stored' && ended.ended, { status: 'complete', requestId: 'r1' });
  });

  test("to another owner's conversation begins a new one", async (t) => {
    const { store, append } = await sandbox(t).open();
    await append(begin('c', 'r1'));
    assert.deepEqual(seqs(await append({ ...begin('c', 'r1', { content: 'Mine' }), owner: 'eve' })), [1]);
    assert.deepEqual(
      (await store.page(owner, 'c', { limit: 10 }))?.rows.map(({ content }) => content),
      ['Hello'],
    );
  });
});

describe('group commit', () => {
  test('turns what waits into few transactions and answers in order', async (t) => {
    const batches: BatchReport[] = [];
    const { append } = await sandbox(t).open({ onBatch: (batch) => batches.push(batch) });
    const answered: number[] = [];
    await Promise.all(
      Array.from({ length: 1200 }, async (_, index) => {
        const outcome = await append({ conversationId: `c${index % 7}`, owner, rows: [row()] });
        assert.equal(outcome.status, 'stored');
        answered.push(index);
      }),
    );
    assert.deepEqual(
      answered,
      answered.toSorted((a, b) => a - b),
    );
    assert.deepEqual(
      batches.map((batch) => batch.rows),
      [512, 512, 176],
    );
  });

  test('numbers every conversation from 1 without gaps, however appends are mixed', async (t) => {
    const { store, append } = await sandbox(t).open();
    const conversations = Array.from({ length: 10 }, (_, index) => `c${index}`);
    const outcomes = await Promise.all(
      Array.from({ length: 30 }, (_, round) =>
        conversations.map((conversationId, index) =>
          append({ conversationId, owner, rows: Array.from({ length: 1 + ((round + index) % 3) }, () => row()) }),
        ),
      ).flat(),
    );
    assert.ok(outcomes.every((outcome) => outcome.status === 'stored'));
    for (const conversationId of conversations) {
      const page = await store.page(owner, conversationId, { limit: 1000 });
      assert.deepEqual(
        page?.rows.map((stored) => stored.seq),
        Array.from({ length: page?.headSeq ?? 0 }, (_, i) => i + 1),
      );
    }
  });

  test('lets a bad append fail alone', async (t) => {
    const reported: unknown[] = [];
    const { store, append } = await sandbox(t).open({ onError: (error) => reported.push(error) });
    await append({ conversationId: 'a', owner, rows: [row({ id: 'taken' })] });
    const [before, bad, after, other] = await Promise.all([
      append({ conversationId: 'a', owner, rows: [row()] }),
      append({ conversationId: 'a', owner, rows: [row(), row({ id: 'taken' })] }),
      append({ conversationId: 'a', owner, rows: [row()] }),
      append({ conversationId: 'b', owner, rows: [row()] }),
    ]);
    assert.equal(bad.status === 'failed' && bad.fault.code, 'internal');
    assert.deepEqual([before, after, other].map(seqs), [[2], [3], [1]]);
    assert.equal((await store.page(owner, 'a', { limit: 10 }))?.headSeq, 3);
    assert.equal(reported.length, 1);
  });

  test('fails an append that cannot be written as JSON before it reaches the batch', async (t) => {
    const { append } = await sandbox(t).open();
    const bad = await append({ conversationId: 'a', owner, rows: [row({ extra: { size: 1n } })] });
    assert.equal(bad.status === 'failed' && bad.fault.code, 'internal');
    assert.deepEqual(seqs(await append({ conversationId: 'a', owner, rows: [row()] })), [1]);
  });

  test('survives a callback that throws, and reports it', async (t) => {
    const reported: unknown[] = [];
    const { store, append } = await sandbox(t).open({ onError: (error) => reported.push(error) });
    const fault = new Error('thrown by a callback');
    store.append({ conversationId: 'c', owner, rows: [row()] }, () => {
      throw fault;
    });
    assert.deepEqual(seqs(await append({ conversationId: 'c', owner, rows: [row()] })), [2]);
    assert.deepEqual(reported, [fault]);
  });

  test('answers overloaded when too much waits, and takes more afterwards', async (t) => {
    const { append } = await sandbox(t).open({ maxQueuedWrites: 2 });
    const outcomes = await Promise.all([1, 2, 3].map(() => append({ conversationId: 'c', owner, rows: [row()] })));
    const refused = outcomes[2];
    assert.deepEqual(outcomes.slice(0, 2).map(seqs), [[1], [2]]);
    assert.deepEqual(refused?.status === 'failed' && [refused.fault.code, refused.fault.data], [
      'overloaded',
      { retry_after_ms: 1000 },
    ]);
    assert.deepEqual(seqs(await append({ conversationId: 'c', owner, rows: [row()] })), [3]);
  });
});

describe('a turn', () => {
  test('is claimed once: the same id again is a duplicate that says whether it has ended', async (t) => {
    const { store, append } = await sandbox(t).open();
    const twice = await Promise.all([append(begin('c', 'r1')), append(begin('c', 'r1'))]);
    assert.deepEqual(seqs(twice[0]), [1]);
    assert.deepEqual(twice[1], { status: 'duplicate', ended: false });
    await append(end('c', 'r1'));
    assert.deepEqual(await append(begin('c', 'r1')), { status: 'duplicate', ended: true });
    assert.equal((await store.page(owner, 'c', { limit: 10 }))?.headSeq, 3);
  });

  test('is not claimed by the same id with another text, and is free in another conversation', async (t) => {
    const { append } = await sandbox(t).open();
    await append(begin('c', 'r1'));
    const otherText = { ...begin('c', 'r1'), begin: { requestId: 'r1', digest: 'other' } };
    assert.deepEqual(await append(otherText), { status: 'reused' });
    assert.deepEqual(seqs(await append(begin('d', 'r1'))), [1]);
  });

  test('ends once: a second end is refused with its rows', async (t) => {
    const { store, append } = await sandbox(t).open();
    await append(begin('c', 'r1'));
    await append(end('c', 'r1'));
    const second = await append(end('c', 'r1'));
    assert.equal(second.status === 'failed' && second.fault.code, 'internal');
    assert.equal((await store.page(owner, 'c', { limit: 10 }))?.headSeq, 3);
  });
});
