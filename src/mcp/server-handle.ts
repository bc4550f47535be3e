/**
 * What the toolbox knows of one server: its chart's actor and, while calls can be made, its
 * connection. Here a call finds out whether it can be sent, and waits for a server that is away.
 */
import type { ActorRefFrom } from 'xstate';
import type { McpServerState, ServerTool } from '../../machines/mcp-server-types.ts';
import { serverState, type mcpServerMachine } from '../../machines/mcp-server.ts';
import { waitInLine } from '../scheduling/acquire.ts';
import { createFairLine, type FairLine } from '../scheduling/fair-queue.ts';
import type { Authorization } from './oauth/authorization.ts';
import { notSent } from './connection/call-end.ts';
import type { CallEnd, CallOptions, CalledTool } from './port.ts';
import type { McpConnection } from './connection/connection.ts';
import type { ServerBlock } from './config/server-block.ts';

/** What is needed of the actor, whoever spawned it. */
export type ServerActor = Pick<ActorRefFrom<typeof mcpServerMachine>, 'getSnapshot' | 'send' | 'subscribe'>;

/** A server, both halves of it. */
export interface ServerHandle {
  block: ServerBlock;
  /** Of a server that may ask for OAuth; it outlives connections. */
  authorization: Authorization | null;
  actor: ServerActor | null;
  /** There while calls can be made. */
  connection: McpConnection | null;
  catalogue: readonly ServerTool[];
  /** Calls that it is at work on, and those that wait. */
  callQueue: FairLine;
  /** Connections on their way out. */
  closings: Set<Promise<void>>;
  hasSettled: boolean;
  /** Called at each step of the chart, by the calls that wait for a connection. */
  stateListeners: Set<() => void>;
}

/** Longer timers fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export function stateOf({ actor }: ServerHandle): McpServerState {
  return actor === null ? 'connecting' : serverState(actor.getSnapshot().value);
}

const hasGivenUp = (member: ServerHandle) => ['failed', 'draining', 'stopped'].includes(stateOf(member));

/** Wakes the server and resolves with its connection, or with null: cancelled, given up, or `withinMs` is over. */
export function waitForConnection(
  member: ServerHandle,
  signal: AbortSignal,
  withinMs: number,
): Promise<McpConnection | null> {
  return new Promise((resolve) => {
    const finish = (connection: McpConnection | null) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', look);
      member.stateListeners.delete(look);
      resolve(connection);
    };
    const look = () => {
      if (signal.aborted) finish(null);
      else if (member.connection !== null) finish(member.connection);
      else if (hasGivenUp(member)) finish(null);
    };
    const timer = setTimeout(() => finish(null), Math.min(Math.max(0, withinMs), MAX_TIMER_MS));
    signal.addEventListener('abort', look);
    member.stateListeners.add(look);
    // First, for a chart that had given up gives it one more try.
    member.actor?.send({ type: 'server.wake' });
    look();
  });
}

/** `limits.maxConcurrent` is read for each call. */
export function createServerHandle(
  block: ServerBlock,
  authorization: Authorization | null,
  limits: { readonly maxConcurrent: number },
): ServerHandle {
  const line = createFairLine({ most: () => member.block.maxConcurrent ?? limits.maxConcurrent });
  const member: ServerHandle = {
    block,
    authorization,
    actor: null,
    connection: null,
    catalogue: [],
    callQueue: line,
    closings: new Set(),
    hasSettled: false,
    stateListeners: new Set(),
  };
  return member;
}

/** A call that has waited in vain gives up this much before its caller's own time is up: only here it is known that nothing was sent. */
const LEAD_MS = 50;

/** For the model. */
const REDEFINED =
  'The tool was not run: its server has redefined it since it was offered. Look at its description and schema as they are now, and call it again if it is still of use.';

/** Never rejects. All waiting together is bounded by `timeoutMs`. */
export async function makeCall(
  member: ServerHandle,
  tool: CalledTool,
  args: Record<string, unknown>,
  options: CallOptions,
): Promise<CallEnd> {
  const { signal, timeoutMs, place, resume } = options;
  const { block, callQueue: line } = member;
  const deadline = performance.now() + timeoutMs - LEAD_MS;
  const turn = waitInLine(line, place, { signal, withinMs: deadline - performance.now() });
  if (turn !== true && !(await turn)) {
    return signal.aborted ? { status: 'cancelled' } : notSent(block.name, 'is at work on as many calls as it may be');
  }
  try {
    // Once more if the server never saw it: its session was forgotten or its process is another one.
    for (let resends = 1; ; resends -= 1) {
      const current = member.connection ?? (await waitForConnection(member, signal, deadline - performance.now()));
      if (signal.aborted) return { status: 'cancelled' };
      if (current === null) {
        const error = member.actor?.getSnapshot().context.lastError;
        return notSent(block.name, error ? `is not available (${error})` : 'is not available');
      }
      if (resume === null && isRedefined(member, tool)) return { status: 'error', text: REDEFINED, content: null };
      const end = await current.call(tool.toolName, args, options);
      if (end.status !== 'not_sent' || resends === 0) return end;
    }
  } finally {
    line.release(place);
  }
}

function isRedefined({ catalogue }: ServerHandle, { toolName, definition }: CalledTool): boolean {
  const now = catalogue.find(({ name }) => name === toolName);
  return definition !== '' && now !== undefined && now.definition !== definition;
}
