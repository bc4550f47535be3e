/**
 * Passes the handle of a task through the SDK, which rejects results of type `task`. The handle travels in the metadata
 * of an empty result. Reads both forms: the extension of 2026-07-28 (https://github.com/modelcontextprotocol/ext-tasks)
 * and the experiment of 2025-11-25.
 */
import type { CallToolResult, JSONRPCMessage } from '@modelcontextprotocol/client';
import { z } from 'zod';
import type { TaskHandle } from '../../../machines/conversation/question-types.ts';

/** Longest name of a task, in UTF-16 units. It is stored with the call. */
const MAX_ID_CHARS = 1_024;
const HANDLE_META_KEY = 'parley/task';

/** The time between two polls that a server names, in ms. */
export const pollInterval = z.number().positive().nullish().catch(null);
const handle = z.object({
  taskId: z.string().min(1).max(MAX_ID_CHARS),
  pollIntervalMs: pollInterval,
  /** As of 2025-11-25. */
  pollInterval,
});
const created = z.union([
  handle.extend({ resultType: z.literal('task') }),
  z.object({ task: handle, content: z.undefined().optional() }).transform(({ task }) => task),
]);
const carrier = z.object({ [HANDLE_META_KEY]: handle });

/** Replaces a result that names a task. To be called with each message before the SDK reads it. */
export function carryTask(message: JSONRPCMessage): void {
  if (!('result' in message)) return;
  const { data } = created.safeParse(message.result);
  // The SDK requires structured content of some tools, but not with `isError`.
  if (data) message.result = { resultType: 'complete', content: [], isError: true, _meta: { [HANDLE_META_KEY]: data } };
}

/** Returns the task that the server created in place of a result. Null for a result. */
export function taskOfResult({ _meta }: CallToolResult): TaskHandle | null {
  const { data } = carrier.safeParse(_meta);
  if (!data) return null;
  const { taskId, pollIntervalMs, pollInterval: older } = data[HANDLE_META_KEY];
  return { id: taskId, pollIntervalMs: pollIntervalMs ?? older ?? null, answeredKeys: [] };
}
