/**
 * One turn: a chat from its sending to its end, over as many sockets as it takes. The same chat is
 * sent again with each of them (the server attaches us to the turn it began), from where we were.
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

/** The server has the message; `seq` is its row's, null if that is no longer kept. */
export interface Accepted {
  seq: number | null;
  /** `attached`: the turn had begun before. */
  disposition: Extract<Frame, { status: 'processing' }>['metadata']['disposition'];
  /** Turns ahead of a queued one. */
  position?: number;
}

/** A turn that did not fail; `seq` is its last row's, null if that is no longer kept. */
export interface TurnEnd {
  metadata: TurnMetadata & { replayed?: true };
  seq: number | null;
}

/**
 * Chunks in order, without gap or repeat; a `reset` chunk takes back a message that was shown in part.
 * There is one reader: two loops share the chunks. The loop throws what `end` rejects with.
 */
export interface Turn extends AsyncIterable<Chunk> {
  readonly requestId: string;
  readonly conversationId: string;
  /** Resolves once the message is stored. */
  readonly accepted: Promise<Accepted>;
  /** Resolves when the turn has ended, a stopped one too; rejects with a ParleyError. */
  readonly end: Promise<TurnEnd>;
  /** The text of all its messages (from the cursor on, if it began with one), once it has ended; rejects as `end` does. Needs no reader of the chunks. */
  text(): Promise<string>;
  /** Where the reader is: what to give a later chat under the same id, on this page or the next. */
  cursor(): Cursor;
  /** Stops the turn. One that was never sent, or that the server has not accepted yet and refuses for now, ends at once with the code `aborted`. */
  cancel(): Promise<CancelResult>;
}

export interface TurnRequest {
  requestId: string;
  conversationId: string;
  /** Of the `chat` action, without a cursor. */
  payload: { text?: string; mode?: Payload<'chat'>['mode']; [field: string]: unknown };
  cursor: Cursor;
  /** Stops the turn when it aborts. */
  signal: AbortSignal | null;
}

export interface TurnDeps {
  pendingRequests: Pick<PendingRequests, 'add' | 'resend' | 'remove'>;
  cancel(conversationId: string, target: string): Promise<CancelResult>;
  backoff: Backoff;
  /** Longest total wait for refusals, in ms. */
  retryTimeoutMs: number;
  onWait(wait: RetryWait): void;
}

/** `requested`: what comes before `processing` belongs to an earlier attempt to follow. */
type State = 'requested' | 'streaming' | 'ended';

export function startTurn({ requestId, conversationId, payload, cursor, signal }: TurnRequest, deps: TurnDeps): Turn {
  const { pendingRequests, cancel } = deps;
  const accepted = Promise.withResolvers<Accepted>();
  const end = Promise.withResolvers<TurnEnd>();
  const texts = new Map<string, string>();
  const arrived = createPosition(cursor);
  const read = createPosition(cursor);
  let state: State = 'requested';
  let wasSent = false;
  /** True from a refusal that is waited for to the next sending. */
  let isRefused = false;
  /** Whether the server is known to have it. */
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
      isRefused = false;
      // A turn that exists need not be let in again: `reject` would refuse it for being busy with itself.
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
        // The Stop may have been lost with the connection.
        if (signal?.aborted) stop();
        return;
      }
      case 'chunk':
        if (state === 'streaming') take(frame.chunk);
        return;
      case 'complete':
        if (state === 'streaming')
          finish(() => end.resolve({ metadata: frame.metadata, seq: frame.seq ?? null }), null);
        return;
      case 'error': {
        // A turn's end has a row, or is told anew. Anything else is a refusal.
        const isEnd = frame.seq !== undefined || frame.metadata?.replayed === true;
        if (!isEnd) {
          state = 'requested';
          isRefused = true;
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
        fail(clientError('unexpected_answer', 'Parts of the answer are missing, also after asking again.'));
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
    if (isStored || (wasSent && !isRefused)) return cancel(conversationId, requestId);
    fail(clientError('aborted', `The message was stopped before it was ${wasSent ? 'accepted' : 'sent'}.`));
    // An earlier sending, whose answer was lost, may have been accepted.
    if (wasSent) cancel(conversationId, requestId).catch(() => {});
    return { cancelled: [requestId], disposition: 'cancelled' };
  }

  /** Nobody waits for this Stop's answer; what became of the turn, its end tells. */
  function stop(): void {
    cancelTurn().catch(() => {});
  }

  // Who reads the chunks need not look at the promises: their rejection is handled there.
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
