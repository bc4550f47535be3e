/** Checks the state recovered from a log, after each row that a turn can write. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { LogRow, ToolCallRequest } from '../../../machines/log.ts';
import { foldLog } from '../../../machines/conversation/rows/recovery-state.ts';
import { row, someUsage } from '../../support/machines/values.ts';

const call = (id: string): ToolCallRequest => ({ id, type: 'function', function: { name: 'add', arguments: '{}' } });
const message = (seq: number, id: string) => row(seq, id, { type: 'user_message', content: 'Hi' });
const stop = (seq: number, id: string, reason: string) =>
  row(seq, id, { type: 'meta', extra: { kind: 'cancel', reason } });

const history: LogRow[] = [
  message(1, 'r1'),
  row(2, 'r1', { type: 'assistant_message', tool_calls: [call('a'), call('b')], usage: someUsage, model: 'model-1' }),
  row(3, 'r1', {
    type: 'tool_call',
    tool_call_id: 'a',
    content: '{"a":1}',
    extra: { name: 'add', server: 'demo', tool_name: 'add', idempotent: true, attempt: 1 },
  }),
  row(4, 'r1', { type: 'tool_result', tool_call_id: 'a' }),
  row(5, 'r1', { type: 'tool_result', tool_call_id: 'b' }),
  row(6, 'r1', { type: 'meta', extra: { kind: 'recovered' } }),
  row(7, 'r1', { type: 'assistant_message', tool_calls: [call('c')], usage: someUsage, model: 'model-2' }),
  stop(8, 'r1', 'interrupted'),
];
const committedMs = Date.parse(history[0]?.timestamp ?? '');
const fold = (rows: readonly LogRow[], open: readonly string[], ageMs = 0) => foldLog(rows, open, committedMs + ageMs);
const after = (rows: number) => fold(history.slice(0, rows), ['r1']);
const waits = (requestId: string) => ({ requestId, hops: 0, used: [], announced: true });

describe('a turn without an end', () => {
  test('counts as interrupted, even with only its message', () => {
    const begun = {
      requestId: 'r1',
      hops: 0,
      used: [],
      emptyAnswers: 0,
      model: null,
      recoveries: 0,
      begun: false,
      ageMs: 0,
      stop: null,
      open: [],
      draft: null,
    };
    assert.deepEqual(after(1), { interrupted: begun, stopped: [], queue: [] });
  });

  test('has the age of its message', () => {
    assert.equal(fold(history, ['r1'], 5_000).interrupted?.ageMs, 5_000);
    assert.equal(fold(history, ['r1'], -5_000).interrupted?.ageMs, 0, 'a clock that was set back');
  });

  test('has the calls without a result, dispatched or not', () => {
    const open = (rows: number) =>
      after(rows).interrupted?.open.map(({ request, dispatch }) => [request.id, dispatch !== null]);
    assert.deepEqual([2, 3, 4, 5, 7].map(open), [
      [
        ['a', false],
        ['b', false],
      ],
      [
        ['a', true],
        ['b', false],
      ],
      [['b', false]],
      [],
      [['c', false]],
    ]);
  });

  test('keeps the fields of a dispatch that a repeat of the call needs', () => {
    const tool = {
      name: 'add',
      server: 'demo',
      toolName: 'add',
      description: '',
      inputSchema: {},
      definition: '',
      idempotent: true,
      permission: 'always',
      timeoutMs: null,
    };
    assert.deepEqual(after(3).interrupted?.open[0]?.dispatch, {
      tool,
      arguments: { a: 1 },
      attempt: 1,
      edited: false,
      resume: null,
    });
  });

  test('has the hops, usage, model, recoveries and cancel of its rows', () => {
    const used = [
      { hop: 0, model: 'model-1', usage: someUsage },
      { hop: 1, model: 'model-2', usage: someUsage },
    ];
    const open = [{ request: call('c'), dispatch: null, approval: null, question: null }];
    assert.deepEqual(after(8).interrupted, {
      requestId: 'r1',
      hops: 2,
      used,
      model: 'model-2',
      emptyAnswers: 0,
      recoveries: 1,
      begun: true,
      ageMs: 0,
      stop: 'interrupted',
      open,
      draft: null,
    });
    assert.equal(after(7).interrupted?.stop, null);
  });

  test('has the draft of its own answer only', () => {
    const draft = { requestId: 'r1', messageId: 'm1', text: 'Hel', reasoning: '', model: null };
    const folded = (requestId: string) =>
      foldLog(history.slice(0, 1), ['r1'], committedMs, { ...draft, requestId }).interrupted?.draft;
    assert.deepEqual(folded('r1'), draft);
    assert.equal(folded('r0'), null);
  });

  test('has an open approval request until that is answered', () => {
    const question = row(3, 'r1', {
      id: 'approval_a',
      type: 'meta',
      tool_call_id: 'a',
      extra: {
        kind: 'approval_request',
        name: 'add',
        server: 'demo',
        tool_name: 'add',
        idempotent: false,
        definition: 'add of demo',
        arguments: { a: 1 },
        expires_at: '2026-01-01T00:00:09.000Z',
      },
    });
    const answered = row(4, 'r1', { type: 'meta', tool_call_id: 'a', extra: { kind: 'response', decision: 'deny' } });
    const approval = (...rows: LogRow[]) =>
      fold([...history.slice(0, 2), ...rows], ['r1']).interrupted?.open[0]?.approval;
    const tool = {
      name: 'add',
      server: 'demo',
      toolName: 'add',
      description: '',
      inputSchema: {},
      definition: 'add of demo',
      idempotent: false,
      permission: 'always',
      timeoutMs: null,
    };
    assert.deepEqual(approval(question), {
      tool,
      arguments: { a: 1 },
      interruptId: 'approval_a',
      untilMs: Date.parse('2026-01-01T00:00:09.000Z'),
    });
    assert.equal(approval(question, answered), null);
    assert.equal(
      approval({ ...question, extra: { ...question.extra, expires_at: 'soon' } }),
      null,
      'a question that cannot be read',
    );
  });
});

describe('several turns without an end', () => {
  test('are the running one, and the queued ones in order', () => {
    const rows = [
      message(1, 'r1'),
      message(2, 'r2'),
      message(3, 'r3'),
      row(4, 'r2', { type: 'assistant_message', tool_calls: [call('a')] }),
    ];
    const { interrupted, queue } = fold(rows, ['r1', 'r2', 'r3']);
    assert.deepEqual([interrupted?.requestId, queue], ['r2', [waits('r1'), waits('r3')]]);
  });

  test('are the oldest, which is recovered first, and the rest, if none has begun', () => {
    const { interrupted, queue } = fold(
      [message(1, 'r1'), message(2, 'r2'), stop(3, 'r1', 'cancelled'), message(4, 'r3')],
      ['r1', 'r2', 'r3'],
    );
    assert.deepEqual([interrupted?.requestId, queue], ['r2', [waits('r3')]]);
  });

  test('are in the order in which they would have run: an interrupting message before those queued earlier', () => {
    const urgent = (seq: number, id: string) =>
      row(seq, id, { type: 'user_message', content: 'Now', extra: { goes_first: true } });
    const { interrupted, queue } = fold(
      [message(1, 'r1'), message(2, 'r2'), urgent(3, 'r3'), stop(4, 'r1', 'interrupted'), message(5, 'r4')],
      ['r1', 'r2', 'r3', 'r4'],
    );
    assert.deepEqual([interrupted?.requestId, queue], ['r3', [waits('r2'), waits('r4')]]);
  });

  test('may all be cancelled: a cancel alone does not mark a turn as begun', () => {
    const rows = [
      message(1, 'r1'),
      message(2, 'r2'),
      ...history.slice(1, 3).map((begun) => ({ ...begun, request_id: 'r3' })),
      stop(5, 'r1', 'cancelled'),
      stop(6, 'r2', 'interrupted'),
    ];
    const recovered = fold(rows, ['r1', 'r2', 'r3']);
    assert.equal(recovered.interrupted?.requestId, 'r3');
    assert.deepEqual(recovered.stopped, [
      { requestId: 'r1', reason: 'cancelled' },
      { requestId: 'r2', reason: 'interrupted' },
    ]);
    assert.deepEqual(recovered.queue, []);
  });

  test('exclude rows of ended turns and of other programs', () => {
    const rows = [
      message(1, 'old'),
      row(2, 'old', { type: 'assistant_message', tool_calls: [call('a')] }),
      row(3, null, { type: 'assistant_message' }),
      message(4, 'r1'),
    ];
    const { interrupted, stopped, queue } = fold(rows, ['r1']);
    assert.deepEqual([interrupted?.requestId, interrupted?.open, stopped, queue], ['r1', [], [], []]);
  });
});

test('a log without open turns leaves nothing to recover', () => {
  assert.deepEqual(fold(history, []), { interrupted: null, stopped: [], queue: [] });
});
