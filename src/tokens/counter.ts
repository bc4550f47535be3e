/**
 * Counts tokens for the rest of the server: from the cache, at once if that is cheap, else in a
 * worker thread. The main thread neither loads ranks nor counts a long text, so no text can hold
 * up the event loop; no count ever fails, at worst it is an estimate.
 */
import { hash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import { createCountingThread, type CountingThread } from './counting-thread.ts';
import { createEncoder } from './encoder.ts';
import type { Encoder } from './encoder.ts';
import { encodingForModel } from './encodings.ts';
import type { RankTable } from './ranks.ts';

export interface TokenCounter {
  /**
   * Tokens of `text` as the model's encoding has them, special tokens read as plain text. A number
   * where one is at hand, else a promise, which never rejects. It is `estimateTokens` for a text over
   * `longestExactUnits`, and for one that needs the thread when that has ended or its queue is full.
   */
  count(text: string): number | Promise<number>;
  /** Counts for another model from now on. */
  use(model: string): void;
  /** Loads the ranks if they are not there; resolves when short texts count at once, or never will. */
  ready(): Promise<void>;
  /** Ends the thread, which else keeps the process alive; what waits is estimated. */
  close(): Promise<void>;
}

export interface TokenCounterOptions {
  /** As the provider names it. */
  model: string;
  /** Counts remembered, 1,024 if absent; about 200 bytes each, whatever the texts' length. */
  cacheEntries?: number;
  /** Longest text counted on the calling thread, 4,096 if absent: 0.1 ms of prose, 1.3 ms of the worst text known, thrice that at first. */
  inlineBytes?: number;
  /** The worker thread died; `final` if there will be no other and long texts are estimated from now on. */
  onThreadExit?: (cause: unknown, final: boolean) => void;
}

/** In UTF-16 units. Hashing and posting more would itself take milliseconds, and no window holds such a text. */
const longestExactUnits = 512 * 1024;

/** No UTF-16 unit takes more bytes than this in UTF-8. */
const maxBytesPerUnit = 3;

/**
 * Starts no thread before the first text that needs one, or `ready`. A model that is not known is counted
 * with the newest encoding: close enough to keep a window, though not exact.
 */
export function createTokenCounter(options: TokenCounterOptions): TokenCounter {
  const { model, cacheEntries = 1024, inlineBytes = 4096, onThreadExit: onThreadDeath } = options;
  const cache = new LRUCache<string, number>({ max: cacheEntries });
  const settled = Promise.withResolvers<void>();
  let encoder: Encoder | null = null;
  let encoding = encodingForModel(model);
  let thread = createThread();

  function createThread(): CountingThread {
    const created: CountingThread = createCountingThread({
      encoding,
      script: new URL('./worker.ts', import.meta.url),
      onTable: (table) => void prepareInline(table, created),
      onExit(cause, final) {
        if (final) settled.resolve();
        onThreadDeath?.(cause, final);
      },
    });
    return created;
  }

  async function prepareInline(table: RankTable, origin: CountingThread): Promise<void> {
    const cold = createEncoder(table);
    await warmUp(cold);
    settled.resolve();
    // The table of an encoding that is not used any more.
    if (origin === thread) encoder = cold;
  }

  function isInline(text: string): boolean {
    if (text.length * maxBytesPerUnit <= inlineBytes) return true;
    return text.length <= inlineBytes && Buffer.byteLength(text) <= inlineBytes;
  }

  async function countInThread(text: string, key: string): Promise<number> {
    const counting = thread;
    const tokens = await counting.count(text);
    if (tokens === null || counting !== thread) return tokens ?? estimateTokens(text);
    cache.set(key, tokens);
    return tokens;
  }

  return {
    count(text) {
      if (text.length > longestExactUnits) return estimateTokens(text);
      // A digest, never the text: a key of 44 characters cannot hold a long text, or the frame it was cut from.
      const key = hash('sha256', text, 'base64');
      const cached = cache.get(key);
      if (cached !== undefined) return cached;
      if (encoder === null || !isInline(text)) return countInThread(text, key);
      const tokens = encoder.count(text);
      cache.set(key, tokens);
      return tokens;
    },
    use(next) {
      if (encodingForModel(next) === encoding) return;
      encoding = encodingForModel(next);
      const last = thread;
      thread = createThread();
      thread.start();
      encoder = null;
      cache.clear();
      last.close().catch((cause: unknown) => onThreadDeath?.(cause, false));
    },
    ready() {
      thread.start();
      return settled.promise;
    },
    async close() {
      settled.resolve();
      await thread.close();
    },
  };
}

/**
 * The estimate where counting is impossible: a third of the UTF-8 bytes. More than prose (four bytes
 * or more a token) and most scripts take, so that a context built on it rather falls short of the
 * model's window than overruns it; the densest (base64, rare characters) takes up to three times as much.
 */
export function estimateTokens(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / 3);
}

/**
 * A first text of 4 KB, if hostile, would hold the loop for 8 ms: V8 compiles the expression on its first match
 * and again on the second, for text in Latin-1 and other text each, and the merge is not optimised yet.
 * Pay in small coins, each in a turn of the loop of its own (immediates would share one with the message).
 */
async function warmUp(encoder: Encoder): Promise<void> {
  const merging = `${'ab'.repeat(100)}${'\n'.repeat(100)}`;
  for (const text of ['a', 'a', '漢', '漢', merging, merging, merging, merging, merging, merging]) {
    await sleep(1);
    encoder.count(text);
  }
}
