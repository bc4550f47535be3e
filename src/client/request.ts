/**
 * Sends a request that has one `result`. Retries while the server rejects it for now, and fails after a timeout.
 */
import type { Backoff } from './backoff.ts';
import { clientError, ParleyError } from './errors.ts';
import type { PendingRequest, PendingRequests } from './pending-requests.ts';
import { createRetry, type RetryWait } from './retry.ts';
import type { Result } from './results.ts';

/** All are optional. */
export interface RequestOptions {
  /** True: the request is sent again if the socket is lost before the response. Default: false. */
  idempotent?: boolean;
  /** False: the promise rejects at the first rejection by the server. Default: true. */
  retry?: boolean;
  /** Like the client's `onWait`, for this request. Both are called. */
  onWait?(wait: RetryWait): void;
}

/** What a request gets from its client. */
export interface RequestDeps {
  pendingRequests: Pick<PendingRequests, 'add' | 'resend' | 'markUnsent' | 'remove'>;
  /** Timeout in ms, including reconnects and retries. */
  timeoutMs: number;
  backoff: Backoff;
  /** Longest total delay after rejections, in ms. */
  retryTimeoutMs: number;
  onWait(wait: RetryWait): void;
}

/** Codes that guarantee that nothing was done. Also requests that are not idempotent may be sent again after them. */
const nothingDone: ReadonlySet<string> = new Set([
  'overloaded',
  'shutting_down',
  'conversation_unavailable',
  'storage_failed',
]);

/** Rejects with a ParleyError of the server or the client. */
export function sendRequest(
  action: string,
  payload: object,
  { idempotent = false, retry: mayRetry = true, onWait }: RequestOptions,
  deps: RequestDeps,
): Promise<Result> {
  const { pendingRequests, timeoutMs, backoff } = deps;
  const requestId = newId();
  return new Promise((resolve, reject) => {
    /** The last rejection while the request waits for its retry. */
    let rejection: ParleyError | null = null;
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
        rejection = null;
        return { action, payload };
      },
      receive(frame) {
        if (frame.status === 'result') return done(() => resolve(frame.result));
        if (frame.status !== 'error') return;
        const { error } = frame;
        const isRetryable = mayRetry && (idempotent || nothingDone.has(error.code));
        if (!isRetryable || !retry.afterRejection(error)) return done(() => reject(new ParleyError(error)));
        rejection = new ParleyError(error);
        pendingRequests.markUnsent(request);
      },
      fail: (error) => done(() => reject(error)),
    };
    const timer = setTimeout(
      () =>
        request.fail(
          rejection ??
            clientError(
              'timed_out',
              `No response to "${action}" within ${timeoutMs} ms. Try again, or raise requestTimeoutMs.`,
            ),
        ),
      timeoutMs,
    );
    pendingRequests.add(request);
  });
}

function conversationOf(payload: object): string | null {
  return 'conversation_id' in payload && typeof payload.conversation_id === 'string' ? payload.conversation_id : null;
}

/**
 * A request or conversation id: 128 random bits as 32 hexadecimal digits. Not `crypto.randomUUID`: browsers offer it
 * only to pages from https.
 */
export function newId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
