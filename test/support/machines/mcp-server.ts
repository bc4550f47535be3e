/**
 * Runs the chart of an MCP server with connections and a clock that the test controls, and has a route to each of its
 * states.
 */
import { SimulatedClock, createActor, fromCallback, fromPromise } from 'xstate';
import type { CheckInput, McpServerLimits } from '../../../machines/mcp-server-types.ts';
import { mcpServerMachine, startsSlowly } from '../../../machines/mcp-server.ts';

export const limits: McpServerLimits = {
  connectionTimeoutMs: 1_000,
  startTimeoutMs: 3_000,
  startTimeoutKey: 'the key',
  initialBackoffMs: 100,
  maxBackoffMs: 400,
  maxReconnectAttempts: 3,
  failedRetryMs: 9_000,
  healthIntervalMs: 5_000,
  authorizationTimeoutMs: 60_000,
};
export const catalogue = [
  {
    name: 'add',
    title: null,
    description: '',
    inputSchema: {},
    annotations: {},
    idempotent: true,
    effect: 'read_only' as const,
    definition: '',
  },
];

/** Starts the real chart with connections and a clock that the test controls. */
export function start(changes: Partial<McpServerLimits> = {}, shared: McpServerLimits = { ...limits, ...changes }) {
  const clock = new SimulatedClock();
  const closed = Promise.withResolvers<void>();
  const checks: { suspected: boolean; answer: PromiseWithResolvers<void> }[] = [];
  const connections = { opened: 0, open: 0 };
  const authorizations: PromiseWithResolvers<void>[] = [];
  const logic = mcpServerMachine.provide({
    actors: {
      connection: fromCallback(() => {
        connections.opened += 1;
        connections.open += 1;
        return () => {
          connections.open -= 1;
        };
      }),
      closing: fromPromise(() => closed.promise),
      check: fromPromise<void, CheckInput>(({ input: { suspected } }) => {
        const answer = Promise.withResolvers<void>();
        checks.push({ suspected, answer });
        return answer.promise;
      }),
      authorization: fromPromise(() => {
        const authorization = Promise.withResolvers<void>();
        authorizations.push(authorization);
        return authorization.promise;
      }),
    },
  });
  const actor = createActor(logic, { clock, input: { name: 'one', limits: shared } });
  actor.start();
  return {
    actor,
    clock,
    connections,
    closed,
    checks,
    authorizations,
    becomeReady: () => actor.send({ type: 'server.ready', catalogue }),
    lose: () => actor.send({ type: 'server.lost', reason: 'gone', jitter: 1 }),
    /** The innermost active state. */
    get state() {
      const { value } = actor.getSnapshot();
      if (typeof value === 'string') return value;
      if (typeof value.open === 'object' && 'ready' in value.open) return value.open.ready;
      return startsSlowly(value) ? 'slow' : 'connecting';
    },
    get context() {
      return actor.getSnapshot().context;
    },
  };
}

/** Events that lead to each state. */
export const routes: Record<string, (box: ReturnType<typeof start>) => void> = {
  connecting: () => undefined,
  slow: ({ clock }) => clock.increment(1_000),
  healthy: ({ becomeReady }) => becomeReady(),
  checking: ({ becomeReady, clock }) => {
    becomeReady();
    clock.increment(5_000);
  },
  verifying: ({ becomeReady, actor }) => {
    becomeReady();
    actor.send({ type: 'server.suspect' });
  },
  authorizing: ({ actor }) => actor.send({ type: 'server.unauthorized' }),
  backingOff: ({ lose }) => lose(),
  restarting: ({ becomeReady, actor }) => {
    becomeReady();
    actor.send({ type: 'server.reconfigured' });
  },
  failed: ({ lose, clock }) => {
    for (let loss = 0; loss < 4; loss += 1) {
      lose();
      clock.increment(1_000 * Number(loss < 3));
    }
  },
  draining: ({ actor }) => actor.send({ type: 'server.drain' }),
};
