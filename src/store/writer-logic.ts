/**
 * The writer's chart with its world filled in: the queue's bell, the write thread and the
 * answers to those who wait. Each actor does one step; which step comes next, the chart knows.
 */
import { setImmediate as endOfTick } from 'node:timers/promises';
import { fromCallback, fromPromise } from 'xstate';
import { storageProblemIn, writerMachine, type StorageProblem, type WriterLogic } from '../../machines/writer.ts';
import { AppError, fault, messageOf } from '../errors.ts';
import type { Adoption } from './file/import-legacy.ts';
import type { AppendQueue, WaitingAppend } from './append-queue.ts';
import { storageFault } from './storage-problem.ts';
import type { ThreadLink } from './thread-link.ts';
import type { Committed, PostedOutcome } from './thread-messages.ts';

/** Bounds a transaction to some 10 ms, so that its first append does not wait long for its last. */
const maxBatchRows = 512;

/** One group commit. */
export interface BatchReport {
  appends: number;
  rows: number;
  /** Time in the write thread, without the way there and back. */
  commitMs: number;
}

export function createWriterLogic(parts: {
  queue: AppendQueue;
  writeThread: ThreadLink;
  readThread: ThreadLink;
  opened: { resolve(): void; reject(error: unknown): void };
  /** Refuses what waits and ends the threads; idempotent. */
  end: () => Promise<void>;
  now: () => number;
  onBatch: (report: BatchReport) => void;
  onAdoption: (adoption: Adoption) => void;
  report: (error: unknown) => void;
}): WriterLogic {
  const { queue, writeThread, readThread, opened, end, now, onBatch, onAdoption, report } = parts;

  /** The reason is for the server's log; the chart only needs to know that it failed. */
  function failed(reason: string, problem: StorageProblem): AppError {
    const error = new AppError('storage_failed', reason, { data: { problem } });
    report(error);
    return error;
  }

  async function openDatabase(): Promise<void> {
    try {
      const adoption = await writeThread.ask('open', { reconnect: false });
      if (adoption !== null) onAdoption(adoption);
      // Loaded after the start-up, which it would slow down, and before the first read.
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
      throw failed(messageOf(error), storageProblemIn(error));
    }
  }

  async function reopenDatabase(): Promise<void> {
    try {
      await writeThread.ask('open', { reconnect: true });
    } catch (error) {
      throw failed(messageOf(error), storageProblemIn(error));
    }
  }

  async function commitBatch(): Promise<{ more: boolean }> {
    // Whatever the other sockets bring in this tick shares the commit.
    await endOfTick();
    const batch = queue.take(maxBatchRows);
    const { outcomes, failure, commitMs } = await post(batch);
    const postponed = batch.filter((append, index) => !settle(append, outcomes[index] ?? 'postponed'));
    queue.giveBack(postponed);
    if (failure !== null) throw failed(failure.message, failure.problem);
    onBatch({ appends: batch.length, rows: countRows(batch), commitMs });
    return { more: queue.size() > 0 };
  }

  /** False when the append has to be posted again. */
  function settle(append: WaitingAppend, outcome: PostedOutcome): boolean {
    if (outcome === 'postponed') return false;
    if (typeof outcome === 'object' && outcome.status === 'refused') {
      report(new AppError('internal', `The event log refused an append: ${outcome.reason}.`));
      append.settle({ status: 'failed', fault: fault('internal', 'The message could not be written down.') });
    } else {
      append.settle(outcome);
    }
    return true;
  }

  /** A batch without an answer may be in the file all the same; the thread looks before it writes it again. */
  async function post(batch: WaitingAppend[]): Promise<Committed> {
    try {
      return await writeThread.ask(
        'commit',
        batch.map((append) => append.posted),
      );
    } catch (error) {
      return { outcomes: [], failure: { message: messageOf(error), problem: storageProblemIn(error) }, commitMs: 0 };
    }
  }

  return writerMachine.provide({
    actors: {
      arrivals: fromCallback(({ sendBack }) => {
        queue.listen((type) => sendBack({ type }));
        return () => {
          queue.listen(null);
          // The owner of the actor is gone, in order or not: nobody would close the file after it.
          end().catch(report);
        };
      }),
      openDatabase: fromPromise(openDatabase),
      commitBatch: fromPromise(commitBatch),
      sweepSlice: fromPromise(sweepSlice),
      reopenDatabase: fromPromise(reopenDatabase),
      refuseWaiting: fromPromise(async ({ input: { problem } }) => queue.refuseAll(storageFault(problem))),
      closeDatabase: fromPromise(end),
    },
  });
}

const countRows = (batch: WaitingAppend[]) => batch.reduce((sum, append) => sum + append.posted.rows.length, 0);
