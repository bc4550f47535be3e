/**
 * What the toolbox knows of one server: its chart's actor and, while calls can be made, its
 * connection. Here a call finds out whether it can be sent, and waits for a server that is away.
 */
import type { ActorRefFrom } from 'xstate';
import type { McpServerState, ServerTool } from '../../machines/mcp-server-types.ts';
import { serverState, type mcpServerMachine } from '../../machines/mcp-server.ts';
import { createFairSemaphore, type FairSemaphore } from '../scheduling/fair-queue.ts';
import type { Authorization } from './oauth/authorization.ts';
import type { Connection } from './connection/connection.ts';
import type { ServerBlock } from './config/server-block.ts';
import { MAX_TIMER_MS } from '../timer-limit.ts';

/** What is needed of the actor, whoever spawned it. */
export type ServerActor = Pick<ActorRefFrom<typeof mcpServerMachine>, 'getSnapshot' | 'send' | 'subscribe'>;

/** A server, both halves of it. */
export interface Member {
  block: ServerBlock;
  /** Of a server that may ask for OAuth; it outlives connections. */
  authorization: Authorization | null;
  actor: ServerActor | null;
  /** There while calls can be made. */
  connection: Connection | null;
  catalogue: readonly ServerTool[];
  /** Calls that it is at work on, and those that wait. */
  line: FairSemaphore;
  /** Connections on their way out. */
  closings: Set<Promise<void>>;
  hasSettled: boolean;
  /** Called at each step of the chart, by the calls that wait for a connection. */
  waiting: Set<() => void>;
}

export function stateOf({ actor }: Member): McpServerState {
  return actor === null ? 'connecting' : serverState(actor.getSnapshot().value);
}

const hasGivenUp = (member: Member) => ['failed', 'draining', 'stopped'].includes(stateOf(member));

/** Wakes the server and resolves with its connection, or with null: cancelled, given up, or `withinMs` is over. */
export function connected(member: Member, signal: AbortSignal, withinMs: number): Promise<Connection | null> {
  return new Promise((resolve) => {
    const finish = (connection: Connection | null) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', look);
      member.waiting.delete(look);
      resolve(connection);
    };
    const look = () => {
      if (signal.aborted) finish(null);
      else if (member.connection !== null) finish(member.connection);
      else if (hasGivenUp(member)) finish(null);
    };
    const timer = setTimeout(() => finish(null), Math.min(Math.max(0, withinMs), MAX_TIMER_MS));
    signal.addEventListener('abort', look);
    member.waiting.add(look);
    // First, for a chart that had given up gives it one more try.
    member.actor?.send({ type: 'server.wake' });
    look();
  });
}

/** `limits.maxConcurrent` is read for each call. */
export function createMember(
  block: ServerBlock,
  authorization: Authorization | null,
  limits: { readonly maxConcurrent: number },
): Member {
  const line = createFairSemaphore({ most: () => member.block.maxConcurrent ?? limits.maxConcurrent });
  const member: Member = {
    block,
    authorization,
    actor: null,
    connection: null,
    catalogue: [],
    line,
    closings: new Set(),
    hasSettled: false,
    waiting: new Set(),
  };
  return member;
}
