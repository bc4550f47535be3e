/** Keeps the files of a database readable for its owner only: they contain every conversation. */
import { chmodSync, closeSync, openSync } from 'node:fs';

const OWNER_ONLY = 0o600;
/** SQLite gives the files of a journal the mode of the database. These may be older than that mode. */
const SUFFIXES = ['', '-wal', '-shm', '-journal'];

/** Creates an empty file that only its owner may read, unless the file exists. SQLite reports a path that cannot be used. */
export function createOwnerOnly(path: string): void {
  try {
    closeSync(openSync(path, 'wx', OWNER_ONLY));
  } catch {
    // It exists, or SQLite fails for the same reason and reports it with a remedy.
  }
}

/** Takes the rights of other users from a database and its journal. Does not change files of another user. */
export function restrictToOwner(path: string): void {
  for (const suffix of SUFFIXES) {
    try {
      chmodSync(`${path}${suffix}`, OWNER_ONLY);
    } catch {
      // The file does not exist, or belongs to another user, who decides about it.
    }
  }
}
