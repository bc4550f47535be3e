/**
 * Joins a conversation's past from the log and its live events to one sequence. It always reads the rows after the newest
 * known row, so no row is missing or repeated where the two parts meet. Uses no elements.
 */
import { commitOf, conversationIn } from './steps.js';

/**
 * Short facts of a row of the log (src/inspect/log/rows.ts).
 * @typedef {{ seq: number, at_ms: number, type: string, request_id: string | null, call_id: string | null, name: string | null,
 *   server: string | null, outcome: string | null, hop: number | null, duration_ms: number | null, first_token_ms: number | null,
 *   model: string | null, prompt_tokens: number | null, cached_tokens: number | null, completion_tokens: number | null,
 *   cost: number | null, text: string | null }} Row
 * @typedef {import('./steps.js').Message} Message
 * @typedef {{ messages: Message[], rows: Row[], end_state: string | null, head_seq: number, before_seq: number | null }} Piece
 * @typedef {{ label: string, atMs: number }} Break
 */

/** Most rows in the list. More rows at one end push out those at the other. */
const MOST_ROWS = 1500;
/** Most live messages kept to rebuild the sequence. */
const MOST_LIVE = 4000;
/** Rows read after the row that a person jumps to. */
const ROWS_AFTER_JUMP = 40;

/**
 * `onChange`: there is more to show. `onNews`: rows were committed just now, or have just been read. `readPiece` and `readRows`
 * reject as `callApi` of api.js does; `readRows` resolves with no rows for an unknown conversation.
 * @param {{ conversationId: string, stepList: ReturnType<typeof import('./steps.js').createStepList>,
 *   readPiece(query: Record<string, string>): Promise<Piece>, readRows(after: number): Promise<{ rows: Row[], head_seq: number }>,
 *   onChange(): void, onNews(rows: readonly Row[]): void, onFailure(error: unknown): void }} given
 */
export function createRecord({ conversationId, stepList, readPiece, readRows, onChange, onNews, onFailure }) {
  const rootId = `log/${conversationId}`;
  /** @type {Message[]} */
  let messages = [];
  /** In the order of the log. @type {Row[]} */
  let rows = [];
  /** @type {(Message | Break)[]} */
  let live = [];
  /** From this seq on, rows are shown by their live events; null before the first. @type {number | null} */
  let liveFrom = null;
  let head = 0;
  /** Rows of the largest piece so far. */
  let pieceRows = 0;
  /** @type {string | null} */
  let endState = null;
  /** @type {number | null} */
  let before = null;
  /** Newer rows exist but are not in the list; live events are not shown either. */
  let isDetached = false;
  let [isLoaded, isEndShown, isReading, isDue] = [false, false, false, false];

  const newest = () => rows.at(-1)?.seq ?? 0;
  const isInMemory = () => {
    const root = conversationIn(stepList.steps().at(-1)?.actors ?? new Map());
    return root !== null && !root.id.startsWith('log/') && root.status === 'active';
  };
  /** @param {Message | Break} each */
  const add = (each) => ('label' in each ? stepList.breakAt(each.label, each.atMs) : stepList.add(each));
  /** @param {Message | Break} each */
  const keep = (each) => {
    live.push(each);
    if (live.length > MOST_LIVE) live = live.slice(MOST_LIVE / 4);
  };

  /** Rebuilds the whole sequence. */
  const rebuild = () => {
    stepList.clear();
    const from = isDetached ? null : liveFrom;
    for (const message of messages) if (from === null || seqOf(message) < from) stepList.add(message);
    if (!isDetached) for (const each of live) add(each);
    if (from !== null) for (const row of rows) if (row.seq >= from) stepList.insertRow(row, rootId);
    const end = isDetached
      ? 'newer rows are not shown'
      : endState === null || endState === 'idle' || isInMemory()
        ? null
        : `the log ends here: ${endState}`;
    isEndShown = end !== null;
    if (end !== null) stepList.breakAt(end, rows.at(-1)?.at_ms ?? 0);
    onChange();
  };

  /** @param {Piece} piece */
  const take = (piece) => {
    ({ messages, rows, head_seq: head, end_state: endState, before_seq: before } = piece);
    pieceRows = Math.max(pieceRows, rows.length);
    isDetached = newest() < head;
    isLoaded = true;
    liveFrom ??=
      live
        .map((each) => ('label' in each || each.type !== '@xstate.snapshot' ? null : commitOf(each)))
        .find((seq) => seq !== null) ?? null;
    rebuild();
    onNews(rows);
  };

  /** Reads the rows after the newest one until none are left. */
  const catchUp = async () => {
    isDue = true;
    if (isReading || !isLoaded || isDetached) return;
    isReading = true;
    try {
      while (isDue) {
        isDue = false;
        const page = await readRows(newest());
        if (isDetached) return;
        const news = page.rows.filter(({ seq }) => seq > newest());
        if (page.head_seq < newest()) return void begin();
        ({ head_seq: head } = page);
        rows = [...rows, ...news].slice(-MOST_ROWS);
        isDue ||= news.length > 0 && newest() < head;
        const [first] = news;
        if (!first) continue;
        liveFrom ??= first.seq;
        for (const row of news) stepList.insertRow(row, rootId);
        onNews(news);
        onChange();
      }
    } catch (error) {
      onFailure(error);
    } finally {
      isReading = false;
    }
  };

  /** Shows the newest rows and the live events. */
  const begin = async () => {
    isLoaded = false;
    try {
      take(await readPiece({}));
    } catch (error) {
      // A conversation without rows may start soon.
      isLoaded = true;
      isDetached = false;
      rebuild();
      onFailure(error);
    }
    if (isDue) void catchUp();
  };

  return {
    begin,
    catchUp,
    isInMemory,
    rows: () => rows,
    /** True if older rows exist. */
    hasEarlier: () => before !== null,
    isDetached: () => isDetached,

    /** Reads the rows before those in the list. */
    async earlier() {
      if (before === null) return;
      try {
        const piece = await readPiece({ before: String(before) });
        messages = [...piece.messages, ...messages];
        rows = [...piece.rows, ...rows];
        before = piece.before_seq;
        if (rows.length > MOST_ROWS) {
          rows = rows.slice(0, MOST_ROWS);
          messages = messages.filter((message) => seqOf(message) <= newest());
          isDetached = true;
        }
        rebuild();
      } catch (error) {
        onFailure(error);
      }
    },

    /** Reads the part of the log that contains a row. @param {number} seq */
    async goTo(seq) {
      if (rows.some((row) => row.seq === seq)) return;
      try {
        const after = Math.min(ROWS_AFTER_JUMP, Math.floor(pieceRows / 2));
        take(await readPiece({ before: String(seq + after + 1) }));
        // With long rows a piece has fewer rows, so the row may be missing.
        if (!rows.some((row) => row.seq === seq)) take(await readPiece({ before: String(seq + 1) }));
      } catch (error) {
        onFailure(error);
      }
    },

    /** @param {Message} message */
    live(message) {
      keep(message);
      if (!isLoaded || isDetached) return;
      const commit = message.type === '@xstate.snapshot' ? commitOf(message) : null;
      const isSeam = commit !== null && liveFrom === null;
      if (isSeam) liveFrom = commit;
      if (stepList.add(message)) onChange();
      // Rows of the past also have live events now, or the marked end of the log is no end.
      if ((isSeam && newest() >= commit) || (isEndShown && isInMemory())) rebuild();
      if (commit !== null) void catchUp();
    },

    /** Marks a gap in the live events. @param {string} label @param {number} atMs */
    breakAt(label, atMs) {
      keep({ label, atMs });
      if (isLoaded && !isDetached) stepList.breakAt(label, atMs);
      onChange();
    },
  };
}

/** The seq of a replayed message: its id is `seq.number`. @param {Message} message */
function seqOf({ id }) {
  return Math.floor(Number(id));
}
