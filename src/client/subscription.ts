/**
 * Subscribes to a conversation: its rows, the message that is being written, and its state. Subscribes again after each
 * reconnect, from its position.
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
 * The frames of a subscription. `result` comes first, and again after each reconnect (`truncated`, `reset`: the log
 * continues at another row than the cursor's). Rows come as `event`; chunks show only text without a row yet. `complete`
 * and `error` follow the row of the same end. If a turn ended during a reconnect, only the row comes.
 */
export type SubscriptionFrame =
  | { status: 'result'; conversation_id: string; result: SubscribeResult }
  | Extract<Frame, { status: 'event' | 'chunk' | 'complete' | 'error' | 'state' | 'deleted' }>;

/** Ends when the conversation is deleted, at `close`, or when the loop is left. Throws a ParleyError. For one reader. */
export interface Subscription extends AsyncIterable<SubscriptionFrame> {
  readonly conversationId: string;
  /** The position of the reader, for a later `subscribe`, also after a page reload. */
  cursor(): Cursor;
  close(): void;
}

/** What to follow, and from where. */
export interface SubscriptionRequest {
  /** The id of the `subscribe` request. */
  requestId: string;
  conversationId: string;
  cursor: Cursor;
  /** Also `state` frames. */
  state: boolean;
}

/** What a subscription gets from its client. */
export interface SubscriptionDeps {
  pendingRequests: Pick<PendingRequests, 'add' | 'resend' | 'remove'>;
  backoff: Backoff;
  /** Longest total delay after rejections, in ms. */
  retryTimeoutMs: number;
  onWait(wait: RetryWait): void;
  /** Called at the end of the subscription. */
  onEnd(): void;
}

/** A subscription, and the function that takes the frames of its conversation. */
export interface SubscriptionHandle {
  readonly subscription: Subscription;
  onFrame(frame: Frame): void;
}

/** `requested`: frames before the `result` belong to other requests or to an earlier subscription. */
type State = 'requested' | 'streaming' | 'ended';

/** Subscribes to a conversation, again after each reconnect, from the position of its reader. */
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

  /** Handles the response to the `subscribe` request. */
  function receive(frame: Frame): void {
    if (frame.status === 'result') {
      const result = readResult('subscribe', frame.result);
      if (result instanceof ParleyError) return fail(result);
      state = 'streaming';
      moveTo(arrived, result);
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
        // These chunks show rows, and rows come as events.
        if ('seq' in frame.chunk) return;
        const chunk = arrived.take(frame.chunk);
        if (chunk === 'repeat' || chunk === 'gap') return take(frame, chunk);
        if (chunk.type === 'reset')
          buffer.discard((waiting) => waiting.status === 'chunk' && isRevokedText(waiting.chunk, chunk.message_id));
        take({ ...frame, chunk }, 'new');
        return;
      }
      case 'complete':
        // A repetition, for a chat that was sent again.
        if (frame.metadata.replayed === undefined) take(frame, 'new');
        return;
      case 'error':
        // With a row: the end of a turn. Without a request: about the conversation. Others answer other requests.
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

  function take(frame: SubscriptionFrame, continuity: 'new' | 'repeat' | 'gap'): void {
    if (continuity === 'new') {
      retry.reset();
      buffer.push(frame);
    } else if (continuity === 'gap') {
      state = 'requested';
      if (!retry.afterGap())
        fail(clientError('unexpected_answer', 'Frames of the conversation are missing, also after subscribing again.'));
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
    if (frame.status === 'result') moveTo(read, frame.result);
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

/** Moves a cursor that is before the oldest row or behind the newest. */
function moveTo(
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
