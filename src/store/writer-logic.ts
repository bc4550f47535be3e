/**
 * Provides the actors of the writer's chart: the queue's listener, the jobs of the write thread, and the outcomes of
 * appends. Each actor does one step. The chart decides the next step.
 */
import { setImmediate as endOfTick } from 'node:timers/promises';
import { fromCallback, fromPromise } from 'xstate';
import { storageProblemIn, type KnownProblem, type StorageProblem } from '../../machines/writer-types.ts';
import { writerMachine, type WriterLogic } from '../../machines/writer.ts';
import { AppError, fault, errorMessage } from '../errors.ts';
import type { LegacyImport } from './file/import-legacy.ts';
import type { AppendQueue, QueuedAppend } from './append-queue.ts';
import { storageFault } from './storage-problem.ts';
import type { ThreadLink } from './thread-link.ts';
import type { Committed, PostedOutcome } from './thread-messages.ts';

/** Bounds a transaction to about 10 ms, so that its first append does not wait long for its last. */
const maxBatchRows = 512;

/** One group commit. */
export interface BatchReport {
  appends: number;
  rows: number;
  /** Time in the write thread, without messaging. */
  commitMs: number;
}

/** Creates the actor of the writer chart: it opens the database, commits and sweeps. */
export function createWriterLogic(parts: {
  queue: AppendQueue;
  writeThread: ThreadLink;
  readThread: ThreadLink;
  /** Called with the file that is served, before the read thread starts. */
  onFile: (file: string | null) => void;
  opened: { resolve(): void; reject(error: unknown): void };
  /** Rejects queued appends and ends the threads. Idempotent. */
  end: () => Promise<void>;
  now: () => number;
  onBatch: (report: BatchReport) => void;
  onLegacyImport: (legacyImport: LegacyImport) => void;
  report: (error: unknown) => void;
}): WriterLogic {
  const { queue, writeThread, readThread, onFile, opened, end, now, onBatch, onLegacyImport, report } = parts;

  /** Reports the reason to the log, unless the problem is known. The chart only needs to know that the step failed. */
  function failed(reason: string, problem: StorageProblem, known: StorageProblem | null = null): AppError {
    const error = new AppError('storage_failed', reason, { data: { problem } });
    if (problem !== known) report(error);
    return error;
  }

  async function openDatabase(): Promise<void> {
    try {
      const { legacyImport, file } = await writeThread.ask('open', { reconnect: false });
      onFile(file);
      if (legacyImport !== null) onLegacyImport(legacyImport);
      // Loads the read thread after the start, which it would slow down, and before the first read.
      readThread.start();
      opened.resolve();
    } catch (error) {
      opened.reject(error);
      throw error;
    }
  }

  async function sweepSlice(): Promise<boolean> {
    try {
      return await writeThread.ask('sweep', { now: new Date(now()).toISOString() });
    } catch (error) {
      throw failed(errorMessage(error), storageProblemIn(error));
    }
  }

  async function reopenDatabase({ known }: KnownProblem): Promise<void> {
    try {
      await writeThread.ask('open', { reconnect: true });
    } catch (error) {
      throw failed(errorMessage(error), storageProblemIn(error), known);
    }
  }

  async function checkFile(): Promise<void> {
    try {
      await writeThread.ask('check', null);
    } catch (error) {
      throw failed(errorMessage(error), storageProblemIn(error));
    }
  }

  async function commitBatch({ known }: KnownProblem): Promise<{ more: boolean }> {
    // Appends of all sockets in this tick share the commit.
    await endOfTick();
    const batch = queue.take(maxBatchRows);
    const { outcomes, failure, commitMs } = await post(batch);
    const postponed = batch.filter((append, index) => !settle(append, outcomes[index] ?? 'postponed'));
    queue.requeue(postponed);
    if (failure !== null) throw failed(failure.message, failure.problem, known);
    if (batch.length > 0) onBatch({ appends: batch.length, rows: countRows(batch), commitMs });
    return { more: queue.size() > 0 };
  }

  /** False if the append must be posted again. */
  function settle(append: QueuedAppend, outcome: PostedOutcome): boolean {
    if (outcome === 'postponed') return false;
    if (typeof outcome === 'object' && outcome.status === 'refused') {
      report(new AppError('internal', `The event log rejected an append: ${outcome.reason}.`));
      append.settle({ status: 'failed', fault: fault('internal', 'The message could not be stored. Send it again.') });
    } else {
      append.settle(outcome);
    }
    return true;
  }

  /** A batch without an answer may be in the file nevertheless. The thread checks before it writes it again. */
  async function post(batch: QueuedAppend[]): Promise<Committed> {
    try {
      return await writeThread.ask(
        'commit',
        batch.map((append) => append.posted),
      );
    } catch (error) {
      return { outcomes: [], failure: { message: errorMessage(error), problem: storageProblemIn(error) }, commitMs: 0 };
    }
  }

  return writerMachine.provide({
    actors: {
      queueListener: fromCallback(({ sendBack }) => {
        queue.listen((type) => sendBack({ type }));
        return () => {
          queue.listen(null);
          // The actor was stopped, normally or not. This is the last chance to close the file.
          end().catch(report);
        };
      }),
      openDatabase: fromPromise(openDatabase),
      commitBatch: fromPromise(({ input }) => commitBatch(input)),
      sweepSlice: fromPromise(sweepSlice),
      reopenDatabase: fromPromise(({ input }) => reopenDatabase(input)),
      checkFile: fromPromise(checkFile),
      rejectQueued: fromPromise(async ({ input: { problem } }) => queue.rejectAll(storageFault(problem))),
      closeDatabase: fromPromise(end),
    },
  });
}

const countRows = (batch: QueuedAppend[]) => batch.reduce((sum, append) => sum + append.posted.rows.length, 0);
