/**
 * Counts tokens: from the cache, inline if that is cheap, else in a worker thread. The main thread neither loads ranks nor
 * counts long texts, so no text blocks the event loop. A count never fails; at worst it is an estimate.
 */
import { hash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import { createCountingThread, type CountingThread } from './counting-thread.ts';
import { createEncoder } from './encoder.ts';
import type { Encoder } from './encoder.ts';
import { encodingForModel } from './encodings.ts';
import type { RankTable } from './ranks.ts';

/** The counter of one model. */
export interface TokenCounter {
  /**
   * Tokens of `text` in the model's encoding; special tokens count as plain text. A number if it is available at once, else
   * a promise, which never rejects. An estimate for a text over `longestExactUnits`, and for a text that needs the thread
   * after the thread has ended or while its queue is full.
   */
  count(text: string): number | Promise<number>;
  /** Counts for another model from now on. */
  use(model: string): void;
  /** Loads the ranks. Resolves when short texts are counted inline, or when that is not possible. */
  ready(): Promise<void>;
  /** Ends the thread, which otherwise keeps the process alive. Queued texts get an estimate. */
  close(): Promise<void>;
}

/** The model, and the limits of the counter. */
export interface TokenCounterOptions {
  /** The provider's name of the model. */
  model: string;
  /** Cached counts, 1,024 if absent. About 200 bytes each for texts of any length. */
  cacheEntries?: number;
  /** Longest text counted on the calling thread, 4,096 if absent: 0.1 ms of prose, 1.3 ms of the worst text known, thrice that at first. */
  inlineBytes?: number;
  /** The worker thread has ended. `final`: it is not restarted, and long texts are estimated from now on. */
  onThreadExit?: (cause: unknown, final: boolean) => void;
}

/** In UTF-16 units. Hashing and posting a longer text takes milliseconds, and no window holds it. */
const longestExactUnits = 512 * 1024;

/** Most UTF-8 bytes of a UTF-16 unit. */
const maxBytesPerUnit = 3;

/**
 * Starts the thread at the first text that needs it, or at `ready`. Counts for an unknown model with the newest encoding,
 * which is close enough for a context window.
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
    // Ignores the table of an encoding that is no longer used.
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
 * The estimate without a count: a third of the UTF-8 bytes. Prose (four bytes or more per token) and most scripts take fewer
 * tokens, so a context rarely exceeds the model's window. Dense text (base64, rare characters) takes up to three times as
 * many.
 */
export function estimateTokens(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / 3);
}

/**
 * Compiles the encoder in small steps. A first hostile text of 4 KB would block the loop for 8 ms: V8 compiles the expression
 * on its first and second match, separately for Latin-1 and other text, and the merge is not optimized yet. Each step runs
 * in its own turn of the loop (immediates would share one with the message).
 */
async function warmUp(encoder: Encoder): Promise<void> {
  const merging = `${'ab'.repeat(100)}${'\n'.repeat(100)}`;
  for (const text of ['a', 'a', '漢', '漢', merging, merging, merging, merging, merging, merging]) {
    await sleep(1);
    encoder.count(text);
  }
}
