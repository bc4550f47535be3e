/**
 * Group commit: one transaction for all that waits, a savepoint for each append in it. Decides
 * what became of each append; an append that breaks a rule fails alone, and one that the disk
 * did not take is postponed together with what follows it in its conversation.
 */
import Database from 'better-sqlite3';
import { keyOf } from '../conversation-ref.ts';
import { messageOf } from '../errors.ts';
import { storageProblemOf } from './storage-problem.ts';
import type { AppendWriter } from './thread/append-writer.ts';
import type { Committed, PostedAppend, PostedOutcome } from './thread-messages.ts';

export type Commit = (appends: PostedAppend[]) => Committed;

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
      // Some disk errors have ended the whole transaction by now, and the savepoint with it.
      if (isDisksFault(error) || !db.inTransaction) throw error;
      undo.run();
      keep.run();
      return { status: 'refused', reason: messageOf(error) };
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

  /** So that one append which the disk cannot take harms no stranger. */
  function oneByOne(appends: PostedAppend[]): Pick<Committed, 'outcomes' | 'failure'> {
    const stuck = new Set<string>();
    let failure: Committed['failure'] = null;
    const outcomes = appends.map((append): PostedOutcome => {
      // Later rows of the conversation must not overtake the one that waits for the disk.
      if (stuck.has(keyOf(append))) return 'postponed';
      try {
        return inTransaction(() => inSavepoint(append));
      } catch (error) {
        stuck.add(keyOf(append));
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
      // Somebody else holds the file: each append would only wait for its turn in vain.
      if (isBusy(error)) return { outcomes: appends.map(() => 'postponed'), failure: failureOf(error) };
      return oneByOne(appends);
    }
  }

  return (appends) => {
    const started = performance.now();
    return { ...all(appends), commitMs: performance.now() - started };
  };
}

const failureOf = (error: unknown) => ({ message: messageOf(error), problem: storageProblemOf(error) });

/** Rules that the rows themselves break; whatever else SQLite complains of may pass without them changing. */
const brokenRules = /^SQLITE_(?:CONSTRAINT|TOOBIG|MISMATCH|RANGE)/;

const isDisksFault = (error: unknown) => error instanceof Database.SqliteError && !brokenRules.test(error.code);

const isBusy = (error: unknown) => error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY');
