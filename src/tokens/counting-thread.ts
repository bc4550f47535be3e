/**
 * One worker thread, its queue and its deaths. Nothing here rejects: a text that cannot be counted
 * is answered with null, and what to say instead is the caller's. Started by the first need of it.
 */
import { Worker } from 'node:worker_threads';
import type { EncodingName } from './encodings.ts';
import type { RankTable } from './ranks.ts';
import type { CountRequest, WorkerReply, WorkerStart } from './worker.ts';

export interface CountingThread {
  /** Starts the thread if need be; a second call does nothing. */
  start(): void;
  /** Resolves with the number of tokens, or null: queue full, thread lost or closed. */
  count(text: string): Promise<number | null>;
  /** Ends the thread; what still waits gets null. */
  close(): Promise<void>;
}

export interface CountingThreadOptions {
  encoding: EncodingName;
  /** The thread's program; it speaks `WorkerReply`. */
  script: URL;
  /** The table is there; called once. */
  onTable: (table: RankTable) => void;
  /** The thread died, for this reason; `final` if it will not be started again. */
  onExit: (cause: unknown, final: boolean) => void;
}

interface QueuedText {
  text: string;
  settle: (tokens: number | null) => void;
}

/** What may wait for the thread: some seconds of its work, and memory that is nothing beside the process's. */
const maxQueuedTexts = 1024;
const maxQueuedUnits = 16 * 1024 * 1024;

/** The ranks' text, parsed, takes a third of this; a thread that needs more is to die alone. */
const maxHeapMegabytes = 192;

/** Tables that were built in this process. A table is never written to, so every counter of an encoding reads the same one. */
const builtTables = new Map<EncodingName, RankTable>();

export function createCountingThread(options: CountingThreadOptions): CountingThread {
  /** In the order of sending, which is the order the thread works in. */
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

  /** A new thread for one that died, unless that was a replacement that counted nothing: the next would not either. */
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
    // The oldest text is the one it was at: it may be what killed it, and is not tried again.
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
      // The process's own flags may be ones that a worker refuses (`--input-type`) or need not pay for (`--import`).
      worker = new Worker(options.script, { name: 'tokens', workerData, resourceLimits, execArgv: [] });
    } catch (error) {
      // The process is out of threads: the same as a death.
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
      if (worker === null && !ended) spawn();
    },
    count(text) {
      if (ended || waiting.size >= maxQueuedTexts || waitingUnits + text.length > maxQueuedUnits)
        return Promise.resolve(null);
      lastId += 1;
      const id = lastId;
      const { promise, resolve } = Promise.withResolvers<number | null>();
      waiting.set(id, { text, settle: resolve });
      waitingUnits += text.length;
      // Waits before it is sent: if the thread cannot be started, that is its answer.
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
