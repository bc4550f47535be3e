/** Checks the rows of a turn, built from plain values: the fields that each has and omits. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ModelAnswer } from '../../../machines/conversation/hop-answers.ts';
import type { RunningTurn } from '../../../machines/conversation/turn-state.ts';
import { hopPlan } from '../../../machines/conversation/decisions/hop-plan.ts';
import { endRows, turnEndRow } from '../../../machines/conversation/decisions/turn-end.ts';
import { answerRow, cancelRow, resultRow, userMessageRow } from '../../../machines/conversation/rows/turn-rows.ts';
import { rowKinds } from '../../support/machines/row-lines.ts';
import { answer, asked, chat, hopContext, providerDown, someUsage, tool } from '../../support/machines/values.ts';

function running(changes: Partial<RunningTurn> = {}): RunningTurn {
  return {
    requestId: 'r1',
    hops: 1,
    used: [],
    model: 'model-1',
    provider: 0,
    attempt: 0,
    emptyAnswers: 0,
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

const stop = { reason: 'cancelled', requesters: [], committed: true } as const;
const stopped = { ...stop, requesters: [] };

describe('a message row', () => {
  test('has the text of the client, and metadata only if the client sent some', () => {
    const { type, role, content, request_id, extra } = userMessageRow(chat('r1', { text: 'Hi' }));
    assert.deepEqual(
      { type, role, content, request_id, extra },
      { type: 'user_message', role: 'user', content: 'Hi', request_id: 'r1', extra: {} },
    );
    assert.deepEqual(userMessageRow(chat('r1', { metadata: { from: 'phone' } })).extra, {
      metadata: { from: 'phone' },
    });
  });

  test('of the assistant has the id that its chunks had, and arguments that every provider accepts', () => {
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

  test('of the assistant has the duration of its request, as far as that is known', () => {
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

  test('of a partial answer requests no calls', () => {
    const row = answerRow(
      { requestId: 'r1', hops: 0 },
      answer({ finishReason: 'cancelled', text: 'Hel', calls: [asked('add')] }),
    );
    assert.equal(row.tool_calls, null);
    assert.equal(row.extra['partial'], true);
  });
});

describe('the rows of a hop', () => {
  test('are the message, then for each call its dispatch or its refusal', () => {
    const calls = [
      asked('add', { arguments: { a: 1 } }),
      asked('nosuch'),
      asked('wait', { arguments: null, text: 'nonsense' }),
    ];
    const plan = hopPlan(running({ answer: answer({ calls }) }), 1_000, []);
    assert.deepEqual(rowKinds(plan.rows), ['assistant_message', 'tool_call', 'tool_result', 'tool_result']);
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

  test('request approval with a deadline where it is required, and refuse tools that are not allowed', () => {
    const calls = [asked('delete', { callId: 'call_1', arguments: { path: '/a' } }), asked('format')];
    const plan = hopPlan(running({ answer: answer({ calls, endedAtMs: 5_000 }) }), 60_000, []);
    assert.deepEqual(rowKinds(plan.rows), ['assistant_message', 'approval_request', 'tool_result']);
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

  test('say so when there are no tools at all', () => {
    const plan = hopPlan(
      running({ context: { ...hopContext, tools: new Map() }, answer: answer({ calls: [asked('add')] }) }),
      1_000,
      [],
    );
    assert.match(String(plan.rows[1]?.content), /No tools are available/);
  });

  test('keep the whole content of a result beside its text where there is more', () => {
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
  test('closes every call without a result, and no other', () => {
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

  test('closes open approval requests, and says that the call did not run', () => {
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
    assert.deepEqual(rowKinds(rows), ['response', 'tool_result', 'turn_end']);
    assert.deepEqual([rows[0]?.id, rows[0]?.extra['decision']], ['approval_a:response', 'cancelled']);
    assert.equal(rows[1]?.extra['status'], 'cancelled');
    assert.match(String(rows[1]?.content), /was not run/);
  });

  test('is a fault only without an earlier cancel, and has the usage before it', () => {
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

  test('keeps a partial answer that has text, and no other', () => {
    const ended = (text: string) =>
      rowKinds(endRows(running({ answer: answer({ finishReason: 'cancelled', text }), stop: stopped }), 3).rows);
    assert.deepEqual([ended('Hel'), ended('')], [['assistant_message', 'turn_end'], ['turn_end']]);
  });

  test('has the reason of its last answer, or stop', () => {
    for (const reason of ['stop', 'length', 'content_filter'] as const) {
      const { end } = endRows(running({ answer: answer({ finishReason: reason }) }), 3);
      assert.ok(end.status === 'complete' && end.metadata.finish_reason === reason);
    }
  });

  test('is the same in the row and in the frame, with no tokens if none were used', () => {
    const { rows, end } = endRows(running(), 3);
    assert.deepEqual(rows.at(-1), turnEndRow('r1', end));
    assert.ok(end.status === 'complete' && end.metadata.tokens === 0 && end.metadata.usage.total_tokens === 0);
  });
});

test('a cancel is a row of its own, with its reason', () => {
  assert.deepEqual(cancelRow('r1', 'interrupted').extra, { kind: 'cancel', reason: 'interrupted' });
});
