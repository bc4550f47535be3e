/**
 * What has arrived and was not read yet, as an async iterator for one reader. Bounded: what can be
 * one item becomes one, and a reader that falls too far behind gets an error after what waits for it.
 */
import type { Chunk } from '../protocol/chunks.ts';
import { clientError } from './errors.ts';

export interface ReadBuffer<Item> {
  push(item: Item): void;
  /** Drops what waits and is no longer true. */
  discard(isStale: (item: Item) => boolean): void;
  /** The reader gets what waits, then the end. */
  end(): void;
  /** The reader gets what waits, then the error. */
  fail(error: Error): void;
  readonly reader: AsyncIterableIterator<Item, undefined>;
}

export interface ReadBufferOptions<Item> {
  /** Two items that wait as one; null if they cannot be. */
  merge(earlier: Item, later: Item): Item | null;
  /** The reader has it now. */
  onRead?(item: Item): void;
  /** The reader will read no more: it has left the loop, or was too slow. */
  onLeft?(): void;
}

/** Merged items that may wait for a reader. */
const MAX_WAITING = 10_000;

type State = { at: 'filling' } | { at: 'failed'; error: Error } | { at: 'ended' };

export function createReadBuffer<Item>({ merge, onRead, onLeft }: ReadBufferOptions<Item>): ReadBuffer<Item> {
  let waiting: Item[] = [];
  let pendingReads: ((take: () => IteratorResult<Item, undefined>) => void)[] = [];
  let state: State = { at: 'filling' };

  const nothing = { done: true, value: undefined } as const;
  const close = (next: State) => {
    if (state.at !== 'filling') return;
    state = next;
    const readers = pendingReads;
    pendingReads = [];
    for (const resolveRead of readers) resolveRead(finish);
  };
  /** An error is told once. */
  const finish = (): IteratorResult<Item, undefined> => {
    if (state.at !== 'failed') return nothing;
    const { error } = state;
    state = { at: 'ended' };
    throw error;
  };
  const deliver = (item: Item) => {
    onRead?.(item);
    return { done: false, value: item } as const;
  };
  const mergeInto = (item: Item): boolean => {
    for (let index = waiting.length - 1; index >= 0; index -= 1) {
      const earlier = waiting[index];
      const merged = earlier === undefined ? null : merge(earlier, item);
      if (merged === null) continue;
      waiting[index] = merged;
      return true;
    }
    return false;
  };

  return {
    push(item) {
      if (state.at !== 'filling') return;
      const resolveRead = pendingReads.shift();
      if (resolveRead) {
        resolveRead(() => deliver(item));
        return;
      }
      if (mergeInto(item)) return;
      waiting.push(item);
      if (waiting.length < MAX_WAITING) return;
      close({
        at: 'failed',
        error: clientError('reader_too_slow', `${MAX_WAITING} frames wait for a reader that does not come.`),
      });
      onLeft?.();
    },
    discard(isStale) {
      waiting = waiting.filter((item) => !isStale(item));
    },
    end: () => close({ at: 'ended' }),
    fail: (error) => close({ at: 'failed', error }),
    reader: {
      async next() {
        const item = waiting.shift();
        if (item !== undefined) return deliver(item);
        if (state.at !== 'filling') return finish();
        const take = await new Promise<() => IteratorResult<Item, undefined>>((resolve) => pendingReads.push(resolve));
        return take();
      },
      async return() {
        waiting = [];
        const wasFilling = state.at === 'filling';
        close({ at: 'ended' });
        state = { at: 'ended' };
        if (wasFilling) onLeft?.();
        return nothing;
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    },
  };
}

/** Null if the two must stay apart. Chunks come without gaps (position.ts), so texts simply join. */
export function mergeChunks(earlier: Chunk, later: Chunk): Chunk | null {
  if (isText(earlier) && isText(later) && earlier.type === later.type && earlier.message_id === later.message_id) {
    return { ...earlier, data: earlier.data + later.data };
  }
  if (earlier.type === 'tool_progress' && later.type === 'tool_progress' && earlier.call_id === later.call_id)
    return later;
  return null;
}

/** True for text of a message that a `reset` takes back. */
export function isRevokedText(chunk: Chunk, messageId: string): boolean {
  return isText(chunk) && chunk.message_id === messageId;
}

function isText(chunk: Chunk): chunk is Extract<Chunk, { type: 'text' | 'reasoning' }> {
  return chunk.type === 'text' || chunk.type === 'reasoning';
}
