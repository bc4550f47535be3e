/**
 * Assembles the event store. The main thread never touches the database: one thread writes, one reads, and the writer's
 * chart decides when to write.
 */
import { isDeepStrictEqual } from 'node:util';
import type { WriterLogic } from '../../machines/writer.ts';
import { AppError } from '../errors.ts';
import type { LegacyImport } from './file/import-legacy.ts';
import { createAppendQueue } from './append-queue.ts';
import { createDraftQueue } from './draft-queue.ts';
import { createForking } from './fork-queue.ts';
import type { Store } from './port.ts';
import { createReader } from './reader.ts';
import type { RetentionPolicy } from './thread/retention.ts';
import { createThreadLink } from './thread-link.ts';
import type { ThreadSettings } from './thread-messages.ts';
import { createWriterLogic, type BatchReport } from './writer-logic.ts';

/** The options of a store. Only `path` has no default. */
export interface StoreOptions {
  /** The database file. Created if it does not exist; its folder is not. Not used with `memory`. */
  path: string;
  /** Keeps the log in memory only. Default false. */
  memory?: boolean;
  /** `FULL` (default) survives a power cut, `NORMAL` a killed process. */
  synchronous?: 'NORMAL' | 'FULL';
  /** Empties the file before it is served. Default false. */
  clearOnStartup?: boolean;
  /** Default: unlimited. `updateRetention` applies a new value. */
  retention?: RetentionPolicy;
  /** Most queued appends, read for each append. Further ones fail as `overloaded`. Default 10,000. */
  maxQueuedWrites?: number;
  /** Owner of the conversations of an imported file. Default `anonymous`. */
  legacyOwner?: string;
  /** Milliseconds since the epoch. Default: the system's clock. */
  now?: () => number;
  onBatch?: (report: BatchReport) => void;
  /** Called once, before the file is served, if it was imported from another program. */
  onLegacyImport?: (legacyImport: LegacyImport) => void;
  /** Gets failed commits and reconnects, and errors that callbacks threw. */
  onError?: (error: unknown) => void;
}

/** A store and the actor that opens it. */
export interface OpenStore {
  store: Store;
  /** Opens the file when its actor starts, and closes it when the actor stops. */
  writerLogic: WriterLogic;
  /** Resolves when the file is served. Rejects with an AppError `store_unavailable` that gives the reason. */
  opened: Promise<void>;
  /** Sends the current `options.retention` to the write thread. It applies from the next end of a turn, or sweep. */
  updateRetention(): void;
}

/** Opens nothing before an actor of `writerLogic` starts. */
export function openStore(options: StoreOptions): OpenStore {
  const settings: Omit<ThreadSettings, 'role'> = {
    path: options.memory === true ? null : options.path,
    synchronous: options.synchronous ?? 'FULL',
    clearOnStartup: options.clearOnStartup ?? false,
    retention: options.retention ?? { policy: 'unlimited' },
    legacyOwner: options.legacyOwner ?? 'anonymous',
    served: null,
  };
  const { now = Date.now } = options;
  const { onBatch = () => {}, onLegacyImport = () => {}, onError: report = () => {} } = options;
  const queue = createAppendQueue({
    get maxQueued() {
      return options.maxQueuedWrites ?? 10_000;
    },
    now,
    report,
  });
  const writerSettings: ThreadSettings = { ...settings, role: 'writer' };
  const writeThread = createThreadLink(writerSettings);
  // A database in memory exists for one connection only, so one thread has both roles.
  const readerSettings: ThreadSettings = { ...settings, role: 'reader' };
  const readThread = settings.path === null ? writeThread : createThreadLink(readerSettings);

  const drafts = createDraftQueue({ post: (batch) => writeThread.ask('drafts', batch), now, report });

  const opened = Promise.withResolvers<void>();
  const forking = createForking({ readThread, writeThread, opened: opened.promise, now, report });
  // Callers that wait for it get the rejection. Without callers it must not be an unhandled rejection.
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
    writerLogic: createWriterLogic({
      queue,
      writeThread,
      readThread,
      onFile: (file) => (readerSettings.served = file),
      opened,
      end,
      now,
      onBatch,
      onLegacyImport,
      report,
    }),
    opened: opened.promise,
    updateRetention() {
      const retention = options.retention ?? settings.retention;
      if (isDeepStrictEqual(retention, writerSettings.retention)) return;
      // Also for a thread that is started after a crash.
      writerSettings.retention = retention;
      writeThread.ask('retain', retention).then(queue.requestSweep, report);
    },
  };
}
