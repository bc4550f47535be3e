/**
 * Reads the newest rows of a log that a context can need: whole turns, and all open turns. Skips turns that a rewind has
 * abandoned, and turns that a content filter refused.
 */
import type { Database } from 'better-sqlite3';
import { isMessage } from '../../machines/context-window/past-turns.ts';
import { endsRefused } from '../../machines/context-window/content-filter.ts';
import { asObject } from '../../machines/json-object.ts';
import { parseJson } from '../json.ts';
import { imagesIn } from '../mcp/content/images.ts';
import type { StoredRow } from './columns.ts';
import { leanRowColumns, rewindTarget, shownExtra } from './file/schema.ts';
import type { StoredTurn } from './port.ts';

/** The range of a turn's rows, and its rewind. `endSeq` is infinite while the turn is open. */
interface Span {
  beginSeq: number;
  endSeq: number;
  rewindTo: number | null;
}

/** Minimum size of a window, if the log has as much. */
export interface WindowSize {
  tokens: number;
  messages: number;
  /** Images of large results for the model: the newest ones. Older ones are left out, because each may have megabytes. */
  images: number;
}

/** Walks backwards until the window is full and no turn is cut. Returns rows in seq order. */
export function createWindow(
  db: Database,
): (conversationId: string, least: WindowSize, open: readonly StoredTurn[]) => StoredRow[] {
  const newestFirst = db.prepare<[string], StoredRow & { isCut: number }>(
    `SELECT ${leanRowColumns} FROM chat_events WHERE conversation_id = ? ORDER BY seq DESC`,
  );
  const findShownExtra = db.prepare<[string, number], { extra: string }>(
    `SELECT ${shownExtra} FROM chat_events WHERE conversation_id = ? AND seq = ?`,
  );
  // The row of a rewind follows its message.
  const findSpan = db.prepare<[string, string], { beginSeq: number; endSeq: number | null; rewindTo: number | null }>(`
    SELECT begin_seq AS beginSeq, end_seq AS endSeq,
           (SELECT ${rewindTarget} FROM chat_events WHERE conversation_id = turns.conversation_id AND seq = begin_seq + 1) AS rewindTo
      FROM turns WHERE conversation_id = ? AND request_id = ?`);

  return (conversationId, least, open) => {
    const spans = new Map<string, Span>();
    const rewinds: { toSeq: number; by: Span }[] = [];
    const refused = new Set<string>();
    const rows: StoredRow[] = [];
    let tokens = 0;
    let messages = 0;
    let images = 0;
    let fromSeq = Infinity;

    const meet = (requestId: string, seq: number): Span => {
      const known = spans.get(requestId);
      if (known) return known;
      const { endSeq, ...found } = findSpan.get(conversationId, requestId) ?? {
        beginSeq: seq,
        endSeq: seq,
        rewindTo: null,
      };
      const span = { ...found, endSeq: endSeq ?? Infinity };
      spans.set(requestId, span);
      // Also rewinds of abandoned turns: the turns that they abandoned are not on the earlier branch.
      if (span.rewindTo !== null) rewinds.push({ toSeq: span.rewindTo, by: span });
      return span;
    };
    for (const { requestId, beginSeq } of open) {
      meet(requestId, beginSeq);
      fromSeq = Math.min(fromSeq, beginSeq);
    }
    // A turn with a rewind ended later than the turns that it abandoned, so the walk meets it first.
    for (const { isCut, ...row } of newestFirst.iterate(conversationId)) {
      if (tokens >= least.tokens && messages >= least.messages && row.seq < fromSeq) break;
      const span = row.request_id === null ? null : meet(row.request_id, row.seq);
      if (
        span &&
        rewinds.some(
          ({ toSeq, by }) => toSeq <= span.beginSeq && span.beginSeq < by.beginSeq && span.endSeq < by.endSeq,
        )
      )
        continue;
      // The end of a turn is its last row, so the walk meets it first.
      if (row.request_id !== null && isRefusedEnd(row)) refused.add(row.request_id);
      if (row.request_id !== null && refused.has(row.request_id)) continue;
      tokens += row.token_count ?? 0;
      if (isMessage(row)) messages += 1;
      if (isCut === 1 && images < least.images) {
        row.extra = findShownExtra.get(conversationId, row.seq)?.extra ?? null;
        images += countImages(row);
      }
      rows.push(row);
      if (span) fromSeq = Math.min(fromSeq, span.beginSeq);
    }
    return rows.toReversed();
  };
}

function isRefusedEnd({ type, extra }: StoredRow): boolean {
  return type === 'meta' && extra !== null && endsRefused(asObject(parseJson(extra)) ?? {});
}

/** The images of a result that are for the model. */
function countImages({ extra }: StoredRow): number {
  return imagesIn(asObject(parseJson(extra ?? 'null'))?.['whole'], 'assistant').length;
}
