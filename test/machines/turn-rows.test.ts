/** The rows of a turn, made from plain values: what each says, and what it leaves out. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ModelAnswer } from '../../machines/conversation/hop-answers.ts';
import type {
  InterruptedCall,
  InterruptedTurn,
  RecoveryPolicy,
  RunningTurn,
} from '../../machines/conversation/turn-state.ts';
import type { NewRow } from '../../machines/log.ts';
import { hopPlan } from '../../machines/conversation/decisions/hop-plan.ts';
import { callsToResume, onlyWaits, recoveryEnd, recoveryRows } from '../../machines/conversation/decisions/recovery.ts';
import { endRows, turnEndRow } from '../../machines/conversation/decisions/turn-end.ts';
import { answerRow, cancelRow, resultRow, userMessageRow } from '../../machines/conversation/rows/turn-rows.ts';
import { answer, asked, chat, hopContext, providerDown, someUsage, tool } from '../support/machine-values.ts';

function running(changes: Partial<RunningTurn> = {}): RunningTurn {
  return {
    requestId: 'r1',
    hops: 1,
    used: [],
    model: 'model-1',
    provider: 0,
    attempt: 0,
    waitedMs: 0,
    backoffMs: 0,
    context: hopContext,
    shorter: null,
    asking: false,
    answer: null,
    calls: [],
    fault: null,
    stop: null,
    ...changes,
  };
}

const kinds = (rows: readonly NewRow[]) => rows.map((row) => (row.type === 'meta' ? row.extra['kind'] : row.type));
const stop = { reason: 'cancelled', requesters: [], committed: true } as const;
const stopped = { ...stop, requesters: [] };

describe('a message', () => {
  test('carries what the client said, and its metadata only where there is some', () => {
    const { type, role, content, request_id, extra } = userMessageRow(chat('r1', { text: 'Hi' }));
    assert.deepEqual(
      { type, role, content, request_id, extra },
      { type: 'user_message', role: 'user', content: 'Hi', request_id: 'r1', extra: {} },
    );
    assert.deepEqual(userMessageRow(chat('r1', { metadata: { from: 'phone' } })).extra, {
      metadata: { from: 'phone' },
    });
  });

  test('of the assistant has the id that its chunks carried, and arguments that every provider takes back', () => {
    const said = answer({
      reasoning: 'Hm.',
      calls: [
        asked('add', { arguments: { a: 1 }, text: '{ "a": 1 }' }),
        asked('add', { arguments: null, text: '{"a"' }),
      ],
    });
    const row = answerRow({ requestId: 'r1', hops: 2 }, said);
    assert.equal(row.id, said.messageId);
    assert.deepEqual(
      row.tool_calls?.map((call) => call.function.arguments),
      ['{"a":1}', '{}'],
    );
    assert.deepEqual(row.extra, { hop: 2, finish_reason: 'tool_calls', reasoning: 'Hm.' });
    assert.deepEqual([row.usage, row.model], [someUsage, 'model-1']);
  });

  test('of the assistant says how long its request took, as far as that is known', () => {
    const extraOf = (timing: ModelAnswer['timing']) =>
      answerRow({ requestId: 'r1', hops: 0 }, answer({ timing })).extra;
    assert.deepEqual(extraOf({ durationMs: 90, firstTokenMs: 40 }), {
      hop: 0,
      finish_reason: 'stop',
      duration_ms: 90,
      first_token_ms: 40,
    });
    assert.deepEqual(extraOf({ durationMs: 90, firstTokenMs: null }), {
      hop: 0,
      finish_reason: 'stop',
      duration_ms: 90,
    });
    assert.deepEqual(extraOf(null), { hop: 0, finish_reason: 'stop' });
  });

  test('that is partial asks for nothing', () => {
    const row = answerRow(
      { requestId: 'r1', hops: 0 },
      answer({ finishReason: 'cancelled', text: 'Hel', calls: [asked('add')] }),
    );
    assert.equal(row.tool_calls, null);
    assert.equal(row.extra['partial'], true);
  });
});

describe('a hop', () => {
  test('is the message, then for each call its dispatch or its refusal', () => {
    const calls = [
      asked('add', { arguments: { a: 1 } }),
      asked('nosuch'),
      asked('wait', { arguments: null, text: 'nonsense' }),
    ];
    const plan = hopPlan(running({ answer: answer({ calls }) }), 1_000, []);
    assert.deepEqual(kinds(plan.rows), ['assistant_message', 'tool_call', 'tool_result', 'tool_result']);
    const [, dispatch, unknown, malformed] = plan.rows;
    assert.deepEqual(dispatch?.extra, {
      call_id: calls[0]?.callId,
      name: 'add',
      server: 'demo',
      tool_name: 'add',
      idempotent: false,
      definition: 'add of demo',
      attempt: 1,
      hop: 1,
    });
    assert.equal(dispatch?.content, '{"a":1}');
    assert.match(String(unknown?.content), /no tool "nosuch". Available: add, wait, fail, look, delete\./);
    assert.match(String(malformed?.content), /You wrote: nonsense/);
    assert.deepEqual(
      plan.calls.map(({ callId, stage }) => [callId, stage]),
      [[calls[0]?.callId, 'ready']],
    );
  });

  test('asks a person where that is wanted, until a time that the row tells, and refuses what is not allowed', () => {
    const calls = [asked('delete', { callId: 'call_1', arguments: { path: '/a' } }), asked('format')];
    const plan = hopPlan(running({ answer: answer({ calls, endedAtMs: 5_000 }) }), 60_000, []);
    assert.deepEqual(kinds(plan.rows), ['assistant_message', 'approval_request', 'tool_result']);
    const [, request, refusal] = plan.rows;
    assert.deepEqual([request?.id, request?.tool_call_id], ['approval_call_1', 'call_1']);
    const { interrupt_id, arguments: args, expires_at } = request?.extra ?? {};
    assert.deepEqual(
      { interrupt_id, args, expires_at },
      { interrupt_id: 'approval_call_1', args: { path: '/a' }, expires_at: '1970-01-01T00:01:05.000Z' },
    );
    assert.equal(refusal?.extra['status'], 'denied');
    assert.deepEqual(
      plan.calls.map(({ stage, approval }) => [stage, approval]),
      [['asking', { interruptId: 'approval_call_1', untilMs: 65_000 }]],
    );
  });

  test('says so when there are no tools at all', () => {
    const plan = hopPlan(
      running({ context: { ...hopContext, tools: new Map() }, answer: answer({ calls: [asked('add')] }) }),
      1_000,
      [],
    );
    assert.match(String(plan.rows[1]?.content), /No tools are available/);
  });

  test('keeps the whole of a result beside its text where there is more', () => {
    const call = { callId: 'a', name: 'add' };
    assert.deepEqual(resultRow('r1', call, { status: 'ok', text: '3', content: null, durationMs: 5 }).extra, {
      status: 'ok',
      name: 'add',
      duration_ms: 5,
    });
    assert.deepEqual(
      resultRow('r1', call, { status: 'ok', text: '3', content: [3], durationMs: 5 }).extra['whole'],
      [3],
    );
  });
});

describe('the end of a turn', () => {
  test('closes every call that has no result, and only those', () => {
    const stages = ['ready', 'running', 'settled', 'recorded'] as const;
    const calls = stages.map((stage) => ({
      callId: stage,
      tool: tool('add'),
      arguments: {},
      edited: null,
      hop: 0,
      attempt: 1,
      approval: null,
      question: null,
      resume: null,
      stage,
    }));
    const { rows } = endRows(running({ calls, stop: stopped }), 3);
    assert.deepEqual(
      rows.map((row) => row.tool_call_id),
      ['ready', 'running', null],
    );
    assert.deepEqual(
      rows.map((row) => row.extra['status']),
      ['cancelled', 'cancelled', 'complete'],
    );
  });

  test('answers what nobody has answered, and says that the call was not run', () => {
    const approval = { interruptId: 'approval_a', untilMs: 1 };
    const calls = [
      {
        callId: 'a',
        tool: tool('delete'),
        arguments: {},
        edited: null,
        hop: 0,
        attempt: 1,
        approval,
        question: null,
        resume: null,
        stage: 'asking' as const,
      },
    ];
    const { rows } = endRows(running({ calls, stop: stopped }), 3);
    assert.deepEqual(kinds(rows), ['response', 'tool_result', 'turn_end']);
    assert.deepEqual([rows[0]?.id, rows[0]?.extra['decision']], ['approval_a:response', 'cancelled']);
    assert.equal(rows[1]?.extra['status'], 'cancelled');
    assert.match(String(rows[1]?.content), /was not run/);
  });

  test('is a fault only where no Stop came first, and tells what was used before it', () => {
    const used = [{ hop: 0, model: 'm', usage: someUsage }];
    const metadata = { tokens: 12, usage: someUsage, usage_by_hop: used, model: 'm', tool_hops: 1 };
    assert.deepEqual(endRows(running({ fault: providerDown, hops: 1, used, model: 'm' }), 3).end, {
      status: 'error',
      error: providerDown,
      metadata,
    });
    const { end } = endRows(running({ fault: providerDown, stop: stopped }), 3);
    assert.ok(end.status === 'complete' && end.metadata.finish_reason === 'cancelled');
  });

  test('keeps a partial answer that has words, and none that has not', () => {
    const ended = (text: string) =>
      kinds(endRows(running({ answer: answer({ finishReason: 'cancelled', text }), stop: stopped }), 3).rows);
    assert.deepEqual([ended('Hel'), ended('')], [['assistant_message', 'turn_end'], ['turn_end']]);
  });

  test('has the reason of its last answer, or stop', () => {
    for (const reason of ['stop', 'length', 'content_filter'] as const) {
      const { end } = endRows(running({ answer: answer({ finishReason: reason }) }), 3);
      assert.ok(end.status === 'complete' && end.metadata.finish_reason === reason);
    }
  });

  test('is the same in the row as in what is told, with no tokens where none were used', () => {
    const { rows, end } = endRows(running(), 3);
    assert.deepEqual(rows.at(-1), turnEndRow('r1', end));
    assert.ok(end.status === 'complete' && end.metadata.tokens === 0 && end.metadata.usage.total_tokens === 0);
  });
});

describe('a recovery', () => {
  const policy = { mode: 'resume', attempts: 2, maxAgeMs: 1_000 } as const;
  const call = (id: string, dispatch: InterruptedCall['dispatch']): InterruptedCall => ({
    request: { id, type: 'function', function: { name: 'add', arguments: '{}' } },
    dispatch,
    approval: null,
    question: null,
  });
  const dispatched = (idempotent: boolean, attempt = 1) => ({
    tool: { ...tool('add'), idempotent },
    arguments: { a: 1 },
    attempt,
    edited: false,
    resume: null,
  });
  const cutOff = (changes: Partial<InterruptedTurn> = {}): InterruptedTurn => ({
    requestId: 'r1',
    hops: 1,
    used: [{ hop: 0, model: 'model-1', usage: someUsage }],
    model: 'model-1',
    recoveries: 1,
    begun: true,
    ageMs: 0,
    stop: null,
    open: [call('made', dispatched(false)), call('unmade', null)],
    draft: null,
    ...changes,
  });

  test('closes what is open by whether it can have happened, and counts itself', () => {
    const { rows, end } = recoveryRows(cutOff(), policy);
    assert.equal(end, null);
    assert.deepEqual(
      rows.map((row) => row.extra['status'] ?? row.extra),
      ['outcome_unknown', 'cancelled', { kind: 'recovered', attempt: 2 }],
    );
  });

  test('makes an idempotent call once more, and only once', () => {
    const turn = cutOff({ open: [call('first', dispatched(true)), call('second', dispatched(true, 2))] });
    const { rows } = recoveryRows(turn, policy);
    assert.deepEqual(
      rows.map((row) => [row.type, row.tool_call_id]),
      [
        ['tool_result', 'second'],
        ['tool_call', 'first'],
        ['meta', null],
      ],
    );
    assert.equal(rows[1]?.extra['attempt'], 2);
    assert.deepEqual(
      callsToResume(turn).map(({ callId, attempt, stage, arguments: args }) => [callId, attempt, stage, args]),
      [['first', 2, 'ready', { a: 1 }]],
    );
  });

  const question = (id: string): InterruptedCall => ({
    ...call(id, null),
    approval: { tool: tool('delete'), arguments: { a: 1 }, interruptId: `approval_${id}`, untilMs: 9_000 },
  });

  test('leaves what a person was asked about open, and touches no budget while that is all there is', () => {
    const waiting = cutOff({ open: [question('d')], recoveries: 9, ageMs: 1_000_000 });
    assert.equal(onlyWaits(waiting), true);
    assert.equal(recoveryEnd(waiting, { ...policy, mode: 'interrupt' }), null);
    assert.deepEqual(
      callsToResume(waiting).map(({ callId, stage, approval }) => [callId, stage, approval]),
      [['d', 'asking', { interruptId: 'approval_d', untilMs: 9_000 }]],
    );
    const mixed = cutOff({ open: [question('d'), call('made', dispatched(false))] });
    assert.equal(onlyWaits(mixed), false);
    assert.deepEqual(kinds(recoveryRows(mixed, policy).rows), ['tool_result', 'recovered']);
  });

  test('keeps what was read of an answer when it ends the turn, and only then', () => {
    const draft = { requestId: 'r1', messageId: 'm1', text: 'Once upon \ud83d', reasoning: 'Hm.', model: 'model-1' };
    const turn = cutOff({ open: [], draft });
    const [partial, ...rest] = recoveryRows(turn, { ...policy, mode: 'interrupt' }).rows;
    assert.deepEqual([partial?.id, partial?.content, partial?.model], ['m1', 'Once upon \ufffd', 'model-1']);
    assert.deepEqual(partial?.extra, { hop: 1, finish_reason: 'failed', partial: true, reasoning: 'Hm.' });
    assert.deepEqual(kinds(rest), ['turn_end']);
    assert.equal(recoveryRows({ ...turn, stop: 'cancelled' }, policy).rows[0]?.extra['finish_reason'], 'cancelled');
    assert.deepEqual(kinds(recoveryRows(turn, policy).rows), ['recovered']);
    assert.deepEqual(kinds(recoveryRows({ ...turn, stop: 'cancelled', draft: { ...draft, text: '' } }, policy).rows), [
      'turn_end',
    ]);
  });

  test('that gives a turn up answers its questions too', () => {
    const { rows } = recoveryRows(
      cutOff({ open: [question('d'), call('made', dispatched(false))], recoveries: 2 }),
      policy,
    );
    assert.deepEqual(kinds(rows), ['response', 'tool_result', 'tool_result', 'turn_end']);
    assert.deepEqual(
      rows.map((row) => row.extra['decision'] ?? row.extra['status']),
      ['cancelled', 'cancelled', 'outcome_unknown', 'error'],
    );
  });

  test('ends a turn that was stopped, for the reason that it was stopped, with what it had used', () => {
    for (const reason of ['cancelled', 'interrupted'] as const) {
      const { rows, end } = recoveryRows(cutOff({ stop: reason, open: [call('first', dispatched(true))] }), policy);
      assert.deepEqual(kinds(rows), ['tool_result', 'turn_end']);
      assert.ok(
        end?.status === 'complete' &&
          end.metadata.finish_reason === reason &&
          end.metadata.tokens === 12 &&
          end.metadata.tool_hops === 1,
      );
    }
  });

  test('ends a turn that was cut off too often, is too old, or must not be taken up at all', () => {
    const why = (turn: InterruptedTurn, changes: Partial<RecoveryPolicy> = {}) => {
      const end = recoveryEnd(turn, { ...policy, ...changes });
      return end?.status === 'error' && end.error.code === 'recovery_failed' && !end.error.retryable
        ? end.error.message
        : null;
    };
    assert.match(String(why(cutOff({ recoveries: 2 }))), /cut off 3 times/);
    assert.match(String(why(cutOff({ ageMs: 1_001 }))), /away for too long/);
    assert.match(String(why(cutOff(), { mode: 'interrupt' })), /restarted before this turn had ended/);
    assert.equal(why(cutOff({ ageMs: 1_000 })), null);
  });
});

test('a Stop is a row of its own, with its reason', () => {
  assert.deepEqual(cancelRow('r1', 'interrupted').extra, { kind: 'cancel', reason: 'interrupted' });
});
