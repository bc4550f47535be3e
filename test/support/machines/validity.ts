/** Asserts what holds for every log and every context window: transcripts are valid by construction. */
import assert from 'node:assert/strict';
import { buildWindow, type WindowOptions } from '../../../machines/context-window/context-window.ts';
import type { ModelMessage } from '../../../machines/context-window/model-messages.ts';
import type { LogRow } from '../../../machines/log.ts';
import type { MemoryLog } from './log.ts';
import { rowLines } from './row-lines.ts';

const wide: WindowOptions = { systemPrompt: 'Be kind.', systemTokens: 3, budgetTokens: 100_000, preserveRecent: 4 };
const narrow: WindowOptions = { ...wide, budgetTokens: 60, preserveRecent: 1 };

/** For a log without open turns. */
export function assertValidLog(log: MemoryLog): void {
  const begun = log.stored().flatMap(({ begin }) => (begin ? [begin.requestId] : []));
  for (const { rows } of log.stored())
    assert.equal(new Set(rows.map((row) => row.request_id)).size, 1, 'an append is about one turn');
  for (const row of log.rows()) assert.ok(row.request_id !== null && begun.includes(row.request_id));
  for (const requestId of begun) assertValidTurn(log.rowsOf(requestId));
}

function assertValidTurn(rows: readonly LogRow[]): void {
  const lines = rowLines(rows).join('; ');
  const [first, last] = [rows[0], rows.at(-1)];
  assert.equal(first?.type, 'user_message', lines);
  assert.equal(last?.extra['kind'], 'turn_end', lines);
  assert.equal(rows.filter((row) => row.type === 'user_message').length, 1, lines);
  assert.equal(rows.filter((row) => row.extra['kind'] === 'turn_end').length, 1, lines);
  const asked = rows.flatMap((row) => row.tool_calls ?? []).map((call) => call.id);
  const answered = rows.filter((row) => row.type === 'tool_result').map((row) => row.tool_call_id);
  assert.deepEqual(answered.toSorted(), asked.toSorted(), `one result for each call: ${lines}`);
  for (const dispatch of rows.filter((row) => row.type === 'tool_call')) {
    const result = rows.find((row) => row.type === 'tool_result' && row.tool_call_id === dispatch.tool_call_id);
    assert.ok(result && dispatch.seq < result.seq, `dispatched before it ended: ${lines}`);
  }
  for (const question of rows.filter((row) => row.extra['kind'] === 'approval_request')) {
    const ofCall = rows.filter((row) => row.tool_call_id === question.tool_call_id);
    const [response, another] = ofCall.filter((row) => row.extra['kind'] === 'response');
    assert.ok(response && !another, `one answer to each question: ${lines}`);
    const consequence = ofCall[ofCall.indexOf(response) + 1]?.type;
    assert.equal(consequence, response.extra['decision'] === 'approve' ? 'tool_call' : 'tool_result', lines);
    assert.deepEqual(
      ofCall.slice(0, 2),
      [question, response],
      `nothing is done about a call before the answer: ${lines}`,
    );
  }
}

/** For any log: the messages that the model would be sent now for this turn. */
export function assertValidWindows(log: MemoryLog, requestId: string): void {
  for (const options of [wide, narrow]) assertValidWindow(buildWindow(log.turns(), requestId, options).messages);
}

export function assertValidWindow(messages: readonly ModelMessage[]): void {
  let open: string[] = [];
  for (const message of messages) {
    if (message.role === 'tool') {
      assert.equal(message.tool_call_id, open.shift(), 'results follow their calls, in call order');
      assert.doesNotMatch(message.content, /not known/);
      continue;
    }
    assert.deepEqual(open, [], 'every call has its result before anyone speaks again');
    if (message.role === 'assistant') open = (message.tool_calls ?? []).map((call) => call.id);
    assert.ok(message.content || open.length > 0, 'no message is empty');
  }
  assert.deepEqual(open, []);
}
