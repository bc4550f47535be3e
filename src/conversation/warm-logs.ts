/**
 * The recent turns of conversations that are in use, kept warm so that a turn reads nothing from disk.
 * An LRU over all conversations, bounded in bytes; what falls out is read again from the store.
 */
import { LRUCache } from 'lru-cache';
import { branchOf, foldRow, isMessage, type TurnRows } from '../../machines/context-window/past-turns.ts';
import type { LogRow } from '../../machines/log.ts';
import { keyOf, type ConversationRef } from '../conversation-ref.ts';
import type { Standing as StoredStanding } from '../store/port.ts';

export interface WarmLogs {
  /** The recent turns; at once when warm. Rejects when the store cannot be read. */
  turns(ref: ConversationRef): readonly TurnRows[] | Promise<readonly TurnRows[]>;
  /** Reads the log afresh and keeps its recent turns; what activation starts from. */
  activate(ref: ConversationRef): Promise<StoredStanding>;
  /** Adds committed rows, in seq order. */
  append(ref: ConversationRef, rows: readonly LogRow[]): void;
  /** The conversation is closed: it will read its log when it is opened again. */
  forget(ref: ConversationRef): void;
  /** Estimated bytes held, for metrics. */
  bytes(): number;
  /** To be called when numbers have changed. What is beyond `maxBytes` is let go; a window that has changed is read from the store. */
  resize(): void;
}

/** Numbers are read each time, so they may change. */
export interface WarmLogsOptions {
  store: { standing(owner: string, conversationId: string, tokens: number, messages: number): Promise<StoredStanding> };
  /** chat.service.log_cache_bytes */
  maxBytes: number;
  /** Tokens of past turns that a window can use; older turns are let go. */
  windowTokens: number;
  /** Messages that a window takes whatever their size. */
  preserveRecent: number;
}

/** A row's objects and short columns, beside its texts. */
const ROW_BYTES = 480;
/** What the cache holds for a conversation without rows. */
const EMPTY_BYTES = 400;

interface WarmLog {
  turns: TurnRows[];
  bytes: number;
}

/**
 * Starts cold. Sizes are estimates: two bytes a UTF-16 unit and a fixed share a row. A read of the log that
 * a commit overtakes is made again, since which of the new rows it holds is not known.
 */
export function createWarmLogs(options: WarmLogsOptions): WarmLogs {
  const createCache = () =>
    new LRUCache<string, WarmLog>({ maxSize: Math.max(1, options.maxBytes), sizeCalculation: (log) => log.bytes });
  const windowNow = () => `${options.windowTokens} ${options.preserveRecent}`;
  let cache = createCache();
  let window = windowNow();
  const readings = new Map<string, { overtaken: boolean }>();

  const add = (log: WarmLog, row: LogRow) => {
    const kept = forWindows(row);
    foldRow(log.turns, kept);
    log.bytes += rowBytes(kept);
  };
  /** The cache takes the size of a value that it does not know yet; one that it holds already it would not measure again. */
  const keep = (key: string, { turns, bytes }: WarmLog) => cache.set(key, { turns, bytes });
  const drop = (log: WarmLog, dropped: readonly TurnRows[]) => {
    if (dropped.length === 0) return;
    log.turns = log.turns.filter((turn) => !dropped.includes(turn));
    for (const { rows } of dropped) for (const row of rows) log.bytes -= rowBytes(row);
  };
  const letGo = (log: WarmLog) => {
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
    const key = keyOf(ref);
    for (;;) {
      const reading = { overtaken: false };
      readings.set(key, reading);
      const standing = await options.store
        .standing(ref.owner, ref.conversationId, options.windowTokens, options.preserveRecent)
        .finally(() => {
          if (readings.get(key) === reading) readings.delete(key);
        });
      // Rows were committed while the log was being read: which of them it holds is not known.
      if (reading.overtaken) continue;
      const log: WarmLog = { turns: [], bytes: EMPTY_BYTES };
      for (const row of standing.rows) add(log, row);
      // Turns of other programs have no turn_end row: what is not open has ended.
      for (const turn of log.turns) turn.ended ||= !standing.open.some(({ requestId }) => requestId === turn.requestId);
      keep(key, log);
      return { standing, turns: log.turns };
    }
  };

  return {
    activate: async (ref) => (await read(ref)).standing,
    // What was read is used even if it is too large to be kept.
    turns: (ref) => cache.get(keyOf(ref))?.turns ?? read(ref).then(({ turns }) => turns),
    append(ref, rows) {
      const key = keyOf(ref);
      const log = cache.get(key);
      const reading = readings.get(key);
      if (reading) reading.overtaken = true;
      if (!log) return;
      for (const row of rows) add(log, row);
      if (rows.some((row) => row.extra['kind'] === 'turn_end')) letGo(log);
      keep(key, log);
    },
    forget: (ref) => void cache.delete(keyOf(ref)),
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
  // Thoughts, and what a message brings along; of the other rows' extras nothing is long.
  const more =
    row.type === 'assistant_message' || row.extra['included'] !== undefined ? JSON.stringify(row.extra).length : 0;
  return (
    ROW_BYTES + 2 * ((row.content?.length ?? 0) + (row.tool_calls ? JSON.stringify(row.tool_calls).length : 0) + more)
  );
}

/** Of what stands beside a row's columns: what a turn's messages and its place on the branch are made from. */
const keptExtras = ['kind', 'to_seq', 'reasoning', 'signatures', 'included'] as const;

/** The rest, as usage and the whole of tools' results, is for the log's readers. */
function forWindows(row: LogRow): LogRow {
  const extra: LogRow['extra'] = {};
  for (const key of keptExtras) if (row.extra[key] !== undefined) extra[key] = row.extra[key];
  return { ...row, usage: null, extra };
}
