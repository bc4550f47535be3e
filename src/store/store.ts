/**
 * `openStore`, which puts the parts of the event store together. The main thread never touches the database:
 * one thread writes, one reads, and the writer's chart says when.
 */
import { isDeepStrictEqual } from 'node:util';
import type { WriterLogic } from '../../machines/writer.ts';
import { AppError } from '../errors.ts';
import type { LegacyImport } from './file/import-legacy.ts';
import { createAppendQueue } from './append-queue.ts';
import { createDraftQueue } from './draft-queue.ts';
import { createForking } from './forking.ts';
import type { Store } from './port.ts';
import { createReader } from './reader.ts';
import type { RetentionPolicy } from './thread/retention.ts';
import { createThreadLink } from './thread-link.ts';
import type { ThreadSettings } from './thread-messages.ts';
import { createWriterLogic, type BatchReport } from './writer-logic.ts';

export interface StoreOptions {
  /** The database file; made if absent, its folder is not. Never touched with `memory`. */
  path: string;
  /** Persistence disabled: the log lives and dies with the process. Default false. */
  memory?: boolean;
  /** `FULL` (default) survives a power cut, `NORMAL` a killed process. */
  synchronous?: 'NORMAL' | 'FULL';
  /** Empties the file before it is served. Default false. */
  clearOnStartup?: boolean;
  /** Default: unlimited. `retain` takes another value over. */
  retention?: RetentionPolicy;
  /** Appends that may wait for the disk, read for each; beyond it they are answered `overloaded`. Default 10,000. */
  maxQueuedWrites?: number;
  /** Whose the conversations of a file without owners become. Default `anonymous`. */
  legacyOwner?: string;
  /** Milliseconds since the epoch. Default: the system's clock. */
  now?: () => number;
  onBatch?: (report: BatchReport) => void;
  /** Told once, before the file is served, when it was another program's. */
  onLegacyImport?: (adoption: LegacyImport) => void;
  /** Failed commits and reconnects, and callbacks that threw; for the server's log. */
  onError?: (error: unknown) => void;
}

export interface OpenStore {
  store: Store;
  /** Opens the file when its actor starts; whoever runs the actor owns the store's life. */
  writerLogic: WriterLogic;
  /** Settles when the file is served; rejects with an AppError `store_unavailable` that says why not. */
  opened: Promise<void>;
  /** Hands the policy that `options.retention` names now to the write thread; the next end of a turn, or sweep, follows it. */
  updateRetention(): void;
}

/** Prepares a store: nothing is opened before an actor of `writerLogic` starts. */
export function openStore(options: StoreOptions): OpenStore {
  const settings: Omit<ThreadSettings, 'role'> = {
    path: options.memory === true ? null : options.path,
    synchronous: options.synchronous ?? 'FULL',
    clearOnStartup: options.clearOnStartup ?? false,
    retention: options.retention ?? { policy: 'unlimited' },
    legacyOwner: options.legacyOwner ?? 'anonymous',
  };
  const { now = Date.now } = options;
  const { onBatch = () => {}, onLegacyImport: onAdoption = () => {}, onError: report = () => {} } = options;
  const queue = createAppendQueue({
    get maxQueued() {
      return options.maxQueuedWrites ?? 10_000;
    },
    now,
    report,
  });
  const writerSettings: ThreadSettings = { ...settings, role: 'writer' };
  const writeThread = createThreadLink(writerSettings);
  // A database in memory exists for one connection only, so its thread serves both roles.
  const readThread = settings.path === null ? writeThread : createThreadLink({ ...settings, role: 'reader' });

  const drafts = createDraftQueue({ post: (batch) => writeThread.ask('drafts', batch), now, report });

  const opened = Promise.withResolvers<void>();
  const forking = createForking({ readThread, writeThread, opened: opened.promise, now, report });
  // Whoever waits for it is told; the refusal must not end the process on behalf of those who do not.
  opened.promise.catch(() => {});

  let ending = false;
  const ended = Promise.withResolvers<void>();
  function end(): Promise<void> {
    if (!ending) endThreads().then(ended.resolve, ended.reject);
    ending = true;
    return ended.promise;
  }
  async function endThreads(): Promise<void> {
    queue.close();
    drafts.close();
    opened.reject(new AppError('shutting_down', 'The event log is closed.'));
    if (readThread !== writeThread) await readThread.end();
    await writeThread.end();
  }

  return {
    store: {
      append: queue.add,
      saveDraft: drafts.save,
      queuedWrites: queue.size,
      ...createReader(readThread, opened.promise),
      fork: (owner, conversationId, atSeq) => forking({ owner, conversationId }, atSeq),
      async remove(owner, conversationId) {
        await opened.promise;
        const removed = await writeThread.ask('remove', { owner, conversationId });
        if (removed) queue.requestSweep();
        return removed;
      },
      close: () => (queue.requestClose() ? ended.promise : end()),
    },
    writerLogic: createWriterLogic({ queue, writeThread, readThread, opened, end, now, onBatch, onAdoption, report }),
    opened: opened.promise,
    updateRetention() {
      const retention = options.retention ?? settings.retention;
      if (isDeepStrictEqual(retention, writerSettings.retention)) return;
      // For a thread that is started after a crash, too.
      writerSettings.retention = retention;
      writeThread.ask('retain', retention).then(queue.requestSweep, report);
    },
  };
}
