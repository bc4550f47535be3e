/**
 * Circuit breaker of a provider: one chart for each, shared by all conversations. Repeated failures open the circuit; after
 * a cooldown one request probes the provider. State names are shown to people. src/llm sends the requests, and reports to
 * this chart how they ended.
 */
import { assign, setup } from 'xstate';

/** When a circuit opens, and for how long. Times in ms. */
export interface CircuitLimits {
  /** Failures in a row, over all conversations, that open the circuit. */
  failures: number;
  cooldownMs: number;
}

/** What the chart of one provider knows. */
export interface CircuitContext {
  /** The same object for all circuits. A reload of the configuration replaces its values. */
  limits: CircuitLimits;
  /** Failures in a row up to now. */
  failed: number;
  /** Conversations whose failures count among them. Bounded by `limits.failures`. */
  failedBy: readonly string[];
  /** Error code of the newest failure. Null after a success. */
  lastError: string | null;
}

/** The ends of requests to one provider. */
export type CircuitEvent =
  /**
   * From requests that began in `closed`. One may end long after that. `by`: the conversation whose request the provider
   * failed to process; null for a failure of the connection, which never depends on the request.
   */
  | { type: 'request.succeeded' }
  | { type: 'request.failed'; code: string; by: string | null }
  /** From the probe: the request that `halfOpen` lets through. `probe.aborted`: cancelled, so it proves nothing. */
  | { type: 'probe.began' }
  | { type: 'probe.succeeded' }
  | { type: 'probe.failed'; code: string }
  | { type: 'probe.aborted' };

/** These requests began before the circuit opened, so they prove nothing about the current state. */
const lateRequests = { 'request.succeeded': {}, 'request.failed': {} } as const;

/** The description of each state says what it is for. It has no final state, because providers exist as long as the server. */
export const providerCircuitMachine = setup({
  types: {
    context: {} as CircuitContext,
    events: {} as CircuitEvent,
    input: {} as CircuitLimits,
  },
  delays: {
    cooldown: ({ context }) => context.limits.cooldownMs,
  },
  guards: {
    // A request that fails again unchanged says something about the conversation, not about the provider.
    repeatsFailure: ({ context, event }) =>
      event.type === 'request.failed' && event.by !== null && context.failedBy.includes(event.by),
    reachesFailureLimit: ({ context }) => context.failed + 1 >= context.limits.failures,
  },
  actions: {
    countFailure: assign(({ context, event }) => ({
      failed: context.failed + 1,
      failedBy:
        event.type === 'request.failed' && event.by !== null ? [...context.failedBy, event.by] : context.failedBy,
      lastError: 'code' in event ? event.code : context.lastError,
    })),
    forgetFailures: assign({ failed: 0, failedBy: [], lastError: null }),
  },
}).createMachine({
  id: 'providerCircuit',
  description: 'Circuit breaker of a provider. One for each, shared by all conversations.',
  context: ({ input }) => ({ limits: input, failed: 0, failedBy: [], lastError: null }),
  initial: 'closed',
  states: {
    closed: {
      description: 'Lets every request through, and counts failures in a row.',
      on: {
        'request.succeeded': { actions: 'forgetFailures' },
        'request.failed': [
          { guard: 'repeatsFailure' },
          { guard: 'reachesFailureLimit', target: 'open', actions: 'countFailure' },
          { actions: 'countFailure' },
        ],
      },
    },
    open: {
      description: 'The provider failed repeatedly. Rejects every request until the cooldown is over.',
      after: { cooldown: 'halfOpen' },
      on: lateRequests,
    },
    halfOpen: {
      description: 'Lets the next request through, as a probe.',
      on: { ...lateRequests, 'probe.began': 'probing' },
    },
    probing: {
      description: 'The probe is running. Rejects other requests until it has ended.',
      on: {
        ...lateRequests,
        'probe.succeeded': { target: 'closed', actions: 'forgetFailures' },
        'probe.failed': { target: 'open', actions: 'countFailure' },
        'probe.aborted': 'halfOpen',
      },
    },
  },
});
