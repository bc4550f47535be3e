/**
 * One request that is answered by one `result`: sent, waited for, given up when it takes too long.
 * Knows no action; what a result means is for results.ts.
 */
import { clientError, ParleyError } from './errors.ts';
import type { Exchange, Exchanges } from './exchanges.ts';
import { newId } from './ids.ts';
import type { Result } from './results.ts';

export interface RequestOptions {
  /** True if a second run changes nothing: then it is sent again when the socket falls before its answer. */
  repeatable?: boolean;
}

export interface RequestDeps {
  exchanges: Pick<Exchanges, 'open' | 'close'>;
  /** Longest wait for the answer, reconnects included. */
  timeoutMs: number;
}

/** Rejects with a ParleyError: the server's, or our own. */
export function sendRequest(action: string, payload: object, { repeatable = false }: RequestOptions, { exchanges, timeoutMs }: RequestDeps): Promise<Result> {
  return new Promise((resolve, reject) => {
    const done = (settle: () => void) => {
      clearTimeout(timer);
      exchanges.close(exchange);
      settle();
    };
    const exchange: Exchange = {
      requestId: newId(),
      conversationId: null,
      repeatable,
      question: () => ({ action, payload }),
      receive(frame) {
        if (frame.status === 'result') done(() => resolve(frame.result));
        else if (frame.status === 'error') done(() => reject(new ParleyError(frame.error)));
      },
      fail: (error) => done(() => reject(error)),
    };
    const timer = setTimeout(() => exchange.fail(clientError('timed_out', `No answer to "${action}" within ${timeoutMs} ms.`)), timeoutMs);
    exchanges.open(exchange);
  });
}
