/**
 * A conversation as one follows it from the side: its rows, what is being written now, and how it
 * stands. Subscribes again with each new socket, from its own place.
 */
import type { Frame } from '../protocol/frames.ts';
import { createReadBuffer, isRevokedText, mergeChunks } from './read-buffer.ts';
import type { Backoff } from './backoff.ts';
import { clientError, ParleyError } from './errors.ts';
import type { PendingRequest, PendingRequests } from './pending-requests.ts';
import { createRetry, type RetryWait } from './retry.ts';
import { createPosition, type Cursor } from './position.ts';
import { readResult, type SubscribeResult } from './results.ts';

/**
 * What a handle reads. `result` comes first, and again after each reconnect (`truncated`, `reset`:
 * the log goes on elsewhere than the cursor said). Rows come as `event`; chunks show only what has no
 * row yet. `complete` and `error` follow the row that says the same; of a turn that ended while the
 * connection was away there is only the row.
 */
export type SubscriptionFrame =
  | { status: 'result'; conversation_id: string; result: SubscribeResult }
  | Extract<Frame, { status: 'event' | 'chunk' | 'complete' | 'error' | 'state' | 'deleted' }>;

/** Ends with the conversation (`deleted`), with `close`, or when the loop is left; throws a ParleyError. One reader. */
export interface Subscription extends AsyncIterable<SubscriptionFrame> {
  readonly conversationId: string;
  /** Where the reader is: what to give a later `follow`, on this page or the next. */
  cursor(): Cursor;
  close(): void;
}

export interface SubscriptionRequest {
  /** Of the `subscribe`. */
  requestId: string;
  conversationId: string;
  cursor: Cursor;
  /** Also `state` frames. */
  state: boolean;
}

export interface SubscriptionDeps {
  pendingRequests: Pick<PendingRequests, 'add' | 'resend' | 'remove'>;
  backoff: Backoff;
  /** Longest total wait for refusals, in ms. */
  retryTimeoutMs: number;
  onWait(wait: RetryWait): void;
  /** Follows no more: the server may be told, if it still sends. */
  onEnd(): void;
}

/** A follow, and where the client hands it what concerns its conversation. */
export interface SubscriptionHandle {
  readonly subscription: Subscription;
  onFrame(frame: Frame): void;
}

/** `requested`: what comes before the `result` belongs to others, or to an earlier subscription. */
type State = 'requested' | 'streaming' | 'ended';

export function startSubscription(
  { requestId, conversationId, cursor, state: wantsState }: SubscriptionRequest,
  deps: SubscriptionDeps,
): SubscriptionHandle {
  const { pendingRequests, onEnd } = deps;
  const arrived = createPosition(cursor);
  const read = createPosition(cursor);
  let state: State = 'requested';

  const buffer = createReadBuffer<SubscriptionFrame>({
    merge,
    onRead: noteRead,
    onLeft: () => finish(() => buffer.end()),
  });
  const request: PendingRequest = {
    requestId,
    conversationId,
    idempotent: true,
    body() {
      retry.stop();
      state = 'requested';
      return {
        action: 'subscribe',
        payload: { conversation_id: conversationId, ...arrived.cursor(), state: wantsState },
      };
    },
    receive,
    fail,
  };
  const retry = createRetry({
    send: () => pendingRequests.resend(request),
    backoff: deps.backoff,
    limitMs: deps.retryTimeoutMs,
    onWait: (wait) => deps.onWait({ action: 'subscribe', requestId, conversationId, ...wait }),
  });

  /** Answers to the `subscribe` itself. */
  function receive(frame: Frame): void {
    if (frame.status === 'result') {
      const result = readResult('subscribe', frame.result);
      if (result instanceof ParleyError) return fail(result);
      state = 'streaming';
      goOn(arrived, result);
      buffer.push({ status: 'result', conversation_id: conversationId, result });
    } else if (frame.status === 'error') {
      state = 'requested';
      if (!retry.afterRejection(frame.error)) fail(new ParleyError(frame.error));
    }
  }

  function onFrame(frame: Frame): void {
    if (state !== 'streaming') return;
    switch (frame.status) {
      case 'event': {
        const { seq, event } = frame;
        take(frame, arrived.row(seq, event.type === 'assistant_message' ? event.id : null));
        return;
      }
      case 'chunk': {
        // Those show rows, and rows come as events.
        if ('seq' in frame.chunk) return;
        const chunk = arrived.take(frame.chunk);
        if (chunk === 'repeat' || chunk === 'gap') return take(frame, chunk);
        if (chunk.type === 'reset')
          buffer.discard((waiting) => waiting.status === 'chunk' && isRevokedText(waiting.chunk, chunk.message_id));
        take({ ...frame, chunk }, 'new');
        return;
      }
      case 'complete':
        // Told anew for a chat that was sent again: no news.
        if (frame.metadata.replayed === undefined) take(frame, 'new');
        return;
      case 'error':
        // A turn's end has a row; without a request it is about the conversation. The rest answers others.
        if ((frame.seq !== undefined && frame.metadata?.replayed === undefined) || frame.request_id === null)
          take(frame, 'new');
        return;
      case 'state':
        take(frame, 'new');
        return;
      case 'deleted':
        take(frame, 'new');
        finish(() => buffer.end());
        return;
      case 'processing':
      case 'result':
        return;
    }
  }

  function take(frame: SubscriptionFrame, verdict: 'new' | 'repeat' | 'gap'): void {
    if (verdict === 'new') {
      retry.reset();
      buffer.push(frame);
    } else if (verdict === 'gap') {
      state = 'requested';
      if (!retry.afterGap())
        fail(clientError('unexpected_answer', 'Parts of the conversation are missing, also after asking again.'));
    }
  }

  function fail(error: ParleyError): void {
    finish(() => buffer.fail(error));
  }

  function finish(settle: () => void): void {
    if (state === 'ended') return;
    state = 'ended';
    retry.stop();
    pendingRequests.remove(request);
    settle();
    onEnd();
  }

  function noteRead(frame: SubscriptionFrame): void {
    if (frame.status === 'result') goOn(read, frame.result);
    else if (frame.status === 'event')
      read.row(frame.seq, frame.event.type === 'assistant_message' ? frame.event.id : null);
    else if (frame.status === 'chunk') read.take(frame.chunk);
  }

  pendingRequests.add(request);
  return {
    onFrame: onFrame,
    subscription: {
      conversationId,
      cursor: read.cursor,
      close: () => void buffer.reader.return?.(),
      [Symbol.asyncIterator]: () => buffer.reader,
    },
  };
}

/** What was trimmed away cannot come, and what lies beyond the head was never there. */
function goOn(
  position: ReturnType<typeof createPosition>,
  { truncated, reset, oldest_seq: oldestSeq }: SubscribeResult,
): void {
  if (truncated || reset) position.restart(oldestSeq - 1);
}

function merge(earlier: SubscriptionFrame, later: SubscriptionFrame): SubscriptionFrame | null {
  if (earlier.status === 'state' && later.status === 'state') return later;
  if (earlier.status !== 'chunk' || later.status !== 'chunk') return null;
  const chunk = mergeChunks(earlier.chunk, later.chunk);
  return chunk && { ...earlier, chunk };
}
