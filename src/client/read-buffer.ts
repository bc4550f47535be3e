/**
 * Buffers items for one reader, as an async iterator. Merges waiting items where possible. If too many
 * items wait, the reader gets them, then an error.
 */
import type { Chunk } from '../protocol/chunks.ts';
import { clientError } from './errors.ts';

/** The buffer between the socket and one reader. */
export interface ReadBuffer<Item> {
  push(item: Item): void;
  /** Removes waiting items. */
  discard(isStale: (item: Item) => boolean): void;
  /** The reader gets the waiting items, then the end. */
  end(): void;
  /** The reader gets the waiting items, then the error. */
  fail(error: Error): void;
  readonly reader: AsyncIterableIterator<Item, undefined>;
}

/** How items are merged, and what the reader causes. */
export interface ReadBufferOptions<Item> {
  /** Merges two waiting items; null if they cannot be merged. */
  merge(earlier: Item, later: Item): Item | null;
  /** Called when the reader gets an item. */
  onRead?(item: Item): void;
  /** Called when the reader stops: it left the loop, or was too slow. */
  onLeft?(): void;
}

/** Limit of waiting items, after merging. */
const MAX_WAITING = 10_000;

type State = { at: 'filling' } | { at: 'failed'; error: Error } | { at: 'ended' };

/** Creates the buffer of what one reader has not read. Items that the reader has not taken are merged. */
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
  /** Throws an error only once. */
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
        error: clientError(
          'reader_too_slow',
          `${MAX_WAITING} frames were not read. Read them faster, or leave the loop.`,
        ),
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

/** Merges two chunks; null if they cannot be merged. Chunks have no gaps (position.ts), so texts are concatenated. */
export function mergeChunks(earlier: Chunk, later: Chunk): Chunk | null {
  if (isText(earlier) && isText(later) && earlier.type === later.type && earlier.message_id === later.message_id) {
    return { ...earlier, data: earlier.data + later.data };
  }
  if (earlier.type === 'tool_progress' && later.type === 'tool_progress' && earlier.call_id === later.call_id)
    return later;
  return null;
}

/** True for text of a message that a `reset` discards. */
export function isRevokedText(chunk: Chunk, messageId: string): boolean {
  return isText(chunk) && chunk.message_id === messageId;
}

function isText(chunk: Chunk): chunk is Extract<Chunk, { type: 'text' | 'reasoning' }> {
  return chunk.type === 'text' || chunk.type === 'reasoning';
}
