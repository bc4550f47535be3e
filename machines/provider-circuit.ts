/**
 * Whether a provider is asked at all: one chart for each, shared by all conversations. A provider that fails
 * time and again is left alone for a while, then one request finds out how it is. State names are shown to people.
 * The requests themselves are src/llm's; this chart hears how they ended.
 */
import { assign, setup } from 'xstate';

export interface CircuitLimits {
  /** So many in a row, of whatever conversations, and the provider is left alone. */
  failures: number;
  cooldownMs: number;
}

export interface CircuitContext {
  /** The same object for all circuits; a reload of the configuration replaces its values. */
  limits: CircuitLimits;
  /** In a row, up to now. */
  failed: number;
  /** Error code of the newest failure; null once a request has succeeded. */
  lastError: string | null;
}

export type CircuitEvent =
  /** Of requests that were let through in `closed`; one may end long after that. */
  | { type: 'request.succeeded' }
  | { type: 'request.failed'; code: string }
  /** Of the one that `halfOpen` lets through. `probe.aborted`: nobody waits for its answer any more, so it says nothing. */
  | { type: 'probe.began' }
  | { type: 'probe.succeeded' }
  | { type: 'probe.failed'; code: string }
  | { type: 'probe.aborted' };

/** They began before the provider was left alone, and tell nothing of how it is now. */
const lateRequests = { 'request.succeeded': {}, 'request.failed': {} } as const;

/** What each state is for stands in its description. It has no end: a provider is there as long as the server. */
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
    reachesFailureLimit: ({ context }) => context.failed + 1 >= context.limits.failures,
  },
  actions: {
    countFailure: assign(({ context, event }) => ({
      failed: context.failed + 1,
      lastError: 'code' in event ? event.code : context.lastError,
    })),
    forgetFailures: assign({ failed: 0, lastError: null }),
  },
}).createMachine({
  id: 'providerCircuit',
  description: 'Whether a provider is asked at all. One for each, shared by all conversations.',
  context: ({ input }) => ({ limits: input, failed: 0, lastError: null }),
  initial: 'closed',
  states: {
    closed: {
      description: 'Every request is let through; failures in a row are counted.',
      on: {
        'request.succeeded': { actions: 'forgetFailures' },
        'request.failed': [
          { guard: 'reachesFailureLimit', target: 'open', actions: 'countFailure' },
          { actions: 'countFailure' },
        ],
      },
    },
    open: {
      description: 'The provider has failed time and again: no request is let through until the cooldown is over.',
      after: { cooldown: 'halfOpen' },
      on: lateRequests,
    },
    halfOpen: {
      description: 'The next request is let through, to find out how the provider is.',
      on: { ...lateRequests, 'probe.began': 'probing' },
    },
    probing: {
      description: 'That request is under way; until it has ended no other is let through.',
      on: {
        ...lateRequests,
        'probe.succeeded': { target: 'closed', actions: 'forgetFailures' },
        'probe.failed': { target: 'open', actions: 'countFailure' },
        'probe.aborted': 'halfOpen',
      },
    },
  },
});
