/**
 * Runs a database thread: owns one connection and does one job after the other. A 'writer' commits, and also reads a
 * database in memory. A 'reader' only reads. An entry point, started by thread-link.ts.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { AppError, errorMessage } from '../../errors.ts';
import type { LegacyImport } from '../file/import-legacy.ts';
import { createAppendWriter } from './append-writer.ts';
import { createCommitter } from '../committer.ts';
import type { Commit } from '../committer.ts';
import { connectReader, connectWriter } from '../database.ts';
import type { Connection } from '../database.ts';
import { createDeletion } from './deletion.ts';
import type { Deletion } from './deletion.ts';
import { createDraftWriter } from './draft-writer.ts';
import type { DraftWriter } from './draft-writer.ts';
import { createFork } from '../fork.ts';
import type { Fork } from '../fork.ts';
import { createQueries } from '../queries.ts';
import type { Queries } from '../queries.ts';
import { createRetention } from './retention.ts';
import type { Retain, RetentionPolicy } from './retention.ts';
import { createSlices } from './slices.ts';
import { createSweep } from './sweep.ts';
import type { Sweep } from './sweep.ts';
import type { JobReply, JobRequest, ThreadSettings } from '../thread-messages.ts';

const settings: ThreadSettings = workerData;

let connection: Connection | null = null;
let writing: {
  commit: Commit;
  sweep: Sweep;
  fork: Fork;
  deletion: Deletion;
  saveDrafts: DraftWriter;
  follow(policy: RetentionPolicy): void;
} | null = null;
let queries: Queries | null = null;

function open(reconnect: boolean): LegacyImport | null {
  // A database in memory is lost with its connection, and has no disk that could fail.
  if (connection !== null && settings.path === null) return null;
  disconnect();
  const opened = connectWriter(settings, reconnect);
  connection = opened.connection;
  const { db } = connection;
  const slices = createSlices(db);
  const fork = createFork(db, slices);
  const deletion = createDeletion(db, fork.isBusy);
  let retainAll = createRetention(db, settings.retention);
  // A conversation that is being copied keeps its rows. The next end of a turn, or the next sweep, drops them.
  const retain: Retain = (id, now, maxRows) => !fork.isBusy(id) && retainAll(id, now, maxRows);
  const startSweep = () => createSweep(db, { slices, deletion, retain });
  const began = {
    commit: createCommitter(db, createAppendWriter(db, retain)),
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
  return opened.legacyImport;
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
    connection = connectReader(settings.path);
    queries = createQueries(connection.db);
  }
  if (queries === null) throw closed();
  try {
    return ask(queries);
  } catch (error) {
    if (settings.role === 'reader') disconnect();
    throw error;
  }
}

function write(): NonNullable<typeof writing> {
  if (writing === null) throw closed();
  return writing;
}

function run(request: JobRequest) {
  switch (request.kind) {
    case 'open':
      return open(request.ask.reconnect);
    case 'retain':
      return followPolicy(request.ask);
    case 'commit':
      return write().commit(request.ask);
    case 'drafts':
      return write().saveDrafts(request.ask);
    case 'sweep':
      return write().sweep(request.ask.now);
    case 'fork':
      return write().fork.slice(request.ask);
    case 'remove':
      return write().deletion.remove(request.ask.owner, request.ask.conversationId);
    case 'load': {
      const { owner, conversationId, tokens, messages } = request.ask;
      return read((queries) => queries.load(owner, conversationId, { tokens, messages }));
    }
    case 'page': {
      const { owner, conversationId, range } = request.ask;
      return read((queries) => queries.page(owner, conversationId, range));
    }
    case 'turn': {
      const { owner, conversationId, requestId } = request.ask;
      return read((queries) => queries.turn(owner, conversationId, requestId));
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
function failure(error: unknown): { code: AppError['code']; message: string } {
  if (error instanceof AppError) return { code: error.code, message: error.message };
  return { code: 'storage_failed', message: errorMessage(error) };
}

parentPort?.on('message', (request: JobRequest) => {
  const { id } = request;
  try {
    parentPort?.postMessage({ id, answer: run(request) });
  } catch (error) {
    parentPort?.postMessage({ id, failure: failure(error) } satisfies JobReply);
  }
});
