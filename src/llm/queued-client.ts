/**
 * A provider's client behind the line before it: a request is sent when there is room, and fails when there is none
 * for too long. Every try takes its place anew; nobody holds one while it waits for the next try.
 */
import { fault } from '../errors.ts';
import { createFairSemaphore } from '../scheduling/fair-queue.ts';
import { acquireWithin } from '../scheduling/acquire.ts';
import type { Circuit } from './circuit.ts';
import type { ProviderClient } from './stream/client.ts';
import type { AnswerEnd, ProviderLoad } from './port.ts';
import { createMinuteRateLimiter } from '../scheduling/rate-limit.ts';
import type { Provider, ProviderLimits } from './providers/provider.ts';

export interface QueuedClient extends ProviderClient {
  load(): ProviderLoad;
  /** To be called when limits have changed: sends what has room now. */
  refresh(): void;
}

/** Read for each request, so they may change. */
export interface QueueLimits extends ProviderLimits {
  /** How long a request may wait in the queue. */
  maxWaitMs: number;
}

/**
 * What waits too long fails as `provider_busy`, and nothing is sent. A provider that is left alone turns away at
 * once: nobody stands in line for that.
 */
export function createQueuedClient(
  provider: Pick<Provider, 'name'>,
  circuit: Circuit,
  limits: () => QueueLimits,
): QueuedClient {
  const isCircuitOpen = () => circuit.status().circuit === 'open';
  const pace = createMinuteRateLimiter(() => limits().requestsPerMinute);
  const line = createFairSemaphore({
    most: () => limits().maxConcurrent,
    // What is turned away is no request: those who stand in line when the provider is left alone need not wait to hear of it.
    pace: { isOpen: () => isCircuitOpen() || pace.isOpen(), begin: () => void (isCircuitOpen() || pace.begin()) },
  });
  let minute: NodeJS.Timeout | undefined;
  /** Whoever leaves makes room by that; the end of a minute nobody tells. */
  const watchPace = () => {
    clearTimeout(minute);
    line.grantWaiting();
    const restMs = pace.untilOpenMs();
    if (line.queued() > 0 && restMs > 0) minute = setTimeout(watchPace, Math.ceil(restMs)).unref();
  };

  return {
    refresh: watchPace,
    load: () => ({ running: line.held(), queued: line.queued() }),
    async stream(request, sink, signal) {
      if (signal.aborted) return { status: 'aborted' };
      if (isCircuitOpen()) return circuit.stream(request, sink, signal);
      const { maxWaitMs } = limits();
      const turn = acquireWithin(line, request.place, {
        signal,
        withinMs: maxWaitMs,
        queued: (position) => sink.queued(position),
      });
      if (turn !== true) {
        watchPace();
        if (!(await turn)) return signal.aborted ? { status: 'aborted' } : timedOut(provider, request.model, maxWaitMs);
      }
      try {
        return await circuit.stream(request, sink, signal);
      } finally {
        line.release(request.place);
        watchPace();
      }
    },
  };
}

function timedOut({ name }: Pick<Provider, 'name'>, model: string, maxWaitMs: number): AnswerEnd {
  const message = `Provider "${name}" had no room for another request within ${maxWaitMs / 1_000} s. Try again later, or raise llm.providers.${name}.max_concurrent or requests_per_minute.`;
  return { status: 'failed', fault: fault('provider_busy', message, { provider: name, model }), retryAfterMs: null };
}
