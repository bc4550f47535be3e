/**
 * Sends one request that is answered by one `result`, waits while the server refuses it for now, and gives up when it
 * takes too long. Knows no action; what a result means is for results.ts.
 */
import type { Backoff } from './backoff.ts';
import { clientError, ParleyError } from './errors.ts';
import type { PendingRequest, PendingRequests } from './pending-requests.ts';
import { createRetry, type RetryWait } from './retry.ts';
import type { Result } from './results.ts';

export interface RequestOptions {
  /** True if a second run changes nothing: then it is sent again when the socket falls before its answer. Default: false. */
  idempotent?: boolean;
  /** False if it is meant for this moment alone: then every refusal is handed over at once. Default: true. */
  retry?: boolean;
  /** Called each time that the server has refused it for now, beside the client's own `onWait`. */
  onWait?(wait: RetryWait): void;
}

export interface RequestDeps {
  pendingRequests: Pick<PendingRequests, 'add' | 'resend' | 'markUnsent' | 'remove'>;
  /** Longest wait for the answer, reconnects and refusals included, in ms. */
  timeoutMs: number;
  backoff: Backoff;
  /** Longest total wait for refusals, in ms. */
  retryTimeoutMs: number;
  onWait(wait: RetryWait): void;
}

/** Refusals that promise that nothing was done: what must not be done twice may be sent again after them. */
const nothingDone: ReadonlySet<string> = new Set([
  'overloaded',
  'shutting_down',
  'conversation_unavailable',
  'storage_failed',
]);

/** Rejects with a ParleyError: the server's, or our own. */
export function sendRequest(
  action: string,
  payload: object,
  { idempotent = false, retry: mayRetry = true, onWait }: RequestOptions,
  deps: RequestDeps,
): Promise<Result> {
  const { pendingRequests, timeoutMs, backoff } = deps;
  const requestId = newId();
  return new Promise((resolve, reject) => {
    /** The answer while the request waits to be sent again. */
    let refusal: ParleyError | null = null;
    const retry = createRetry({
      send: () => pendingRequests.resend(request),
      backoff,
      limitMs: deps.retryTimeoutMs,
      onWait(wait) {
        const waiting = { action, requestId, conversationId: conversationOf(payload), ...wait };
        onWait?.(waiting);
        deps.onWait(waiting);
      },
    });
    const done = (settle: () => void) => {
      clearTimeout(timer);
      retry.stop();
      pendingRequests.remove(request);
      settle();
    };
    const request: PendingRequest = {
      requestId,
      conversationId: null,
      idempotent,
      body() {
        retry.stop();
        refusal = null;
        return { action, payload };
      },
      receive(frame) {
        if (frame.status === 'result') return done(() => resolve(frame.result));
        if (frame.status !== 'error') return;
        const { error } = frame;
        const isRetryable = mayRetry && (idempotent || nothingDone.has(error.code));
        if (!isRetryable || !retry.afterRejection(error)) return done(() => reject(new ParleyError(error)));
        refusal = new ParleyError(error);
        pendingRequests.markUnsent(request);
      },
      fail: (error) => done(() => reject(error)),
    };
    const timer = setTimeout(
      () => request.fail(refusal ?? clientError('timed_out', `No answer to "${action}" within ${timeoutMs} ms.`)),
      timeoutMs,
    );
    pendingRequests.add(request);
  });
}

function conversationOf(payload: object): string | null {
  return 'conversation_id' in payload && typeof payload.conversation_id === 'string' ? payload.conversation_id : null;
}

/**
 * A request or conversation id: 128 random bits as 32 hexadecimal digits. Not `crypto.randomUUID`: browsers hide it
 * from pages that did not come over https.
 */
export function newId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
