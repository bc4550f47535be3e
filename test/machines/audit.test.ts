/** Checks that the audit of a log accepts what the charts write and reports everything else. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { auditLog } from '../../machines/audit.ts';
import type { LogRecord } from '../../machines/audit.ts';
import type { LogRow, ToolCallRequest } from '../../machines/log.ts';

const base: LogRow = {
  id: '',
  conversation_id: 'c',
  seq: 0,
  timestamp: '2026-01-01T00:00:00.000Z',
  type: 'meta',
  role: null,
  content: null,
  tool_calls: null,
  tool_call_id: null,
  model: null,
  usage: null,
  extra: {},
  token_count: null,
  request_id: 'r1',
};
const request = (id: string): ToolCallRequest => ({ id, type: 'function', function: { name: 'add', arguments: '{}' } });

const message = (fields: Partial<LogRow> = {}): Partial<LogRow> => ({
  type: 'user_message',
  token_count: 2,
  ...fields,
});
const answer = (...calls: string[]): Partial<LogRow> => ({
  type: 'assistant_message',
  token_count: 3,
  tool_calls: calls.length > 0 ? calls.map(request) : null,
});
const dispatch = (id: string): Partial<LogRow> => ({ type: 'tool_call', tool_call_id: id });
const result = (id: string): Partial<LogRow> => ({ type: 'tool_result', tool_call_id: id });
const question = (id: string): Partial<LogRow> => ({ tool_call_id: id, extra: { kind: 'approval_request' } });
const response = (id: string, decision: string): Partial<LogRow> => ({
  tool_call_id: id,
  extra: { kind: 'response', decision },
});
const serverQuestion = (id: string, interrupt: string): Partial<LogRow> => ({
  tool_call_id: id,
  extra: { kind: 'elicitation_request', interrupt_id: interrupt },
});
const answered = (id: string, interrupt: string): Partial<LogRow> => ({
  tool_call_id: id,
  extra: { kind: 'response', interrupt_id: interrupt, decision: 'answer' },
});
const edited = (id: string): Partial<LogRow> => ({ ...dispatch(id), extra: { edited: true } });
const remember = (decision: string): Partial<LogRow> => ({ extra: { kind: 'remember', decision } });
const turnEnd: Partial<LogRow> = { extra: { kind: 'turn_end' } };

const turn = [message(), answer('a', 'b'), dispatch('a'), result('b'), result('a'), answer(), turnEnd];

/** The audit of rows numbered from `oldestSeq`; the record matches them unless the test overrides it. */
function problemsOf(fields: Partial<LogRow>[], record: Partial<LogRecord> = {}): string[] {
  const { oldestSeq = 1 } = record;
  const rows = fields.map((row, index): LogRow => ({ ...base, seq: oldestSeq + index, ...row }));
  const headSeq = rows.at(-1)?.seq ?? 0;
  const audit = auditLog({
    oldestSeq,
    headSeq,
    messages: rows.filter(({ type }) => type === 'user_message' || type === 'assistant_message').length,
    tokens: rows.reduce((sum, row) => sum + (row.token_count ?? 0), 0),
    turns: [{ requestId: 'r1', beginSeq: oldestSeq, endSeq: headSeq, imported: false }],
    ...record,
  });
  for (const row of rows) audit.row(row);
  return audit.problems();
}

describe('an audit accepts', () => {
  test('a turn whose calls all have results, in any order', () => assert.deepEqual(problemsOf(turn), []));

  test('approval requests that were approved, denied or are still open', () => {
    const asked = [
      message(),
      answer('a', 'b', 'c'),
      question('a'),
      question('b'),
      question('c'),
      response('b', 'deny'),
      result('b'),
      response('a', 'approve'),
      dispatch('a'),
      result('a'),
    ];
    const turns = [{ requestId: 'r1', beginSeq: 1, endSeq: null, imported: false }];
    assert.deepEqual(problemsOf(asked, { turns }), []);
    assert.deepEqual(problemsOf([...asked, response('c', 'expired'), result('c'), turnEnd]), []);
  });

  test('a call whose MCP server asked twice after it was approved', () => {
    const asked = [
      serverQuestion('a', 'q1'),
      answered('a', 'q1'),
      dispatch('a'),
      serverQuestion('a', 'q2'),
      answered('a', 'q2'),
    ];
    assert.deepEqual(
      problemsOf([
        message(),
        answer('a'),
        question('a'),
        response('a', 'approve'),
        dispatch('a'),
        ...asked,
        result('a'),
        turnEnd,
      ]),
      [],
    );
  });

  test('a remembered decision, and a call with changed arguments', () => {
    assert.deepEqual(
      problemsOf([
        message(),
        answer('a', 'b'),
        question('a'),
        question('b'),
        response('a', 'approve'),
        edited('a'),
        response('b', 'approve'),
        dispatch('b'),
        remember('approve'),
        result('a'),
        edited('b'),
        result('b'),
        turnEnd,
      ]),
      [],
    );
  });

  test('a log whose oldest rows retention has deleted', () => {
    const gone = { requestId: 'r0', beginSeq: 1, endSeq: 9, imported: false };
    assert.deepEqual(
      problemsOf(turn, {
        oldestSeq: 10,
        turns: [gone, { requestId: 'r1', beginSeq: 10, endSeq: 16, imported: false }],
      }),
      [],
    );
  });

  test('an open turn with an open call, and a turn queued behind it', () => {
    const turns = [
      { requestId: 'r1', beginSeq: 1, endSeq: null, imported: false },
      { requestId: 'r2', beginSeq: 3, endSeq: null, imported: false },
    ];
    assert.deepEqual(problemsOf([message(), answer('a'), message({ request_id: 'r2' }), dispatch('a')], { turns }), []);
  });

  test('a turn of another program without an end row or a valid order', () => {
    assert.deepEqual(
      problemsOf([message(), answer('a'), result('x')], {
        turns: [{ requestId: 'r1', beginSeq: 1, endSeq: 3, imported: true }],
      }),
      [],
    );
  });

  test('a log without rows', () => assert.deepEqual(problemsOf([], { oldestSeq: 10, headSeq: 9, turns: [] }), []));
});

describe('an audit reports', () => {
  for (const [what, problems, expected] of [
    ['a gap', problemsOf([message(), { ...turnEnd, seq: 4 }]), ['rows 2 to 3 are missing']],
    [
      'rows cut from the end',
      problemsOf([message(), turnEnd], { headSeq: 3 }),
      ['the last row is 2, and 3 by the conversations table'],
    ],
    [
      'an ended turn with an open call',
      problemsOf([message(), answer('a'), turnEnd]),
      ['row 3 ends turn r1, and call a had no result yet'],
    ],
    [
      'a model that was asked too early',
      problemsOf([message(), answer('a'), answer(), result('a'), turnEnd]),
      ['row 3 is an answer of the model, and call a had no result yet'],
    ],
    [
      'a second result',
      problemsOf([message(), answer('a'), result('a'), result('a'), turnEnd]),
      ['row 4 is the result of call a, which has its result already'],
    ],
    [
      'a dispatch after the result',
      problemsOf([message(), answer('a'), result('a'), dispatch('a'), turnEnd]),
      ['row 4 dispatches call a, which has its result already'],
    ],
    [
      'an orphan',
      problemsOf([message(), result('a'), turnEnd]),
      ['row 2 is the result of call a, which the model did not ask for'],
    ],
    [
      'a call whose approval is still open',
      problemsOf([message(), answer('a'), question('a'), dispatch('a'), result('a'), turnEnd]),
      ['row 4 dispatches call a, which waits for a person', 'row 5 is the result of call a, which waits for a person'],
    ],
    [
      'a call that was denied',
      problemsOf([message(), answer('a'), question('a'), response('a', 'deny'), dispatch('a'), result('a'), turnEnd]),
      ['row 5 dispatches call a, which was not approved'],
    ],
    [
      'changed arguments without an approval',
      problemsOf([message(), answer('a'), edited('a'), result('a'), turnEnd]),
      ['row 3 dispatches call a with changed arguments, which were not approved'],
    ],
    [
      'a remembered decision that was never made',
      problemsOf([
        message(),
        answer('a'),
        question('a'),
        response('a', 'expired'),
        remember('deny'),
        result('a'),
        turnEnd,
      ]),
      ['row 5 remembers a decision that was not taken in its turn'],
    ],
    [
      'a second answer',
      problemsOf([
        message(),
        answer('a'),
        question('a'),
        response('a', 'deny'),
        response('a', 'approve'),
        result('a'),
        turnEnd,
      ]),
      ['row 5 answers about call a, which has no open interrupt'],
    ],
    [
      'a second question',
      problemsOf([
        message(),
        answer('a'),
        question('a'),
        response('a', 'deny'),
        question('a'),
        response('a', 'deny'),
        result('a'),
        turnEnd,
      ]),
      ['row 5 asks a person about call a, which is not open or was asked about before'],
    ],
    [
      'a result before the answer to its server',
      problemsOf([message(), answer('a'), dispatch('a'), serverQuestion('a', 'q1'), result('a'), turnEnd]),
      ['row 5 is the result of call a, which waits for a person'],
    ],
    [
      'two questions of a server at a time',
      problemsOf([
        message(),
        answer('a'),
        dispatch('a'),
        serverQuestion('a', 'q1'),
        serverQuestion('a', 'q2'),
        answered('a', 'q2'),
        result('a'),
        turnEnd,
      ]),
      ['row 5 asks a person for the server of call a, which is not open or asks already'],
    ],
    [
      'an id that is used twice',
      problemsOf([message(), answer('a'), result('a'), answer('a'), result('a'), turnEnd]),
      ['row 4 asks for call a a second time'],
    ],
    [
      'an ended turn without its end',
      problemsOf([message(), answer()]),
      ['turn r1 has ended and has 0 turn_end rows instead of one'],
    ],
    [
      'two ends',
      problemsOf([message(), turnEnd, turnEnd]),
      ['turn r1 has ended and has 2 turn_end rows instead of one'],
    ],
    [
      'rows behind the end',
      problemsOf([message(), turnEnd, answer()]),
      ['row 3 of turn r1 lies behind the end of its turn'],
    ],
    [
      'an end that the turns table does not know',
      problemsOf([message(), turnEnd], { turns: [{ requestId: 'r1', beginSeq: 1, endSeq: null, imported: false }] }),
      ['turn r1 ends at row 2 and is open by the turns table'],
    ],
    [
      'a turn that the turns table does not know',
      problemsOf([message(), turnEnd], { turns: [] }),
      ['row 1 belongs to turn r1, which the turns table does not know'],
    ],
    [
      'a turn without rows',
      problemsOf([], { headSeq: 0, turns: [{ requestId: 'r1', beginSeq: 1, endSeq: null, imported: false }] }),
      ['turn r1 has no rows'],
    ],
    [
      'other bounds',
      problemsOf([message(), turnEnd], { turns: [{ requestId: 'r1', beginSeq: 2, endSeq: 3, imported: false }] }),
      ['turn r1 begins at row 1, and at 2 by the turns table', 'turn r1 ends at row 2, and at 3 by the turns table'],
    ],
    [
      'other totals',
      problemsOf(turn, { messages: 9, tokens: 9 }),
      ['3 messages are kept, and 9 by the conversations table', '8 tokens are kept, and 9 by the conversations table'],
    ],
    [
      'two turns at a time',
      problemsOf([message(), answer(), message({ request_id: 'r2' }), { ...answer(), request_id: 'r2' }], {
        turns: [
          { requestId: 'r1', beginSeq: 1, endSeq: null, imported: false },
          { requestId: 'r2', beginSeq: 3, endSeq: null, imported: false },
        ],
      }),
      ['turns r1 and r2 run at the same time'],
    ],
  ] as const) {
    test(what, () => assert.deepEqual(problems, expected));
  }
});
