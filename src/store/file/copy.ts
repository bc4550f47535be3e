/**
 * A copy of a database beside whoever writes it: consistent, and whole or absent. The copy is one
 * moment of the file, with nothing of it left in a write-ahead log.
 */
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { AppError } from '../../errors.ts';
import { unavailableBecause } from './file-checks.ts';

/** Another program's exclusive lock is waited for this long. */
const busyTimeoutMs = 5000;

/** Throws AppError `store_unavailable` when `to` exists already, or why it could not be written. */
export function copyDatabase(from: string, to: string): void {
  if (!existsSync(from))
    throw new AppError(
      'store_unavailable',
      `There is no event log at ${from}. Start the server once, or name another configuration with --config.`,
    );
  if (existsSync(to))
    throw new AppError('store_unavailable', `${to} exists already. Name another file: nothing is overwritten.`);
  const partial = `${to}.partial`;
  try {
    rmSync(partial, { force: true });
    writeCopy(from, partial);
    // SQLite leaves this to us: without it a power cut could leave a copy of nothing.
    flush(partial);
    renameSync(partial, to);
    flush(dirname(to));
  } catch (error) {
    rmSync(partial, { force: true });
    throw copyError(from, to, error);
  }
}

function writeCopy(from: string, to: string): void {
  const db = new Database(from, { readonly: true, timeout: busyTimeoutMs });
  try {
    db.prepare('VACUUM INTO ?').run(to);
  } finally {
    db.close();
  }
}

function flush(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** A full or missing disk is the copy's; every other complaint is about the original. */
function copyError(from: string, to: string, error: unknown): AppError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (!/^SQLITE_(FULL|CANTOPEN|IOERR)|^E[A-Z]+$/.test(code)) return unavailableBecause(from, error);
  const reason = code === 'SQLITE_FULL' ? 'the disk is full' : error instanceof Error ? error.message : code;
  return new AppError('store_unavailable', `The copy ${to} could not be written: ${reason}. Nothing was left behind.`, {
    cause: error,
  });
}
