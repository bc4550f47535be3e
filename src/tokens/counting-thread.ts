/**
 * Runs one worker thread with a queue, and restarts it after a crash. Never rejects: a text that cannot be counted gives
 * null, and the caller estimates. Starts with the first text.
 */
import { Worker } from 'node:worker_threads';
import type { EncodingName } from './encodings.ts';
import type { RankTable } from './ranks.ts';
import type { CountRequest, WorkerReply, WorkerStart } from './worker.ts';

/** One thread and its queue. */
export interface CountingThread {
  /** Announces the table: starts the thread, unless this process has built it before. A second call does nothing. */
  start(): void;
  /** Resolves with the number of tokens, or null: queue full, thread lost or closed. */
  count(text: string): Promise<number | null>;
  /** Ends the thread. Queued texts get null. */
  close(): Promise<void>;
}

/** What the thread runs, and its limits. */
export interface CountingThreadOptions {
  encoding: EncodingName;
  /** The thread's program. It sends `WorkerReply` messages. */
  script: URL;
  /** Called once, with the table. */
  onTable: (table: RankTable) => void;
  /** The thread ended, for this reason. `final`: it is not restarted. */
  onExit: (cause: unknown, final: boolean) => void;
}

interface QueuedText {
  text: string;
  settle: (tokens: number | null) => void;
}

/** Limits of the queue: a few seconds of work, and little memory. */
const maxQueuedTexts = 1024;
const maxQueuedUnits = 16 * 1024 * 1024;

/** Heap limit of the thread, so that it fails alone. The parsed ranks take a third of it. */
const maxHeapMegabytes = 192;

/** Tables that were built in this process. Tables are read-only, so all counters of an encoding share one. */
const builtTables = new Map<EncodingName, RankTable>();

/** Creates the link to the counting thread. It starts with the first text and again after a crash. */
export function createCountingThread(options: CountingThreadOptions): CountingThread {
  /** In the order of sending, which is the order of the thread's work. */
  const waiting = new Map<number, QueuedText>();
  let waitingUnits = 0;
  let lastId = 0;
  let worker: Worker | null = null;
  let table: RankTable | null = null;
  let exitsInARow = 0;
  let ended = false;

  function settle(id: number, tokens: number | null): void {
    const entry = waiting.get(id);
    if (entry === undefined) return;
    waiting.delete(id);
    waitingUnits -= entry.text.length;
    entry.settle(tokens);
  }

  function end(): void {
    ended = true;
    for (const id of waiting.keys()) settle(id, null);
  }

  function send(id: number, text: string): void {
    worker?.postMessage({ id, text } satisfies CountRequest);
  }

  function receive(reply: WorkerReply): void {
    if (reply.kind === 'table') {
      if (table !== null) return;
      table = reply.table;
      builtTables.set(options.encoding, table);
      options.onTable(table);
      return;
    }
    exitsInARow = 0;
    settle(reply.id, reply.tokens);
  }

  /** Restarts the thread, unless it was a replacement that counted nothing: the next would fail too. */
  function onWorkerExit(cause: unknown): void {
    worker = null;
    if (ended) return;
    exitsInARow += 1;
    const final = exitsInARow > 1;
    if (final) end();
    else restart();
    options.onExit(cause, final);
  }

  function restart(): void {
    // The thread was counting the oldest text, which may have crashed it. It is not retried.
    const [suspect] = waiting.keys();
    if (table !== null && suspect !== undefined) settle(suspect, null);
    spawn();
    for (const [id, { text }] of waiting) send(id, text);
  }

  function spawn(): void {
    const workerData: WorkerStart = {
      encoding: options.encoding,
      table: table ?? builtTables.get(options.encoding) ?? null,
    };
    const resourceLimits = { maxOldGenerationSizeMb: maxHeapMegabytes };
    let cause: unknown = null;
    try {
      // A worker rejects some flags of the process (`--input-type`) and does not need others (`--import`).
      worker = new Worker(options.script, { name: 'tokens', workerData, resourceLimits, execArgv: [] });
    } catch (error) {
      // The process is out of threads: treated like a crash.
      onWorkerExit(error);
      return;
    }
    worker.on('message', receive);
    worker.on('error', (error: unknown) => {
      cause = error;
    });
    worker.on('exit', (code: number) => onWorkerExit(cause ?? new Error(`token thread exited with code ${code}`)));
  }

  return {
    start() {
      if (worker !== null || table !== null || ended) return;
      table = builtTables.get(options.encoding) ?? null;
      if (table === null) spawn();
      else options.onTable(table);
    },
    count(text) {
      if (ended || waiting.size >= maxQueuedTexts || waitingUnits + text.length > maxQueuedUnits)
        return Promise.resolve(null);
      lastId += 1;
      const id = lastId;
      const { promise, resolve } = Promise.withResolvers<number | null>();
      waiting.set(id, { text, settle: resolve });
      waitingUnits += text.length;
      // Queued before it is sent, so that it gets null if the thread cannot be started.
      if (worker === null) spawn();
      send(id, text);
      return promise;
    },
    async close() {
      end();
      await worker?.terminate();
    },
  };
}
