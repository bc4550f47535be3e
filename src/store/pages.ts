/** Reads pages of a log in seq order, up to a size: rows for the server, and rows as clients get them. */
import { isUtf8 } from 'node:buffer';
import type { Database, Statement } from 'better-sqlite3';
import type { StoredRow } from './columns.ts';
import { largeExtraBytes, rowColumns } from './file/schema.ts';
import type { PageRange } from './port.ts';

/** A page with columns as they are in the file. */
export interface StoredPage {
  rows: StoredRow[];
  headSeq: number;
  oldestSeq: number;
}

/** The same, with each large `extra` as bytes of JSON, which a thread can hand over without a copy. */
export interface StoredEvents extends Omit<StoredPage, 'rows'> {
  rows: EventRow[];
}

interface EventRow extends StoredRow {
  /** Then `extra` is null. */
  largeExtra: Uint8Array<ArrayBuffer> | null;
}

interface Bounds {
  conversationId: string;
  after: number;
  before: number;
  limit: number;
}

/** Most text of a page, unless one row has more: the log keeps whole tool results, and frames are strings. */
const PAGE_CHARS = 1024 * 1024;

/** A row of an event as SQLite returns it. */
type FoundEvent = StoredRow & { large: Buffer<ArrayBuffer> | null; isJson: number | null };

/** What reading the row costs. `bytes`: of an `extra` of which only a part is read. */
const costOf = ({ content, tool_calls, extra, large, bytes }: StoredRow & { large?: Buffer | null; bytes?: number }) =>
  (content?.length ?? 0) + (tool_calls?.length ?? 0) + (bytes ?? large?.length ?? extra?.length ?? 0);

/** The first rows, up to 1 MiB of text, and at least one. `more`: rows were left out. */
export function upToPageChars<Row extends StoredRow>(found: Iterable<Row>): { rows: Row[]; more: boolean } {
  const rows: Row[] = [];
  let chars = 0;
  for (const row of found) {
    chars += costOf(row);
    if (rows.length > 0 && chars > PAGE_CHARS) return { rows, more: true };
    rows.push(row);
  }
  return { rows, more: false };
}

/** Other programs may have written other text. It is decoded like a small one. */
function eventRowOf({ large, isJson, ...row }: FoundEvent): EventRow {
  if (large === null) return { ...row, largeExtra: null };
  if (isJson !== 1 || large[0] !== OPENING_BRACE || !isUtf8(large))
    return { ...row, extra: large.toString(), largeExtra: null };
  // Only memory that belongs to nothing else can be handed over.
  const isWhole = large.byteLength === large.buffer.byteLength;
  return { ...row, largeExtra: isWhole ? large : new Uint8Array(large) };
}

const OPENING_BRACE = 0x7b;

const isLarge = `type = 'tool_result' AND octet_length(extra) > ${largeExtraBytes}`;
const eventColumns = rowColumns.replace(
  'extra',
  `CASE WHEN ${isLarge} THEN NULL ELSE extra END AS extra, CASE WHEN ${isLarge} THEN CAST(extra AS BLOB) END AS large, CASE WHEN ${isLarge} THEN json_valid(extra) END AS isJson`,
);

/** The rows of a page in seq order, up to its size. */
function readPage<Row extends StoredRow>(
  between: { oldest: Statement<Bounds, Row>; newest: Statement<Bounds, Row> },
  conversationId: string,
  { afterSeq, beforeSeq = Number.MAX_SAFE_INTEGER, limit }: PageRange,
): Row[] {
  const bounds = { conversationId, after: afterSeq ?? -1, before: beforeSeq, limit };
  return afterSeq === undefined
    ? upToPageChars(between.newest.iterate(bounds)).rows.toReversed()
    : upToPageChars(between.oldest.iterate(bounds)).rows;
}

/** Prepares the reads of pages. `conversationId` is the `id` in the file. */
export function createPages(db: Database): {
  rows(conversationId: string, range: PageRange): StoredRow[];
  events(conversationId: string, range: PageRange): EventRow[];
} {
  const between = 'FROM chat_events WHERE conversation_id = @conversationId AND seq > @after AND seq < @before';
  const rowsBetween = {
    oldest: db.prepare<Bounds, StoredRow>(`SELECT ${rowColumns} ${between} ORDER BY seq LIMIT @limit`),
    newest: db.prepare<Bounds, StoredRow>(`SELECT ${rowColumns} ${between} ORDER BY seq DESC LIMIT @limit`),
  };
  const eventsBetween = {
    oldest: db.prepare<Bounds, FoundEvent>(`SELECT ${eventColumns} ${between} ORDER BY seq LIMIT @limit`),
    newest: db.prepare<Bounds, FoundEvent>(`SELECT ${eventColumns} ${between} ORDER BY seq DESC LIMIT @limit`),
  };
  return {
    rows: (conversationId, range) => readPage(rowsBetween, conversationId, range),
    events: (conversationId, range) => readPage(eventsBetween, conversationId, range).map(eventRowOf),
  };
}
