/**
 * Makes the requests about a task at an MCP server: its state with its result, answers to its questions, its cancel.
 * Since 2026-07-28 the state holds the result and the questions. In 2025-11-25 the result is a request of its own, which
 * waits for the end of the task, and the server asks people by requests on the connection.
 */
import { ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/client';
import type { CallToolResult, Client, InputResponse } from '@modelcontextprotocol/client';
import { z } from 'zod';
import { MAX_TIMER_MS } from '../../scheduling/acquire.ts';
import { sanitizeToLength } from '../content/sanitize-text.ts';
import { pollInterval } from './task-result.ts';

/** The state of a task, as the server says. `message` is for people. */
export type TaskState =
  | { status: 'working'; pollIntervalMs: number | null; message: string }
  | { status: 'input_required'; pollIntervalMs: number | null; inputRequests: Record<string, unknown> }
  | { status: 'completed'; result: CallToolResult }
  | { status: 'failed' | 'cancelled' | 'gone'; message: string };

/** All reject with the SDK's errors. `signal` ends the wait here and does not cancel the task. */
export interface TaskRequests {
  state(taskId: string, signal: AbortSignal): Promise<TaskState>;
  /** The server ignores keys that have a response already. */
  answer(taskId: string, responses: Record<string, InputResponse>, signal: AbortSignal): Promise<void>;
  cancel(taskId: string): Promise<void>;
}

/** The limits of one request. */
export interface TaskRequestLimits {
  /** For the response to one request, in ms. */
  requestTimeoutMs: number;
  /** Of the text of a task's state. */
  maxDescriptionChars: number;
}

const toolResult = z.looseObject({
  content: z.array(z.looseObject({ type: z.string() })).default([]),
  structuredContent: z.unknown().optional(),
  isError: z.boolean().optional(),
});
const text = z.string().catch('').default('');
const taskState = z.object({
  status: z.enum(['working', 'input_required', 'completed', 'failed', 'cancelled']),
  statusMessage: text,
  pollIntervalMs: pollInterval,
  pollInterval,
  inputRequests: z.record(z.string(), z.unknown()).optional(),
  result: toolResult.optional(),
  error: z.object({ message: text }).optional().catch(undefined),
});
const acknowledged = z.looseObject({});

/** The server knows the request, and not the task: it was never created, or its time to live is over. */
function isGone(error: unknown): error is ProtocolError {
  return error instanceof ProtocolError && error.code === ProtocolErrorCode.InvalidParams;
}

/** Creates the requests for one connection. */
export function createTaskRequests(client: Client, limits: TaskRequestLimits): TaskRequests {
  const options = (signal: AbortSignal) => ({ signal, timeout: limits.requestTimeoutMs });
  const shown = (message: string) => sanitizeToLength(message, limits.maxDescriptionChars);

  /** Waits for the end of the task. Only up to 2025-11-25. */
  const laterResult = async (taskId: string, signal: AbortSignal): Promise<TaskState> => ({
    status: 'completed',
    // The SDK's type of a result is narrower than what this schema can say.
    result: (await client.request({ method: 'tasks/result', params: { taskId } }, toolResult, {
      signal,
      timeout: MAX_TIMER_MS,
    })) as CallToolResult,
  });

  const read = async (taskId: string, signal: AbortSignal): Promise<TaskState> => {
    const state = await client.request({ method: 'tasks/get', params: { taskId } }, taskState, options(signal));
    const { status, inputRequests = {}, result } = state;
    const pollIntervalMs = state.pollIntervalMs ?? state.pollInterval ?? null;
    const message = shown(state.statusMessage || (state.error?.message ?? ''));
    const isOlder = client.getProtocolEra() === 'legacy';
    switch (status) {
      case 'working':
        return { status, pollIntervalMs, message };
      case 'input_required':
        return isOlder ? await laterResult(taskId, signal) : { status, pollIntervalMs, inputRequests };
      case 'completed':
        if (isOlder) return await laterResult(taskId, signal);
        return result
          ? { status, result: result as CallToolResult }
          : { status: 'failed', message: 'The server sent no result of the task.' };
      case 'failed':
        // A tool's own error: its text is the result.
        return isOlder ? await laterResult(taskId, signal) : { status, message };
      case 'cancelled':
        return { status, message };
    }
  };

  return {
    async state(taskId, signal) {
      try {
        return await read(taskId, signal);
      } catch (error) {
        if (isGone(error)) return { status: 'gone', message: shown(error.message) };
        throw error;
      }
    },
    async answer(taskId, responses, signal) {
      await client.request(
        { method: 'tasks/update', params: { taskId, inputResponses: responses } },
        acknowledged,
        options(signal),
      );
    },
    async cancel(taskId) {
      await client.request({ method: 'tasks/cancel', params: { taskId } }, acknowledged, {
        timeout: limits.requestTimeoutMs,
      });
    },
  };
}
