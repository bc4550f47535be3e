/**
 * Queues the requests to a provider: a request is sent within the limits of the provider, and fails after the timeout of the
 * queue. Every attempt is queued again: a turn holds no permit between two attempts.
 */
import { fault } from '../errors.ts';
import { createFairSemaphore } from '../scheduling/fair-semaphore.ts';
import { acquireWithin } from '../scheduling/acquire.ts';
import type { Circuit } from './circuit.ts';
import type { ProviderClient } from './stream/client.ts';
import type { AnswerEnd, ProviderLoad } from './port.ts';
import { createMinuteRateLimiter } from '../scheduling/rate-limiter.ts';
import type { Provider, ProviderLimits } from './providers/provider.ts';

/** A client behind its queue. */
export interface QueuedClient extends ProviderClient {
  load(): ProviderLoad;
  /** Call it when limits have changed: sends the requests that the new limits allow. */
  refresh(): void;
}

/** Read for each request, so they may change. */
export interface QueueLimits extends ProviderLimits {
  /** How long a request may wait in the queue. */
  maxWaitMs: number;
}

/**
 * After the timeout of the queue a request fails as `provider_busy` and is not sent. While the circuit is open, a request
 * fails at once, without the queue.
 */
export function createQueuedClient(
  provider: Pick<Provider, 'name'>,
  circuit: Circuit,
  limits: () => QueueLimits,
): QueuedClient {
  const isCircuitOpen = () => circuit.status().circuit === 'open';
  const rateLimiter = createMinuteRateLimiter(() => limits().requestsPerMinute);
  const permits = createFairSemaphore({
    most: () => limits().maxConcurrent,
    // A rejected request does not count. So when the circuit opens, all queued requests are rejected at once.
    pace: {
      isOpen: () => isCircuitOpen() || rateLimiter.isOpen(),
      begin: () => void (isCircuitOpen() || rateLimiter.begin()),
    },
  });
  let timer: NodeJS.Timeout | undefined;
  /** A finished request frees a permit by itself. The rate limit needs a timer. */
  const grantPermits = () => {
    clearTimeout(timer);
    permits.grantWaiting();
    const restMs = rateLimiter.untilOpenMs();
    if (permits.queued() > 0 && restMs > 0) timer = setTimeout(grantPermits, Math.ceil(restMs)).unref();
  };

  return {
    refresh: grantPermits,
    load: () => ({ running: permits.held(), queued: permits.queued() }),
    async stream(request, sink, signal) {
      if (signal.aborted) return { status: 'aborted' };
      if (isCircuitOpen()) return circuit.stream(request, sink, signal);
      const { maxWaitMs } = limits();
      const permit = acquireWithin(permits, request.place, {
        signal,
        withinMs: maxWaitMs,
        queued: (position) => sink.queued(position),
      });
      if (permit !== true) {
        grantPermits();
        if (!(await permit))
          return signal.aborted ? { status: 'aborted' } : timedOut(provider, request.model, maxWaitMs);
      }
      try {
        return await circuit.stream(request, sink, signal);
      } finally {
        permits.release(request.place);
        grantPermits();
      }
    },
  };
}

function timedOut({ name }: Pick<Provider, 'name'>, model: string, maxWaitMs: number): AnswerEnd {
  const message = `Provider "${name}" had no room for another request within ${maxWaitMs / 1_000} s. Try again later, or raise llm.providers.${name}.max_concurrent or requests_per_minute.`;
  return { status: 'failed', fault: fault('provider_busy', message, { provider: name, model }), retryAfterMs: null };
}
