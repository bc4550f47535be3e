/**
 * Runs one turn: sends a chat and receives its frames until its end. After each reconnect the same chat is sent again,
 * with its cursor, and the server attaches the client to the turn.
 */
import type { TurnMetadata } from '../../machines/log.ts';
import type { Payload } from '../protocol/actions.ts';
import type { Chunk } from '../protocol/chunks.ts';
import { createReadBuffer, isRevokedText, mergeChunks } from './read-buffer.ts';
import type { Backoff } from './backoff.ts';
import { clientError, ParleyError } from './errors.ts';
import type { PendingRequest, PendingRequests } from './pending-requests.ts';
import type { Frame } from '../protocol/frames.ts';
import { createRetry, type RetryWait } from './retry.ts';
import { createPosition, type Cursor } from './position.ts';
import type { CancelResult } from './results.ts';

/** The message is stored. `seq`: of its row; null if the row is deleted. */
export interface Accepted {
  seq: number | null;
  /** `attached`: the turn had begun earlier. */
  disposition: Extract<Frame, { status: 'processing' }>['metadata']['disposition'];
  /** Position of a queued turn, from 1. */
  position?: number;
}

/** The end of a turn that did not fail. `seq`: of its last row; null if the row is deleted. */
export interface TurnEnd {
  metadata: TurnMetadata & { replayed?: true };
  seq: number | null;
}

/**
 * The chunks in order, without gaps and repetitions. A `reset` chunk discards a message that was shown in part. For one
 * reader: two loops would share the chunks. The loop throws the error that `end` rejects with.
 */
export interface Turn extends AsyncIterable<Chunk> {
  readonly requestId: string;
  readonly conversationId: string;
  /** Resolves once the message is stored. */
  readonly accepted: Promise<Accepted>;
  /** Resolves when the turn has ended, also by a cancel. Rejects with a ParleyError. */
  readonly end: Promise<TurnEnd>;
  /** The text of all its messages, from the cursor on. Resolves at the end of the turn; rejects as `end` does. Works without reading the chunks. */
  text(): Promise<string>;
  /** The position of the reader, for a later chat with the same id, also after a page reload. */
  cursor(): Cursor;
  /** Cancels the turn. If it was never sent, or the server rejects it for now, it ends at once with the code `aborted`. */
  cancel(): Promise<CancelResult>;
}

/** The chat to send. */
export interface TurnRequest {
  requestId: string;
  conversationId: string;
  /** Payload of the `chat` action, without a cursor. */
  payload: { text?: string; mode?: Payload<'chat'>['mode']; [field: string]: unknown };
  cursor: Cursor;
  /** Cancels the turn when it aborts. */
  signal: AbortSignal | null;
}

/** What a turn gets from its client. */
export interface TurnDeps {
  pendingRequests: Pick<PendingRequests, 'add' | 'resend' | 'remove'>;
  cancel(conversationId: string, target: string): Promise<CancelResult>;
  backoff: Backoff;
  /** Longest total delay after rejections, in ms. */
  retryTimeoutMs: number;
  onWait(wait: RetryWait): void;
}

/** `requested`: frames before `processing` belong to an earlier request. */
type State = 'requested' | 'streaming' | 'ended';

/** Sends a chat and follows its turn. After a reconnect the turn continues at the position of its reader. */
export function startTurn({ requestId, conversationId, payload, cursor, signal }: TurnRequest, deps: TurnDeps): Turn {
  const { pendingRequests, cancel } = deps;
  const accepted = Promise.withResolvers<Accepted>();
  const end = Promise.withResolvers<TurnEnd>();
  const texts = new Map<string, string>();
  const arrived = createPosition(cursor);
  const read = createPosition(cursor);
  let state: State = 'requested';
  let wasSent = false;
  /** True from a rejection until the retry is sent. */
  let isRejected = false;
  /** True if the server confirmed that the message is stored. */
  let isStored = false;

  const buffer = createReadBuffer<Chunk>({ merge: mergeChunks, onRead: (chunk) => void read.take(chunk) });
  const request: PendingRequest = {
    requestId,
    conversationId,
    idempotent: true,
    body() {
      retry.stop();
      state = 'requested';
      wasSent = true;
      isRejected = false;
      // Without `mode` for a stored turn: `reject` would reject it because it is running itself.
      return {
        action: 'chat',
        payload: { ...payload, mode: isStored ? undefined : payload.mode, cursor: arrived.cursor() },
      };
    },
    receive,
    fail,
  };
  const retry = createRetry({
    send: () => pendingRequests.resend(request),
    backoff: deps.backoff,
    limitMs: deps.retryTimeoutMs,
    onWait: (wait) => deps.onWait({ action: 'chat', requestId, conversationId, ...wait }),
  });

  function receive(frame: Frame): void {
    switch (frame.status) {
      case 'processing': {
        const { seq, metadata } = frame;
        state = 'streaming';
        isStored = true;
        for (const position of [arrived, read]) position.passed(seq ?? 0);
        accepted.resolve({ seq: seq ?? null, ...metadata });
        // The cancel may have been lost with the connection.
        if (signal?.aborted) stop();
        return;
      }
      case 'chunk':
        if (state === 'streaming') take(frame.chunk);
        return;
      case 'event': {
        // A subscription of this client that catches up shows the message as a row, and the server sends no chunks of it.
        const { type, id, content } = frame.event;
        if (state === 'streaming' && type === 'assistant_message' && content)
          take({ type: 'text', message_id: id, offset: 0, data: content });
        return;
      }
      case 'complete':
        if (state === 'streaming')
          finish(() => end.resolve({ metadata: frame.metadata, seq: frame.seq ?? null }), null);
        return;
      case 'error': {
        // The end of a turn has a row, or is replayed. Any other error rejects the chat.
        const isEnd = frame.seq !== undefined || frame.metadata?.replayed === true;
        if (!isEnd) {
          state = 'requested';
          isRejected = true;
          if (retry.afterRejection(frame.error)) return;
        }
        fail(new ParleyError(frame.error, frame.metadata));
        return;
      }
      default:
        return;
    }
  }

  function take(chunk: Chunk): void {
    const taken = arrived.take(chunk);
    if (taken === 'repeat') return;
    if (taken === 'gap') {
      state = 'requested';
      if (!retry.afterGap())
        fail(clientError('unexpected_answer', 'Chunks of the turn are missing, also after sending the chat again.'));
      return;
    }
    retry.reset();
    if (taken.type === 'text') texts.set(taken.message_id, (texts.get(taken.message_id) ?? '') + taken.data);
    if (taken.type === 'reset') {
      const { message_id: messageId } = taken;
      texts.delete(messageId);
      buffer.discard((waiting) => isRevokedText(waiting, messageId));
    }
    buffer.push(taken);
  }

  function fail(error: ParleyError): void {
    finish(() => end.reject(error), error);
    accepted.reject(error);
  }

  function finish(settle: () => void, error: ParleyError | null): void {
    if (state === 'ended') return;
    state = 'ended';
    retry.stop();
    pendingRequests.remove(request);
    signal?.removeEventListener('abort', stop);
    settle();
    if (error) buffer.fail(error);
    else buffer.end();
  }

  async function cancelTurn(): Promise<CancelResult> {
    if (isStored || (wasSent && !isRejected)) return cancel(conversationId, requestId);
    fail(clientError('aborted', `The message was cancelled before it was ${wasSent ? 'accepted' : 'sent'}.`));
    // An earlier sending may have been accepted, and its response lost.
    if (wasSent) cancel(conversationId, requestId).catch(() => {});
    return { cancelled: [requestId], disposition: 'cancelled' };
  }

  /** Cancels without waiting for the response. `end` shows what happened. */
  function stop(): void {
    cancelTurn().catch(() => {});
  }

  // A caller that only reads the chunks gets the error there. This marks the rejections as handled.
  accepted.promise.catch(() => {});
  end.promise.catch(() => {});
  if (signal?.aborted) {
    fail(clientError('aborted', 'The signal was aborted before the message was sent.'));
  } else {
    signal?.addEventListener('abort', stop);
    pendingRequests.add(request);
  }

  return {
    requestId,
    conversationId,
    accepted: accepted.promise,
    end: end.promise,
    async text() {
      await end.promise;
      return [...texts.values()].join('');
    },
    cursor: read.cursor,
    cancel: cancelTurn,
    [Symbol.asyncIterator]: () => buffer.reader,
  };
}
