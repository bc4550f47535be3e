/**
 * Follows a task at an MCP server until it ends or asks people. Polls at the server's interval within the limits, and at
 * once when the server sends the state of the task. A lost connection is replaced, because the task outlives it.
 */
import { ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/client';
import { endOfFailure } from './connection/call-end.ts';
import type { McpConnection } from './connection/connection.ts';
import type { TaskStep } from './connection/follow-task.ts';
import type { CallEnd, FollowOptions } from './port.ts';
import { waitForConnection, type ServerHandle } from './server-handle.ts';

/** The limits of polling. */
export interface TaskLimits {
  /** Bounds of the time between two polls, in ms. They apply to the server's own interval. */
  minPollIntervalMs: number;
  maxPollIntervalMs: number;
}

/** For a server that names no interval. */
const DEFAULT_POLL_MS = 1_000;
/** Polls in a row without an answer. The time in between is the poll interval, or that of the reconnects. */
const MAX_FAILED_POLLS = 10;
/** Requests in a row that the server answers by asking for more input. It bounds a server that never finishes. */
const MAX_ANSWERED_ROUNDS = 10;

/** Never rejects. The caller bounds the whole wait through `signal`. */
export async function followTask(handle: ServerHandle, limits: TaskLimits, options: FollowOptions): Promise<CallEnd> {
  const { signal, timeoutMs } = options;
  const server = handle.block.name;
  const used = { requests: 0 };
  let { resume } = options;
  let shown = '';
  let polls = 0;
  let failures = 0;
  let rounds = 0;
  if (options.isFresh)
    await waitForPoll(handle, resume.task.id, intervalMs(resume.task.pollIntervalMs, limits), signal);
  for (;;) {
    const connection = handle.connection ?? (await waitForConnection(handle, signal, timeoutMs));
    if (signal.aborted) return { status: 'cancelled' };
    if (connection === null)
      return { status: 'lost', text: `The MCP server "${server}" is not available, and it runs this call as a task.` };
    const step = await take(connection, server, { ...options, resume }, used);
    if (signal.aborted) return { status: 'cancelled' };
    if ('end' in step) {
      if (step.end.status !== 'lost') return step.end;
      failures += 1;
      if (failures === MAX_FAILED_POLLS) return step.end;
    } else {
      failures = 0;
      polls += 1;
      rounds = step.resume.answered.length > 0 ? rounds + 1 : 0;
      if (rounds > MAX_ANSWERED_ROUNDS)
        return { status: 'error', text: `The MCP server "${server}" asks again and again.`, content: null };
      ({ resume } = step);
      if (step.message !== '' && step.message !== shown) {
        shown = step.message;
        options.onProgress({ progress: polls, message: shown });
      }
      // The answers are due at once.
      if (resume.answered.length > 0) continue;
    }
    await waitForPoll(handle, resume.task.id, intervalMs(resume.task.pollIntervalMs, limits), signal);
  }
}

/** One step. A request that may succeed later ends as `lost`. */
async function take(
  connection: McpConnection,
  server: string,
  options: FollowOptions,
  used: { requests: number },
): Promise<TaskStep> {
  try {
    return await connection.stepTask(options, used);
  } catch (error) {
    if (error instanceof ProtocolError && error.code === ProtocolErrorCode.MethodNotFound)
      return {
        end: {
          status: 'error',
          text: `The MCP server "${server}" has created a task and cannot say its state. The call may have taken effect.`,
          content: null,
        },
      };
    const end = endOfFailure(error, server, false);
    const isFinal = end.status === 'error' && !(error instanceof ProtocolError);
    return { end: isFinal || end.status === 'lost' ? end : { status: 'lost', text: 'text' in end ? end.text : '' } };
  }
}

function intervalMs(named: number | null, { minPollIntervalMs, maxPollIntervalMs }: TaskLimits): number {
  return Math.min(
    Math.max(named ?? DEFAULT_POLL_MS, minPollIntervalMs),
    Math.max(minPollIntervalMs, maxPollIntervalMs),
  );
}

/** Resolves after the time, when the server sends the state of the task, or on abort. */
function waitForPoll({ taskListeners }: ServerHandle, taskId: string, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const finish = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', finish);
      taskListeners.delete(listener);
      resolve();
    };
    const listener = (changed: string) => {
      if (changed === taskId) finish();
    };
    const timer = setTimeout(finish, ms);
    signal.addEventListener('abort', finish);
    taskListeners.add(listener);
    if (signal.aborted) finish();
  });
}
