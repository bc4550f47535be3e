/**
 * Caches the recent turns of conversations in use, so that a turn reads nothing from disk. An LRU cache over all
 * conversations, bounded in bytes. An evicted conversation is read again from the store.
 */
import { LRUCache } from 'lru-cache';
import { branchOf, foldRow, isMessage, type TurnRows } from '../../machines/context-window/past-turns.ts';
import { imagesIn } from '../mcp/content/images.ts';
import { endsRefused } from '../../machines/context-window/content-filter.ts';
import { isTurnEnd, type LogRow } from '../../machines/log.ts';
import { conversationKey, type ConversationRef } from '../conversation-ref.ts';
import type { LoadedConversation as StoredStanding, Store } from '../store/port.ts';

/** The cache of all conversations. */
export interface LogCache {
  /** The recent turns; at once if cached. Rejects if the store cannot be read. */
  turns(ref: ConversationRef): readonly TurnRows[] | Promise<readonly TurnRows[]>;
  /** Reads the log from the store, past the cache, and caches its recent turns. An activation starts from the result. */
  activate(ref: ConversationRef): Promise<StoredStanding>;
  /** Adds committed rows, in seq order. */
  append(ref: ConversationRef, rows: readonly LogRow[]): void;
  /** Drops a closed conversation. It reads its log when it opens again. */
  forget(ref: ConversationRef): void;
  /** Estimated size in bytes, for metrics. */
  bytes(): number;
  /** Call it when the options have changed. Evicts entries beyond `maxBytes`, and all entries if the window has changed. */
  resize(): void;
}

/** Numbers are read at each use, so they may change. */
export interface LogCacheOptions {
  store: Pick<Store, 'load'>;
  /** chat.service.log_cache_bytes */
  maxBytes: number;
  /** Tokens of past turns that a window can use. Older turns are evicted. */
  windowTokens: number;
  /** Messages that a window always includes, of any size. */
  preserveRecent: number;
  /** Images of large results that are read with a log, the newest ones. */
  maxImages: number;
}

/** Estimated size of a row without its texts. */
const ROW_BYTES = 480;
/** Estimated size of a conversation without rows. */
const EMPTY_BYTES = 400;

interface CachedLog {
  turns: TurnRows[];
  bytes: number;
}

/**
 * Starts empty. Sizes are estimates: two bytes per UTF-16 unit and a fixed size per row. If a commit happens during a
 * read of the log, the log is read again, because it is unknown which of the new rows the read returned.
 */
export function createLogCache(options: LogCacheOptions): LogCache {
  const createCache = () =>
    new LRUCache<string, CachedLog>({ maxSize: Math.max(1, options.maxBytes), sizeCalculation: (log) => log.bytes });
  const windowNow = () => [options.windowTokens, options.preserveRecent, options.maxImages].join(' ');
  let cache = createCache();
  let window = windowNow();
  const readings = new Map<string, { overtaken: boolean }>();

  const add = (log: CachedLog, row: LogRow) => {
    const kept = windowPart(row);
    foldRow(log.turns, kept);
    log.bytes += rowBytes(kept);
  };
  /** Sets a new object each time, because lru-cache measures only values that it does not hold yet. */
  const keep = (key: string, { turns, bytes }: CachedLog) => cache.set(key, { turns, bytes });
  const drop = (log: CachedLog, dropped: readonly TurnRows[]) => {
    if (dropped.length === 0) return;
    log.turns = log.turns.filter((turn) => !dropped.includes(turn));
    for (const { rows } of dropped) for (const row of rows) log.bytes -= rowBytes(row);
  };
  const evictOldTurns = (log: CachedLog) => {
    const branch = branchOf(log.turns);
    drop(
      log,
      log.turns.filter((turn) => turn.ended && !branch.includes(turn)),
    );
    let tokens = log.turns.reduce((sum, turn) => sum + turn.tokens, 0);
    let messages = log.turns.reduce((sum, turn) => sum + messagesOf(turn), 0);
    for (;;) {
      const oldest = log.turns[0];
      if (
        !oldest?.ended ||
        tokens - oldest.tokens < options.windowTokens ||
        messages - messagesOf(oldest) < options.preserveRecent
      )
        return;
      drop(log, [oldest]);
      tokens -= oldest.tokens;
      messages -= messagesOf(oldest);
    }
  };
  const read = async (ref: ConversationRef) => {
    const key = conversationKey(ref);
    for (;;) {
      const reading = { overtaken: false };
      readings.set(key, reading);
      const standing = await options.store
        .load(ref.owner, ref.conversationId, options.windowTokens, options.preserveRecent, options.maxImages)
        .finally(() => {
          if (readings.get(key) === reading) readings.delete(key);
        });
      if (reading.overtaken) continue;
      const log: CachedLog = { turns: [], bytes: EMPTY_BYTES };
      for (const row of standing.rows) add(log, row);
      // Turns of other programs have no turn_end row: a turn that is not open has ended.
      for (const turn of log.turns) turn.ended ||= !standing.open.some(({ requestId }) => requestId === turn.requestId);
      keep(key, log);
      return { standing, turns: log.turns };
    }
  };

  return {
    activate: async (ref) => (await read(ref)).standing,
    // The result is used even if it is too large for the cache.
    turns: (ref) => cache.get(conversationKey(ref))?.turns ?? read(ref).then(({ turns }) => turns),
    append(ref, rows) {
      const key = conversationKey(ref);
      const log = cache.get(key);
      const reading = readings.get(key);
      if (reading) reading.overtaken = true;
      if (!log) return;
      for (const row of rows) add(log, row);
      if (rows.some(isTurnEnd)) evictOldTurns(log);
      keep(key, log);
    },
    forget: (ref) => void cache.delete(conversationKey(ref)),
    bytes: () => cache.calculatedSize,
    resize() {
      const kept = window === windowNow() ? cache.dump() : [];
      window = windowNow();
      cache = createCache();
      cache.load(kept);
    },
  };
}

function messagesOf({ rows }: TurnRows): number {
  return rows.filter(isMessage).length;
}

function rowBytes(row: LogRow): number {
  // Reasoning, included texts, choices of tools and images may be long. The extras of other rows are short.
  const more = row.type === 'assistant_message' || hasLongExtra(row.extra) ? JSON.stringify(row.extra).length : 0;
  return (
    ROW_BYTES + 2 * ((row.content?.length ?? 0) + (row.tool_calls ? JSON.stringify(row.tool_calls).length : 0) + more)
  );
}

function hasLongExtra({ included, tools, images }: LogRow['extra']): boolean {
  return included !== undefined || tools !== undefined || images !== undefined;
}

/** The keys of `extra` that a turn's messages and its place on the branch depend on. */
const keptExtras = ['kind', 'to_seq', 'reasoning', 'signatures', 'included', 'tools', 'images', 'asked_again'] as const;

/** The part of a row that windows need. Usage and whole tool results stay in the store, and so do ends of usual turns. */
function windowPart(row: LogRow): LogRow {
  const extra: LogRow['extra'] = {};
  if (endsRefused(row.extra)) Object.assign(extra, { metadata: row.extra['metadata'], error: row.extra['error'] });
  for (const key of keptExtras) if (row.extra[key] !== undefined) extra[key] = row.extra[key];
  const images = row.type === 'tool_result' ? imagesIn(row.extra['whole'], 'assistant') : [];
  if (images.length > 0) extra['images'] = images;
  return { ...row, usage: null, extra };
}
