/**
 * Validates arguments and forms in a thread, one after another, because an untrusted schema can take all the time that it
 * gets. Remembers schemas that took too long by their text. Their next values are not checked.
 */
import { hash } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import { LRUCache } from 'lru-cache';
import type { CheckRequest } from './check-thread.ts';
import { TAKES_TOO_LONG, type ValidationResult } from './explain-result.ts';
import type { FittedArguments } from './schema-check.ts';

/** Never rejects. `valid` is null if the thread fails, or if too many checks are queued. */
export interface ArgumentValidator {
  /** Validates a form as it is. */
  validate(schema: Record<string, unknown>, value: Record<string, unknown>): Promise<ValidationResult>;
  /** Fits arguments to a tool's schema. They are unchanged unless the result is valid. */
  fit(schema: Record<string, unknown>, args: Record<string, unknown>): Promise<FittedArguments>;
  /** Ends the thread. A running check gets no result. */
  close(): Promise<void>;
}

/** Checks that wait at the same time. Each has up to 64 KiB of schema, and its values. */
const MAX_QUEUED = 256;
/** The thread ends a check after 250 ms. This limit is for a thread that does not: its start is part of it. */
const THREAD_TIMEOUT_MS = 10_000;
/** Schemas and values of messages take a fraction of it. */
const MAX_HEAP_MB = 64;
const MAX_REMEMBERED = 1000;
/** A busy machine can make an innocent schema slow, so a schema gets another chance. */
const REMEMBERED_MS = 600_000;

/** `arguments` is null if the thread did not answer. */
interface Checked {
  arguments: Record<string, unknown> | null;
  result: ValidationResult;
}

const unchecked = (reason: string): Checked => ({ arguments: null, result: { valid: null, reason } });

/** The thread starts with the first check, and keeps no process alive. */
export function createArgumentValidator(): ArgumentValidator {
  const tooSlow = new LRUCache<string, true>({ max: MAX_REMEMBERED, ttl: REMEMBERED_MS });
  let worker: Worker | null = null;
  let last: Promise<unknown> = Promise.resolve();
  let queued = 0;
  let closed = false;

  const start = (): Worker => {
    const started = new Worker(new URL('./check-thread.ts', import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
    });
    started.unref();
    // Without a listener an error would end the process.
    started.on('error', () => undefined);
    started.on('exit', () => {
      if (worker === started) worker = null;
    });
    return started;
  };

  const run = (request: CheckRequest): Promise<Checked> => {
    const running = (worker ??= start());
    const { promise, resolve } = Promise.withResolvers<Checked>();
    const failed = () => resolve(unchecked(TAKES_TOO_LONG));
    const timer = setTimeout(() => {
      failed();
      void running.terminate();
    }, THREAD_TIMEOUT_MS);
    running.once('message', resolve);
    running.once('exit', failed);
    running.postMessage(request);
    return promise.finally(() => {
      clearTimeout(timer);
      running.off('message', resolve);
      running.off('exit', failed);
    });
  };

  const check = async (request: CheckRequest): Promise<Checked> => {
    const key = hash('sha256', request.schema, 'base64');
    if (closed || tooSlow.has(key)) return unchecked(TAKES_TOO_LONG);
    const checked = await run(request);
    const { result } = checked;
    if (result.valid === null && result.reason === TAKES_TOO_LONG && !closed) tooSlow.set(key, true);
    return checked;
  };

  const enqueue = (
    kind: CheckRequest['kind'],
    schema: Record<string, unknown>,
    value: Record<string, unknown>,
  ): Promise<Checked> => {
    if (queued >= MAX_QUEUED) return Promise.resolve(unchecked('too many checks are queued; try again later'));
    queued += 1;
    const request = { kind, schema: JSON.stringify(schema), value: JSON.stringify(value) };
    const checked = last.then(() => check(request)).finally(() => (queued -= 1));
    last = checked;
    return checked;
  };

  return {
    validate: async (schema, value) => (await enqueue('validate', schema, value)).result,
    async fit(schema, args) {
      const { result, arguments: fitted } = await enqueue('fit', schema, args);
      return { arguments: fitted ?? args, result };
    },
    async close() {
      closed = true;
      await worker?.terminate();
    },
  };
}
