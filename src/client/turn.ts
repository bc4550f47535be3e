/**
 * One turn: a chat from its sending to its end, over as many sockets as it takes. The same chat is
 * sent again with each of them (the server attaches us to the turn it began), from where we were.
 */
import type { TurnMetadata } from '../../machines/log.ts';
import type { Payload } from '../protocol/actions.ts';
import type { Chunk } from '../protocol/chunks.ts';
import { createBacklog, isTakenBack, mergeChunks } from './read-buffer.ts';
import type { Backoff } from './backoff.ts';
import { clientError, ParleyError } from './errors.ts';
import type { Exchange, Exchanges } from './pending-requests.ts';
import type { Incoming } from './frames.ts';
import { createPatience, type Waiting } from './retry.ts';
import { createPosition, type Cursor } from './position.ts';
import type { CancelResult } from './results.ts';

/** The server has the message; `seq` is its row's, null if that is no longer kept. */
export interface Accepted {
  seq: number | null;
  /** `attached`: the turn had begun before. */
  disposition: Extract<Incoming, { status: 'processing' }>['metadata']['disposition'];
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
  exchanges: Pick<Exchanges, 'open' | 'again' | 'close'>;
  cancel(conversationId: string, target: string): Promise<CancelResult>;
  backoff: Backoff;
  /** Longest total wait for refusals, in ms. */
  retryTimeoutMs: number;
  onWait(wait: Waiting): void;
}

/** `asking`: what comes before `processing` belongs to an earlier attempt to follow. */
type State = 'asking' | 'following' | 'ended';

export function startTurn({ requestId, conversationId, payload, cursor, signal }: TurnRequest, deps: TurnDeps): Turn {
  const { exchanges, cancel } = deps;
  const accepted = Promise.withResolvers<Accepted>();
  const end = Promise.withResolvers<TurnEnd>();
  const texts = new Map<string, string>();
  const arrived = createPosition(cursor);
  const read = createPosition(cursor);
  let state: State = 'asking';
  let wasSent = false;
  /** True from a refusal that is waited for to the next sending. */
  let isRefused = false;
  /** Whether the server is known to have it. */
  let isStored = false;

  const backlog = createBacklog<Chunk>({ merge: mergeChunks, onRead: (chunk) => void read.take(chunk) });
  const exchange: Exchange = {
    requestId,
    conversationId,
    repeatable: true,
    question() {
      patience.stop();
      state = 'asking';
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
  const patience = createPatience({
    ask: () => exchanges.again(exchange),
    backoff: deps.backoff,
    limitMs: deps.retryTimeoutMs,
    onWait: (wait) => deps.onWait({ action: 'chat', requestId, conversationId, ...wait }),
  });

  function receive(frame: Incoming): void {
    switch (frame.status) {
      case 'processing': {
        const { seq, metadata } = frame;
        state = 'following';
        isStored = true;
        for (const position of [arrived, read]) position.passed(seq ?? 0);
        accepted.resolve({ seq: seq ?? null, ...metadata });
        // The Stop may have been lost with the connection.
        if (signal?.aborted) stop();
        return;
      }
      case 'chunk':
        if (state === 'following') take(frame.chunk);
        return;
      case 'complete':
        if (state === 'following')
          finish(() => end.resolve({ metadata: frame.metadata, seq: frame.seq ?? null }), null);
        return;
      case 'error': {
        // A turn's end has a row, or is told anew. Anything else is a refusal.
        const isEnd = frame.seq !== undefined || frame.metadata?.replayed === true;
        if (!isEnd) {
          state = 'asking';
          isRefused = true;
          if (patience.refused(frame.error)) return;
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
      state = 'asking';
      if (!patience.missed())
        fail(clientError('unexpected_answer', 'Parts of the answer are missing, also after asking again.'));
      return;
    }
    patience.renew();
    if (taken.type === 'text') texts.set(taken.message_id, (texts.get(taken.message_id) ?? '') + taken.data);
    if (taken.type === 'reset') {
      const { message_id: messageId } = taken;
      texts.delete(messageId);
      backlog.discard((waiting) => isTakenBack(waiting, messageId));
    }
    backlog.push(taken);
  }

  function fail(error: ParleyError): void {
    finish(() => end.reject(error), error);
    accepted.reject(error);
  }

  function finish(settle: () => void, error: ParleyError | null): void {
    if (state === 'ended') return;
    state = 'ended';
    patience.stop();
    exchanges.close(exchange);
    signal?.removeEventListener('abort', stop);
    settle();
    if (error) backlog.fail(error);
    else backlog.end();
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
    exchanges.open(exchange);
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
    [Symbol.asyncIterator]: () => backlog.reader,
  };
}
