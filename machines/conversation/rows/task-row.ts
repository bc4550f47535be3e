/**
 * Builds and reads the row of a task that an MCP server runs for a tool call. Pure. The row is committed before the call
 * waits for the task, so that a restart goes on with the same task.
 */
import type { NewRow } from '../../log.ts';
import { asObject } from '../../json-object.ts';
import type { Resumption, TaskHandle } from '../question-types.ts';
import type { OpenCall } from '../turn-state.ts';
import { readTask } from './read-question.ts';
import { callFacts, metaRow } from './turn-rows.ts';

/** What a call goes on with once its server has answered with a task. Earlier answers of people are used up. */
export function withTask(resume: Resumption | null, task: TaskHandle, workedMs: number): Resumption {
  return { requestState: null, answered: [], questions: resume?.questions ?? 0, workedMs, task };
}

/** Builds the row. `workedMs`: how long the call has worked before it became a task. */
export function taskRow(requestId: string, call: OpenCall, task: TaskHandle, workedMs: number): NewRow {
  return {
    ...metaRow(requestId, { kind: 'task', ...callFacts(call), task, worked_ms: workedMs }),
    tool_call_id: call.callId,
  };
}

/** Reads the row into what its call goes on with. Null for a row that cannot be read: its outcome is then unknown. */
export function readTaskRow(extra: Record<string, unknown>, resume: Resumption | null): Resumption | null {
  const task = readTask(asObject(extra['task']));
  const workedMs = extra['worked_ms'];
  return task && withTask(resume, task, typeof workedMs === 'number' ? workedMs : 0);
}
