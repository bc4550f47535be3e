/**
 * Copies a database, also while a server writes it. The copy is one snapshot without a write-ahead log. It is complete or
 * does not exist.
 */
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { AppError, codeOf } from '../../errors.ts';
import { unavailableBecause } from './file-checks.ts';
import { createOwnerOnly } from './owner-only.ts';

/** Longest wait for another program's exclusive lock. */
const busyTimeoutMs = 5000;

/** Throws AppError `store_unavailable` with the reason if `to` exists already or cannot be written. */
export function copyDatabase(from: string, to: string): void {
  if (!existsSync(from))
    throw new AppError(
      'store_unavailable',
      `No event log exists at ${from}. Start the server once, or name another configuration with --config.`,
    );
  if (existsSync(to))
    throw new AppError('store_unavailable', `${to} exists already, and is not overwritten. Name another file.`);
  const partial = `${to}.partial`;
  try {
    rmSync(partial, { force: true });
    // SQLite fills an empty file, and keeps its mode.
    createOwnerOnly(partial);
    writeCopy(from, partial);
    // SQLite does not flush the copy. Without this, a power cut could leave an empty file.
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

/** A full or missing disk is an error of the copy. Every other error is about the original. */
function copyError(from: string, to: string, error: unknown): AppError {
  const code = codeOf(error);
  if (!/^SQLITE_(FULL|CANTOPEN|IOERR)|^E[A-Z]+$/.test(code)) return unavailableBecause(from, error);
  const reason = code === 'SQLITE_FULL' ? 'the disk is full' : error instanceof Error ? error.message : code;
  return new AppError(
    'store_unavailable',
    `The copy ${to} could not be written: ${reason}. The partial copy was removed.`,
    {
      cause: error,
    },
  );
}
