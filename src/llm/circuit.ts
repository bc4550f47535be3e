/**
 * Runs the circuit breaker of a provider (machines/provider-circuit.ts): rejects requests while it is open, and reports to
 * the chart how the others ended. Decides which ends are failures of the provider.
 */
import { createActor, type SnapshotFrom } from 'xstate';
import { providerCircuitMachine, type CircuitLimits } from '../../machines/provider-circuit.ts';
import { fault } from '../errors.ts';
import type { ProviderClient } from './stream/client.ts';
import type { AnswerEnd, AnswerRequest, ProviderStatus } from './port.ts';
import type { Provider } from './providers/provider.ts';

/** A client behind its circuit breaker. */
export interface Circuit extends ProviderClient {
  status(): ProviderStatus;
}

/** Retry delay while the probe runs: its duration is unknown. */
const PROBE_RETRY_MS = 1_000;

/** The cooldown timer does not keep the process alive. */
const clock = {
  setTimeout: (callback: () => void, delayMs: number) => setTimeout(callback, delayMs).unref(),
  clearTimeout: (timer: NodeJS.Timeout) => clearTimeout(timer),
};

/**
 * Wraps a client. While the circuit is open, a request fails as `provider_unavailable` and is not sent. The values of
 * `limits` may change. `onChange` gets every change of state.
 */
export function createCircuit(
  provider: Provider,
  client: ProviderClient,
  limits: CircuitLimits,
  onChange: (status: ProviderStatus) => void,
): Circuit {
  const actor = createActor(providerCircuitMachine, { id: `circuit:${provider.name}`, clock, input: limits });
  let openUntilMs = 0;
  let last: Snapshot['value'] = 'closed';
  const statusOf = ({ value, context }: Snapshot): ProviderStatus => ({
    name: provider.name,
    model: provider.model,
    circuit: value,
    error: context.lastError,
  });
  actor.subscribe((snapshot) => {
    if (snapshot.value === last) return;
    last = snapshot.value;
    if (last === 'open') openUntilMs = performance.now() + limits.cooldownMs;
    onChange(statusOf(snapshot));
  });
  actor.start();

  /** The kind of event that reports the request to the chart. Null if the request is rejected. */
  const admit = (): 'request' | 'probe' | null => {
    const state = actor.getSnapshot().value;
    if (state === 'closed') return 'request';
    if (state !== 'halfOpen') return null;
    actor.send({ type: 'probe.began' });
    return 'probe';
  };

  const report = (as: 'request' | 'probe', end: AnswerEnd | null, { place }: AnswerRequest): void => {
    const code = end?.status === 'failed' ? end.fault.code : null;
    // The last part of the key is the answer's own.
    const by = code === 'provider_failed' || code === 'provider_cut' ? JSON.stringify(place.slice(0, -1)) : null;
    if (code !== null && outages.has(code)) actor.send({ type: `${as}.failed`, code, by });
    // A provider that rejects a request is reachable.
    else if (end?.status === 'finished' || code !== null) actor.send({ type: `${as}.succeeded` });
    else if (as === 'probe') actor.send({ type: 'probe.aborted' });
  };

  return {
    status: () => statusOf(actor.getSnapshot()),
    async stream(request, sink, signal) {
      const as = admit();
      if (as === null)
        return rejected(provider, request.model, Math.max(PROBE_RETRY_MS, Math.ceil(openUntilMs - performance.now())));
      let end: AnswerEnd | null = null;
      try {
        end = await client.stream(request, sink, signal);
        return end;
      } finally {
        report(as, end, request);
      }
    },
  };
}

type Snapshot = SnapshotFrom<typeof providerCircuitMachine>;

/** The faults that count as failures of the provider. All others are about the request. */
const outages: ReadonlySet<string> = new Set([
  'provider_unreachable',
  'provider_timeout',
  'provider_cut',
  'provider_failed',
]);

function rejected({ name }: Provider, model: string, retryAfterMs: number): AnswerEnd {
  const message = `Provider "${name}" has failed repeatedly and is not asked for a while. Try again in ${Math.ceil(retryAfterMs / 1_000)} s, or name another provider in llm.fallback.`;
  const data = { provider: name, model, retry_after_ms: retryAfterMs };
  return { status: 'failed', fault: fault('provider_unavailable', message, data), retryAfterMs };
}
