/** Cuts the lists of prompts and resources into pages. Pure. */
import type { Fault } from '../../../machines/log.ts';
import { fault } from '../../errors.ts';

/** A part of a list, in its order. */
export interface Page<Entry> {
  entries: Entry[];
  /** Null on the last page. */
  nextCursor: string | null;
}

/** The entries of one server; all entries for undefined. */
export function ofServer<Entry extends { server: string }>(entries: Entry[], server: string | undefined): Entry[] {
  return server === undefined ? entries : entries.filter((entry) => entry.server === server);
}

/**
 * The page behind `cursor`, or the first page. A cursor names the last entry of its page, so it stays valid while other
 * entries come and go. Null if the list has no such entry.
 */
export function pageOf<Entry extends { server: string }>(
  all: Entry[],
  { cursor, limit }: { cursor?: string | undefined; limit: number },
  nameOf: (entry: Entry) => string,
): Page<Entry> | null {
  const cursorOf = (entry: Entry) => Buffer.from(JSON.stringify([entry.server, nameOf(entry)])).toString('base64url');
  const before = cursor === undefined ? -1 : all.findIndex((entry) => cursorOf(entry) === cursor);
  if (cursor !== undefined && before === -1) return null;
  const entries = all.slice(before + 1, before + 1 + limit);
  const last = entries.at(-1);
  return { entries, nextCursor: last !== undefined && before + 1 + limit < all.length ? cursorOf(last) : null };
}

/** For a cursor of which `pageOf` finds no entry. */
export function invalidCursor(): Fault {
  const message =
    'payload.cursor: expected the next_cursor of an earlier page, or none; the list may have changed meanwhile.';
  return fault('invalid_request', message, { path: 'payload.cursor' });
}
