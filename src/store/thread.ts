/**
 * A database thread: owns one connection and does one job after the other. As 'writer' it
 * commits, and reads too when the database is in memory; as 'reader' it only reads. An entry
 * point, started by thread-link.ts; nothing imports it.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { AppError } from '../errors.ts';
import type { Adoption } from './adoption.ts';
import { createAppendWriter } from './append-writer.ts';
import { createCommitter } from './committer.ts';
import type { Commit } from './committer.ts';
import { connectReader, connectWriter } from './database.ts';
import type { Connection } from './database.ts';
import { createQueries } from './queries.ts';
import type { Queries } from './queries.ts';
import { createRetention } from './retention.ts';
import { createSweep } from './sweep.ts';
import type { Sweep } from './sweep.ts';
import type { JobReply, JobRequest, ThreadSettings } from './thread-messages.ts';

const settings: ThreadSettings = workerData;

let connection: Connection | null = null;
let commit: Commit | null = null;
let sweep: Sweep | null = null;
let queries: Queries | null = null;

function open(reconnect: boolean): Adoption | null {
  // What is in memory is gone with its connection, and there is no disk that could break.
  if (connection !== null && settings.path === null) return null;
  disconnect();
  const opened = connectWriter(settings, reconnect);
  connection = opened.connection;
  const { db } = connection;
  const retain = createRetention(db, settings.retention);
  commit = createCommitter(db, createAppendWriter(db, retain));
  sweep = createSweep(db, retain);
  queries = createQueries(db);
  return opened.adoption;
}

function disconnect(): void {
  const last = connection;
  connection = null;
  commit = null;
  sweep = null;
  queries = null;
  last?.close();
}

function close(): void {
  try {
    connection?.fold();
  } catch {
    // Nothing is lost: what another program or the disk kept from being folded, the next start finds in the log.
  }
  disconnect();
}

/** The reader connects at its first job, when the writer has made the file, and anew after a failure. */
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

function run(request: JobRequest) {
  switch (request.kind) {
    case 'open':
      return open(request.ask.reconnect);
    case 'commit':
      if (commit === null) throw closed();
      return commit(request.ask);
    case 'sweep':
      if (sweep === null) throw closed();
      return sweep(request.ask.now);
    case 'standing': {
      const { owner, conversationId, tokens } = request.ask;
      return read((queries) => queries.standing(owner, conversationId, tokens));
    }
    case 'page': {
      const { owner, conversationId, range } = request.ask;
      return read((queries) => queries.page(owner, conversationId, range));
    }
    case 'turn': {
      const { owner, conversationId, requestId } = request.ask;
      return read((queries) => queries.turn(owner, conversationId, requestId));
    }
    case 'unfinished':
      return read((queries) => queries.unfinished());
    case 'close':
      return close();
  }
}

const closed = () => new AppError('storage_failed', 'the database is not open');

/** Errors lose their class and code on the way to the main thread, so they travel as what is told of them. */
function failure(error: unknown): { code: AppError['code']; message: string } {
  if (error instanceof AppError) return { code: error.code, message: error.message };
  return { code: 'storage_failed', message: error instanceof Error ? error.message : String(error) };
}

parentPort?.on('message', (request: JobRequest) => {
  const { id } = request;
  try {
    parentPort?.postMessage({ id, answer: run(request) });
  } catch (error) {
    parentPort?.postMessage({ id, failure: failure(error) } satisfies JobReply);
  }
});
