/**
 * Holds what Parley knows of one MCP server: its chart's actor and, while calls can be made, its connection. A call
 * waits here for a free slot and for a connection, and is sent once more if the server never received it.
 */
import type { ActorRefFrom } from 'xstate';
import type { McpServerState, ServerTool } from '../../machines/mcp-server-types.ts';
import { serverState, type mcpServerMachine } from '../../machines/mcp-server.ts';
import { MAX_TIMER_MS, acquireWithin } from '../scheduling/acquire.ts';
import { createFairSemaphore, type FairSemaphore } from '../scheduling/fair-semaphore.ts';
import type { ServerBlock } from './config/server-block.ts';
import { createOutputTail, type OutputTail } from './content/output-tail.ts';
import { secretFilterOf } from './secrets/secret-filter.ts';
import { notSent } from './connection/call-end.ts';
import type { McpConnection } from './connection/connection.ts';
import type { Authorization } from './oauth/authorization.ts';
import type { CallEnd, CallOptions, CalledTool } from './port.ts';

/** The part of the chart's actor that is used here. */
export type ServerActor = Pick<ActorRefFrom<typeof mcpServerMachine>, 'getSnapshot' | 'send' | 'subscribe'>;

/** What belongs to one server. Changes as it connects and reconnects. */
export interface ServerHandle {
  block: ServerBlock;
  /** Null for a server without OAuth. It outlives connections. */
  authorization: Authorization | null;
  actor: ServerActor | null;
  /** Null while no calls can be made. */
  connection: McpConnection | null;
  catalogue: readonly ServerTool[];
  /** What its program last wrote to standard error. */
  output: OutputTail;
  /** As the server last sent them, also while it is not connected. '' if none. */
  instructions: string;
  /** Running calls and waiting calls. */
  callQueue: FairSemaphore;
  /** Connections that are being closed. */
  closings: Set<Promise<void>>;
  hasSettled: boolean;
  /** Called at each transition of the chart. */
  stateListeners: Set<() => void>;
  /** Called with the id of a task whose state the server has sent. */
  taskListeners: Set<(taskId: string) => void>;
}

/** The state as people see it. `connecting` before the chart's actor starts. */
export function stateOf({ actor }: ServerHandle): McpServerState {
  return actor === null ? 'connecting' : serverState(actor.getSnapshot().value);
}

const hasGivenUp = (handle: ServerHandle) => ['failed', 'draining', 'stopped'].includes(stateOf(handle));

/** Wakes the server and resolves with its connection. Resolves with null on abort, failure, or after `withinMs`. */
export function waitForConnection(
  handle: ServerHandle,
  signal: AbortSignal,
  withinMs: number,
): Promise<McpConnection | null> {
  return new Promise((resolve) => {
    const finish = (connection: McpConnection | null) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', settle);
      handle.stateListeners.delete(settle);
      resolve(connection);
    };
    const settle = () => {
      if (signal.aborted) finish(null);
      else if (handle.connection !== null) finish(handle.connection);
      else if (hasGivenUp(handle)) finish(null);
    };
    const timer = setTimeout(() => finish(null), Math.min(Math.max(0, withinMs), MAX_TIMER_MS));
    signal.addEventListener('abort', settle);
    handle.stateListeners.add(settle);
    // Before the check: a chart in `failed` tries once more.
    handle.actor?.send({ type: 'server.wake' });
    settle();
  });
}

/** `limits.maxConcurrent` is read for each call. */
export function createServerHandle(
  block: ServerBlock,
  authorization: Authorization | null,
  limits: { readonly maxConcurrent: number },
): ServerHandle {
  const callQueue = createFairSemaphore({ most: () => handle.block.maxConcurrent ?? limits.maxConcurrent });
  const handle: ServerHandle = {
    block,
    authorization,
    actor: null,
    connection: null,
    catalogue: [],
    output: createOutputTail((line) => secretFilterOf(handle.block).report(line)),
    instructions: '',
    callQueue,
    closings: new Set(),
    hasSettled: false,
    stateListeners: new Set(),
    taskListeners: new Set(),
  };
  return handle;
}

/** A waiting call gives up this long before its caller's timeout, to report that nothing was sent. */
const LEAD_MS = 50;

/** For the model. */
const REDEFINED =
  'The call was not made, because the server has changed the tool since it was offered. Read its current description and schema, then call it again if it still helps.';

/** Never rejects. `timeoutMs` bounds all waiting together. */
export async function makeCall(
  handle: ServerHandle,
  tool: CalledTool,
  args: Record<string, unknown>,
  options: CallOptions,
): Promise<CallEnd> {
  const { signal, timeoutMs, place, resume } = options;
  const { block, callQueue } = handle;
  const deadline = performance.now() + timeoutMs - LEAD_MS;
  const turn = acquireWithin(callQueue, place, { signal, withinMs: deadline - performance.now() });
  if (turn !== true && !(await turn)) {
    return signal.aborted ? { status: 'cancelled' } : notSent(block.name, 'has reached its limit of concurrent calls');
  }
  try {
    // The second try is for a server that never received the call: it lost the session, or it was restarted.
    for (let resends = 1; ; resends -= 1) {
      const connection = handle.connection ?? (await waitForConnection(handle, signal, deadline - performance.now()));
      if (signal.aborted) return { status: 'cancelled' };
      if (connection === null) {
        const error = handle.actor?.getSnapshot().context.lastError;
        return notSent(block.name, error ? `is not available (${error})` : 'is not available');
      }
      if (resume === null && isRedefined(handle, tool)) return { status: 'error', text: REDEFINED, content: null };
      const end = struck(block, await connection.call(tool.toolName, args, withoutSecrets(block, options)));
      if (end.status !== 'not_sent' || resends === 0) return end;
    }
  } finally {
    callQueue.release(place);
  }
}

/** The end without the secrets of the server's block. An error is a report; a result is content. */
export function struck(block: ServerBlock, end: CallEnd): CallEnd {
  const { reportAll, contentAll, listAll } = secretFilterOf(block);
  switch (end.status) {
    case 'cancelled':
    case 'task':
      return end;
    case 'suspended':
      return { ...end, inputRequests: listAll(end.inputRequests) };
    case 'ok':
      return contentAll(end);
    case 'error':
    case 'not_sent':
    case 'lost':
      return reportAll(end);
  }
}

/** The options whose callbacks get no secrets of the server's block. */
function withoutSecrets(block: ServerBlock, options: CallOptions): CallOptions {
  const { reportAll, listAll } = secretFilterOf(block);
  return {
    ...options,
    onProgress: (progress) => options.onProgress(reportAll(progress)),
    onLog: (entry) => options.onLog(reportAll(entry)),
    requestInput: (ask) => options.requestInput(listAll(ask)),
  };
}

function isRedefined({ catalogue }: ServerHandle, { toolName, definition }: CalledTool): boolean {
  const now = catalogue.find(({ name }) => name === toolName);
  return definition !== '' && now !== undefined && now.definition !== definition;
}
