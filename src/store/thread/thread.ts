/**
 * Runs a database thread: owns one connection and does one job after the other. A 'writer' commits, and also reads a
 * database in memory. A 'reader' only reads. An entry point, started by thread-link.ts.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { AppError, errorMessage } from '../../errors.ts';
import { createAppendWriter } from './append-writer.ts';
import { identityOf, movedFile } from '../file/file-identity.ts';
import { createCommitter } from './committer.ts';
import type { Commit } from './committer.ts';
import { connectReader, connectWriter } from '../database.ts';
import type { Connection } from '../database.ts';
import { createDeletion } from './deletion.ts';
import type { Deletion } from './deletion.ts';
import { createDraftWriter } from './draft-writer.ts';
import type { DraftWriter } from './draft-writer.ts';
import { createFork } from './fork-copy.ts';
import type { Fork } from './fork-copy.ts';
import { createQueries } from '../queries.ts';
import type { Queries } from '../queries.ts';
import { createRetention } from './retention.ts';
import type { Retain, RetentionPolicy } from './retention.ts';
import { createSlices } from './slices.ts';
import { storageProblemOf } from '../storage-problem.ts';
import { createSweep } from './sweep.ts';
import type { Sweep } from './sweep.ts';
import { createUpdateOrder } from './update-order.ts';
import type { JobReply, JobRequest, Jobs, ThreadSettings } from '../thread-messages.ts';

const settings: ThreadSettings = workerData;

let connection: Connection | null = null;
/** The file of the first connection, the writer's. All later ones must serve the same. */
let served = settings.served;
let writing: {
  commit: Commit;
  sweep: Sweep;
  fork: Fork;
  deletion: Deletion;
  saveDrafts: DraftWriter;
  follow(policy: RetentionPolicy): void;
} | null = null;
let queries: Queries | null = null;
/** Memory of the current answer that is moved to the main thread instead of copied. */
let handedOver: ArrayBuffer[] = [];

function open(reconnect: boolean): Jobs['open']['answer'] {
  // A database in memory is lost with its connection, and has no disk that could fail.
  if (connection !== null && settings.path === null) return { legacyImport: null, file: null };
  connection?.watch.checkLog();
  disconnect();
  const opened = connectWriter(settings, reconnect ? served : null);
  connection = opened.connection;
  served = connection.file;
  const { db } = connection;
  const slices = createSlices(db);
  const nextUpdate = createUpdateOrder(db);
  const fork = createFork(db, slices, nextUpdate);
  const deletion = createDeletion(db, fork.isBusy);
  let retainAll = createRetention(db, settings.retention);
  // A conversation that is being copied keeps its rows. The next end of a turn, or the next sweep, drops them.
  const retain: Retain = (id, now, maxRows) => !fork.isBusy(id) && retainAll(id, now, maxRows);
  const startSweep = () => createSweep(db, { slices, deletion, retain });
  const began = {
    commit: createCommitter(db, createAppendWriter(db, retain, nextUpdate)),
    sweep: startSweep(),
    fork,
    deletion,
    saveDrafts: createDraftWriter(db),
    /** Applies to all conversations: the current round of the sweep begins again. */
    follow(policy: RetentionPolicy) {
      retainAll = createRetention(db, policy);
      began.sweep = startSweep();
    },
  };
  writing = began;
  queries = createQueries(db);
  return { legacyImport: opened.legacyImport, file: served };
}

/** The policy also applies after the next reconnect. */
function followPolicy(policy: RetentionPolicy): void {
  settings.retention = policy;
  writing?.follow(policy);
}

function disconnect(): void {
  const last = connection;
  connection = null;
  writing = null;
  queries = null;
  last?.close();
}

function close(): void {
  try {
    connection?.checkpoint();
  } catch {
    // Nothing is lost if the checkpoint failed: the next start reads the write-ahead log.
  }
  disconnect();
}

/** The reader connects at its first job, when the writer has created the file, and again after a failure. */
function read<T>(ask: (queries: Queries) => T): T {
  if (settings.role === 'reader' && settings.path !== null && connection === null) {
    if (served !== null && identityOf(settings.path) !== served) throw movedFile('event log');
    connection = connectReader(settings.path);
    served = connection.file;
    queries = createQueries(connection.db);
  }
  if (queries === null || connection === null) throw closed();
  try {
    // What was read from a file that no path leads to any more must not be shown.
    connection.watch.check();
    return ask(queries);
  } catch (error) {
    if (settings.role === 'reader') disconnect();
    throw error;
  }
}

/**
 * Runs a job that changes the file. Checks the file before and after: a commit into a file that no path leads to any more
 * must not be acknowledged.
 */
function write<T>(job: (parts: NonNullable<typeof writing>) => T): T {
  if (writing === null || connection === null) throw closed();
  const { watch } = connection;
  watch.check();
  const result = job(writing);
  watch.check();
  return result;
}

function run(request: JobRequest) {
  switch (request.kind) {
    case 'open':
      return open(request.ask.reconnect);
    case 'check':
      return write(() => {});
    case 'retain':
      return followPolicy(request.ask);
    case 'commit':
      return write(({ commit }) => commit(request.ask));
    case 'drafts':
      return write(({ saveDrafts }) => saveDrafts(request.ask));
    case 'sweep':
      return write(({ sweep }) => sweep(request.ask.now));
    case 'fork':
      return write(({ fork }) => fork.slice(request.ask));
    case 'remove':
      return write(({ deletion }) => deletion.remove(request.ask.owner, request.ask.conversationId));
    case 'load': {
      const { owner, conversationId, ...least } = request.ask;
      return read((queries) => queries.load(owner, conversationId, least));
    }
    case 'page': {
      const { owner, conversationId, range } = request.ask;
      return read((queries) => queries.page(owner, conversationId, range));
    }
    case 'events': {
      const { owner, conversationId, range } = request.ask;
      const found = read((queries) => queries.events(owner, conversationId, range));
      handedOver = found?.rows.flatMap(({ largeExtra }) => (largeExtra ? [largeExtra.buffer] : [])) ?? [];
      return found;
    }
    case 'turn': {
      const { owner, conversationId, requestId, range } = request.ask;
      return read((queries) => queries.turn(owner, conversationId, requestId, range));
    }
    case 'digest': {
      const { owner, conversationId, requestId } = request.ask;
      return read((queries) => queries.digest(owner, conversationId, requestId));
    }
    case 'interrupt': {
      const { owner, conversationId, interruptId } = request.ask;
      return read((queries) => queries.interrupt(owner, conversationId, interruptId));
    }
    case 'rewindPoint': {
      const { owner, conversationId, seq } = request.ask;
      return read((queries) => queries.rewindPoint(owner, conversationId, seq));
    }
    case 'unfinished':
      return read((queries) => queries.unfinished());
    case 'overdue': {
      const { nowMs, limit } = request.ask;
      return read((queries) => queries.overdue(nowMs, limit));
    }
    case 'conversations': {
      const { owner, limit, cursor } = request.ask;
      return read((queries) => queries.conversations(owner, limit, cursor));
    }
    case 'forkPoints': {
      const { owner, conversationId, atSeq } = request.ask;
      return read((queries) => queries.forkPoints(owner, conversationId, atSeq));
    }
    case 'waiting': {
      const { limit, offset } = request.ask;
      return read((queries) => queries.waiting(limit, offset));
    }
    case 'titles': {
      const refs = request.ask;
      return read((queries) => queries.titles(refs));
    }
    case 'search': {
      const query = request.ask;
      return read((queries) => queries.search(query));
    }
    case 'close':
      return close();
  }
}

const closed = () => new AppError('storage_failed', 'The database is not open.');

/** Messages between threads lose the class and code of errors, so only code and message are sent. */
function failure(error: unknown): Extract<JobReply, { failure: unknown }>['failure'] {
  if (error instanceof AppError) return { code: error.code, message: error.message, data: error.data };
  return { code: 'storage_failed', message: errorMessage(error), data: { problem: storageProblemOf(error) } };
}

parentPort?.on('message', (request: JobRequest) => {
  const { id } = request;
  try {
    handedOver = [];
    const answer = run(request);
    parentPort?.postMessage({ id, answer }, handedOver);
  } catch (error) {
    parentPort?.postMessage({ id, failure: failure(error) } satisfies JobReply);
  }
});
