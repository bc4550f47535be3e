/**
 * Commits a group of appends in one transaction, with a savepoint for each. Returns the outcome of each append. An append
 * that violates a rule of the schema fails alone. An append that the disk rejects is postponed, together with later
 * appends to its conversation. Without appends it tests whether the file can be written.
 */
import Database from 'better-sqlite3';
import { conversationKey } from '../../conversation-ref.ts';
import { errorMessage } from '../../errors.ts';
import { storageProblemOf } from '../storage-problem.ts';
import type { AppendWriter } from './append-writer.ts';
import type { Committed, PostedAppend, PostedOutcome } from '../thread-messages.ts';

/** Commits a group. An append that fails has its outcome, and does not throw. */
export type Commit = (appends: PostedAppend[]) => Committed;

/** Prepares the transaction that commits a group of appends. */
export function createCommitter(db: Database.Database, write: AppendWriter): Commit {
  const begin = db.prepare('BEGIN IMMEDIATE');
  const commit = db.prepare('COMMIT');
  const rollback = db.prepare('ROLLBACK');
  const open = db.prepare('SAVEPOINT append');
  const keep = db.prepare('RELEASE append');
  const undo = db.prepare('ROLLBACK TO append');

  function inSavepoint(append: PostedAppend): PostedOutcome {
    open.run();
    try {
      const outcome = write(append);
      keep.run();
      return outcome;
    } catch (error) {
      // Some disk errors roll the whole transaction back, and the savepoint with it.
      if (isDiskError(error) || !db.inTransaction) throw error;
      undo.run();
      keep.run();
      return { status: 'refused', reason: errorMessage(error) };
    }
  }

  function inTransaction<T>(work: () => T): T {
    begin.run();
    try {
      const result = work();
      commit.run();
      return result;
    } catch (error) {
      if (db.inTransaction) rollback.run();
      throw error;
    }
  }

  /** One transaction for each append, so that an append that the disk rejects does not affect other conversations. */
  function oneByOne(appends: PostedAppend[]): Pick<Committed, 'outcomes' | 'failure'> {
    const postponed = new Set<string>();
    let failure: Committed['failure'] = null;
    const outcomes = appends.map((append): PostedOutcome => {
      // Later rows of the conversation must not overtake the postponed one.
      if (postponed.has(conversationKey(append))) return 'postponed';
      try {
        return inTransaction(() => inSavepoint(append));
      } catch (error) {
        postponed.add(conversationKey(append));
        failure = failureOf(error);
        return 'postponed';
      }
    });
    return { outcomes, failure };
  }

  function all(appends: PostedAppend[]): Pick<Committed, 'outcomes' | 'failure'> {
    try {
      return { outcomes: inTransaction(() => appends.map(inSavepoint)), failure: null };
    } catch (error) {
      // Another program holds the file: each append would wait for the lock in vain.
      if (isBusy(error)) return { outcomes: appends.map(() => 'postponed'), failure: failureOf(error) };
      return oneByOne(appends);
    }
  }

  /** Writes the version that the file has: a commit that changes nothing, but takes the lock and room on the disk. */
  function testWrite(): Pick<Committed, 'outcomes' | 'failure'> {
    try {
      inTransaction(() => db.pragma(`user_version = ${Number(db.pragma('user_version', { simple: true }))}`));
      return { outcomes: [], failure: null };
    } catch (error) {
      return { outcomes: [], failure: failureOf(error) };
    }
  }

  return (appends) => {
    const started = performance.now();
    const committed = appends.length === 0 ? testWrite() : all(appends);
    return { ...committed, commitMs: performance.now() - started };
  };
}

const failureOf = (error: unknown) => ({ message: errorMessage(error), problem: storageProblemOf(error) });

/** Errors that the rows themselves cause. Every other SQLite error may disappear on a retry. */
const rowErrors = /^SQLITE_(?:CONSTRAINT|TOOBIG|MISMATCH|RANGE)/;

const isDiskError = (error: unknown) => error instanceof Database.SqliteError && !rowErrors.test(error.code);

const isBusy = (error: unknown) => error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY');
