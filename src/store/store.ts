/**
 * The port of the event store, and `openStore`, which puts its parts together.
 * Nothing outside this folder knows SQL, and the main thread never touches the database:
 * one thread writes, one reads, and the writer's chart says when.
 */
import type { Fault, LogRow, NewRow } from '../../machines/log.ts';
import type { WriterLogic } from '../../machines/writer.ts';
import { AppError } from '../errors.ts';
import type { Adoption } from './adoption.ts';
import { createAppendQueue } from './append-queue.ts';
import { createReader } from './reader.ts';
import type { RetentionPolicy } from './retention.ts';
import { createThreadLink } from './thread-link.ts';
import type { ThreadSettings } from './thread-messages.ts';
import { createWriterLogic } from './writer-logic.ts';

/** Rows that are committed together, or not at all. */
export interface Append {
  conversationId: string;
  /** The subject whose conversation it is; a foreign conversation is `not_found`. */
  owner: string;
  rows: NewRow[];
  /** Claims the request id for a turn, in the same transaction. */
  begin?: { requestId: string; digest: string };
  /** Closes an open turn; `payload` is kept for replays that outlive the rows. */
  end?: { requestId: string; payload: unknown };
}

export type AppendOutcome =
  /** `ended` is the payload of the append's `end`, where it had one. */
  | { status: 'stored'; rows: LogRow[]; ended?: unknown }
  /** `begin`: same id, same digest. Nothing was written. */
  | { status: 'duplicate'; ended: boolean }
  /** `begin`: same id, other digest. Nothing was written. */
  | { status: 'reused' }
  /** Nothing was written: `storage_failed`, `overloaded`, `shutting_down`, `not_found` or `internal`. */
  | { status: 'failed'; fault: Fault };

export interface StoredTurn {
  requestId: string;
  beginSeq: number;
  /** The payload of the turn's `end`; null while it is open. */
  end: unknown;
}

/** What a conversation needs to know about itself when it wakes up. */
export interface Standing {
  /** False for an unknown conversation and for somebody else's. */
  known: boolean;
  headSeq: number;
  oldestSeq: number;
  /** In seq order. */
  rows: LogRow[];
  /** Turns without an end, oldest first. */
  open: StoredTurn[];
}

export interface Page {
  /** In seq order. */
  rows: LogRow[];
  headSeq: number;
  oldestSeq: number;
}

export interface PageRange {
  /** The oldest `limit` rows above it. */
  afterSeq?: number;
  /** The newest `limit` rows below it; together with `afterSeq`, only its upper bound. */
  beforeSeq?: number;
  limit: number;
}

/**
 * The event log of all conversations. A failed append is a value, since somebody waits for the answer; a
 * failed read rejects with an AppError. Reads see every append whose `done` was called.
 */
export interface Store {
  /**
   * Queues the append; `done` is called once, never before `append` returns, in the order of the appends.
   * Only a refusal for want of room (`overloaded`) overtakes appends that still wait.
   */
  append(append: Append, done: (outcome: AppendOutcome) => void): void;
  /**
   * The newest rows until their `token_count` sum passes `tokens`, and all rows since the oldest
   * open turn began; then back to the start of every turn that has a row among them.
   */
  standing(owner: string, conversationId: string, tokens: number): Promise<Standing>;
  /** Null for an unknown or foreign conversation. Without bounds, the newest `limit` rows. */
  page(owner: string, conversationId: string, range: PageRange): Promise<Page | null>;
  /** Null for an unknown or foreign one. The rows are gone where retention took them; `end` outlives them. */
  turn(owner: string, conversationId: string, requestId: string): Promise<{ rows: LogRow[]; end: unknown } | null>;
  /** Conversations with open turns. */
  unfinished(): Promise<{ owner: string; conversationId: string }[]>;
  /** Appends that wait for the disk. */
  waiting(): number;
  /** Commits what waits, folds the write-ahead log into the file and ends the threads. */
  close(): Promise<void>;
}

export interface BatchReport {
  appends: number;
  rows: number;
  /** Time in the write thread, without the way there and back. */
  commitMs: number;
}

export interface StoreOptions {
  /** The database file; made if absent, its folder is not. Never touched with `memory`. */
  path: string;
  /** Persistence disabled: the log lives and dies with the process. Default false. */
  memory?: boolean;
  /** `FULL` (default) survives a power cut, `NORMAL` a killed process. */
  synchronous?: 'NORMAL' | 'FULL';
  /** Empties the file before it is served. Default false. */
  clearOnStartup?: boolean;
  /** Default: unlimited. */
  retention?: RetentionPolicy;
  /** Appends that may wait for the disk; beyond it they are answered `overloaded`. Default 10,000. */
  maxWaiting?: number;
  /** Whose the conversations of a file without owners become. Default `anonymous`. */
  adoptiveOwner?: string;
  /** Milliseconds since the epoch. Default: the system's clock. */
  now?: () => number;
  onBatch?: (report: BatchReport) => void;
  /** Told once, before the file is served, when it was another program's. */
  onAdoption?: (adoption: Adoption) => void;
  /** Failed commits and reconnects, and callbacks that threw; for the server's log. */
  onError?: (error: unknown) => void;
}

export interface OpenStore {
  store: Store;
  /** Opens the file when its actor starts; whoever runs the actor owns the store's life. */
  writerLogic: WriterLogic;
  /** Settles when the file is served; rejects with an AppError `store_unavailable` that says why not. */
  opened: Promise<void>;
}

/** Prepares a store: nothing is opened before an actor of `writerLogic` starts. */
export function openStore(options: StoreOptions): OpenStore {
  const settings: Omit<ThreadSettings, 'role'> = {
    path: options.memory === true ? null : options.path,
    synchronous: options.synchronous ?? 'FULL',
    clearOnStartup: options.clearOnStartup ?? false,
    retention: options.retention ?? { policy: 'unlimited' },
    adoptiveOwner: options.adoptiveOwner ?? 'anonymous',
  };
  const { maxWaiting = 10_000, now = Date.now } = options;
  const { onBatch = () => {}, onAdoption = () => {}, onError: report = () => {} } = options;
  const queue = createAppendQueue({ maxWaiting, now, report });
  const writeThread = createThreadLink({ ...settings, role: 'writer' });
  // A database in memory exists for one connection only, so its thread serves both roles.
  const readThread = settings.path === null ? writeThread : createThreadLink({ ...settings, role: 'reader' });

  const opened = Promise.withResolvers<void>();
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
    queue.shut();
    opened.reject(new AppError('shutting_down', 'The event log is closed.'));
    if (readThread !== writeThread) await readThread.end();
    await writeThread.end();
  }

  return {
    store: {
      append: queue.add,
      waiting: queue.size,
      ...createReader(readThread, opened.promise),
      close: () => (queue.askToClose() ? ended.promise : end()),
    },
    writerLogic: createWriterLogic({ queue, writeThread, readThread, opened, end, now, onBatch, onAdoption, report }),
    opened: opened.promise,
  };
}
