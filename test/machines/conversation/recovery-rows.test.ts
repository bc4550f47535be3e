/** Checks how an interrupted turn is resumed or ended: its rows, its open calls and the limits of the recovery. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  callsToResume,
  onlyWaits,
  recoveryEnd,
  recoveryRows,
} from '../../../machines/conversation/decisions/recovery.ts';
import type { InterruptedCall, InterruptedTurn, RecoveryPolicy } from '../../../machines/conversation/turn-state.ts';
import { rowKinds } from '../../support/machines/row-lines.ts';
import { someUsage, tool } from '../../support/machines/values.ts';

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
    emptyAnswers: 0,
    model: 'model-1',
    recoveries: 1,
    begun: true,
    ageMs: 0,
    stop: null,
    open: [call('made', dispatched(false)), call('unmade', null)],
    draft: null,
    ...changes,
  });

  test('closes open calls by whether they can have run, and counts itself', () => {
    const { rows, end } = recoveryRows(cutOff(), policy);
    assert.equal(end, null);
    assert.deepEqual(
      rows.map((row) => row.extra['status'] ?? row.extra),
      ['outcome_unknown', 'cancelled', { kind: 'recovered', attempt: 2 }],
    );
  });

  test('repeats an idempotent call once, and only once', () => {
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

  test('keeps open approval requests, and uses no attempt while these are all that is open', () => {
    const waiting = cutOff({ open: [question('d')], recoveries: 9, ageMs: 1_000_000 });
    assert.equal(onlyWaits(waiting), true);
    assert.equal(recoveryEnd(waiting, { ...policy, mode: 'interrupt' }), null);
    assert.deepEqual(
      callsToResume(waiting).map(({ callId, stage, approval }) => [callId, stage, approval]),
      [['d', 'asking', { interruptId: 'approval_d', untilMs: 9_000 }]],
    );
    const mixed = cutOff({ open: [question('d'), call('made', dispatched(false))] });
    assert.equal(onlyWaits(mixed), false);
    assert.deepEqual(rowKinds(recoveryRows(mixed, policy).rows), ['tool_result', 'recovered']);
  });

  test('keeps the partial answer if it ends the turn, and only then', () => {
    const draft = { requestId: 'r1', messageId: 'm1', text: 'Once upon \ud83d', reasoning: 'Hm.', model: 'model-1' };
    const turn = cutOff({ open: [], draft });
    const [partial, ...rest] = recoveryRows(turn, { ...policy, mode: 'interrupt' }).rows;
    assert.deepEqual([partial?.id, partial?.content, partial?.model], ['m1', 'Once upon \ufffd', 'model-1']);
    assert.deepEqual(partial?.extra, { hop: 1, finish_reason: 'failed', partial: true, reasoning: 'Hm.' });
    assert.deepEqual(rowKinds(rest), ['turn_end']);
    assert.equal(recoveryRows({ ...turn, stop: 'cancelled' }, policy).rows[0]?.extra['finish_reason'], 'cancelled');
    assert.deepEqual(rowKinds(recoveryRows(turn, policy).rows), ['recovered']);
    assert.deepEqual(
      rowKinds(recoveryRows({ ...turn, stop: 'cancelled', draft: { ...draft, text: '' } }, policy).rows),
      ['turn_end'],
    );
  });

  test('that ends the turn closes its approval requests too', () => {
    const { rows } = recoveryRows(
      cutOff({ open: [question('d'), call('made', dispatched(false))], recoveries: 2 }),
      policy,
    );
    assert.deepEqual(rowKinds(rows), ['response', 'tool_result', 'tool_result', 'turn_end']);
    assert.deepEqual(
      rows.map((row) => row.extra['decision'] ?? row.extra['status']),
      ['cancelled', 'cancelled', 'outcome_unknown', 'error'],
    );
  });

  test('ends a cancelled turn with the reason of the cancel and the usage so far', () => {
    for (const reason of ['cancelled', 'interrupted'] as const) {
      const { rows, end } = recoveryRows(cutOff({ stop: reason, open: [call('first', dispatched(true))] }), policy);
      assert.deepEqual(rowKinds(rows), ['tool_result', 'turn_end']);
      assert.ok(
        end?.status === 'complete' &&
          end.metadata.finish_reason === reason &&
          end.metadata.tokens === 12 &&
          end.metadata.tool_hops === 1,
      );
    }
  });

  test('ends a turn that was interrupted too often, is too old, or must not be resumed', () => {
    const why = (turn: InterruptedTurn, changes: Partial<RecoveryPolicy> = {}) => {
      const end = recoveryEnd(turn, { ...policy, ...changes });
      return end?.status === 'error' && end.error.code === 'recovery_failed' && !end.error.retryable
        ? end.error.message
        : null;
    };
    assert.match(String(why(cutOff({ recoveries: 2 }))), /interrupted this turn 3 times/);
    assert.match(String(why(cutOff({ ageMs: 1_001 }))), /away for too long/);
    assert.match(String(why(cutOff(), { mode: 'interrupt' })), /restarted before this turn had ended/);
    assert.equal(why(cutOff({ ageMs: 1_000 })), null);
  });
});
