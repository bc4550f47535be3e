/**
 * Keeps what is known of one conversation: its past from the log, then what happens live, as one sequence. Rows of the
 * log are asked for after the newest known one, so that none is missing or repeated where the past meets the present.
 * Knows no element of the page.
 */
import { commitOf, conversationIn } from './steps.js';

/**
 * A row of the log in short, as `src/inspect/log/rows.ts` makes it.
 * @typedef {{ seq: number, at_ms: number, type: string, request_id: string | null, call_id: string | null, name: string | null,
 *   server: string | null, outcome: string | null, hop: number | null, duration_ms: number | null, first_token_ms: number | null,
 *   model: string | null, prompt_tokens: number | null, cached_tokens: number | null, completion_tokens: number | null,
 *   cost: number | null, text: string | null }} Row
 * @typedef {import('./steps.js').Message} Message
 * @typedef {{ messages: Message[], rows: Row[], standing: string | null, head_seq: number, before_seq: number | null }} Piece
 * @typedef {{ label: string, atMs: number }} Break
 */

/** Rows in view at once: further ones push those at the other end out. */
const MOST_ROWS = 1500;
/** Live messages that are kept, for putting the sequence together again. */
const MOST_LIVE = 4000;
/** Rows after the one that a person jumps to. */
const ROWS_AFTER_JUMP = 40;

/**
 * `onChange`: there is more to show. `onNews`: rows were committed just now, or have just been read. `ask` and `askRows`
 * reject as `ask` of server.js does; `askRows` resolves with no rows for an unknown conversation.
 * @param {{ conversationId: string, timeline: ReturnType<typeof import('./steps.js').createTimeline>,
 *   ask(query: Record<string, string>): Promise<Piece>, askRows(after: number): Promise<{ rows: Row[], head_seq: number }>,
 *   onChange(): void, onNews(rows: readonly Row[]): void, onFailure(error: unknown): void }} given
 */
export function createRecord({ conversationId, timeline, ask, askRows, onChange, onNews, onFailure }) {
  const rootId = `log/${conversationId}`;
  /** @type {Message[]} */
  let messages = [];
  /** In the order of the log. @type {Row[]} */
  let rows = [];
  /** @type {(Message | Break)[]} */
  let live = [];
  /** Rows from this one on are shown as they were told live; null before the first one. @type {number | null} */
  let liveFrom = null;
  let head = 0;
  /** Of the largest piece so far. */
  let pieceRows = 0;
  /** @type {string | null} */
  let standing = null;
  /** @type {number | null} */
  let before = null;
  /** Newer rows than those in view are left out, and what is live is not shown. */
  let isDetached = false;
  let [isLoaded, isEndShown, isAsking, isDue] = [false, false, false, false];

  const newest = () => rows.at(-1)?.seq ?? 0;
  const isInMemory = () => {
    const root = conversationIn(timeline.steps().at(-1)?.actors ?? new Map());
    return root !== null && !root.id.startsWith('log/') && root.status === 'active';
  };
  /** @param {Message | Break} each */
  const add = (each) => ('label' in each ? timeline.breakAt(each.label, each.atMs) : timeline.add(each));
  /** @param {Message | Break} each */
  const keep = (each) => {
    live.push(each);
    if (live.length > MOST_LIVE) live = live.slice(MOST_LIVE / 4);
  };

  /** Puts the whole sequence together. */
  const rebuild = () => {
    timeline.clear();
    const from = isDetached ? null : liveFrom;
    for (const message of messages) if (from === null || seqOf(message) < from) timeline.add(message);
    if (!isDetached) for (const each of live) add(each);
    if (from !== null) for (const row of rows) if (row.seq >= from) timeline.insertRow(row, rootId);
    const end = isDetached
      ? 'newer rows are left out here'
      : standing === null || standing === 'idle' || isInMemory()
        ? null
        : `the log ends here: ${standing}`;
    isEndShown = end !== null;
    if (end !== null) timeline.breakAt(end, rows.at(-1)?.at_ms ?? 0);
    onChange();
  };

  /** @param {Piece} piece */
  const take = (piece) => {
    ({ messages, rows, head_seq: head, standing, before_seq: before } = piece);
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

  /** Asks for the rows after the newest one, as long as there are any. */
  const catchUp = async () => {
    isDue = true;
    if (isAsking || !isLoaded || isDetached) return;
    isAsking = true;
    try {
      while (isDue) {
        isDue = false;
        const told = await askRows(newest());
        if (isDetached) return;
        const news = told.rows.filter(({ seq }) => seq > newest());
        if (told.head_seq < newest()) return void begin();
        ({ head_seq: head } = told);
        rows = [...rows, ...news].slice(-MOST_ROWS);
        isDue ||= news.length > 0 && newest() < head;
        const [first] = news;
        if (!first) continue;
        liveFrom ??= first.seq;
        for (const row of news) timeline.insertRow(row, rootId);
        onNews(news);
        onChange();
      }
    } catch (error) {
      onFailure(error);
    } finally {
      isAsking = false;
    }
  };

  /** Shows the newest rows, and what is live. */
  const begin = async () => {
    isLoaded = false;
    try {
      take(await ask({}));
    } catch (error) {
      // A conversation without rows may be about to begin.
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
    /** There are older rows than those in view. */
    hasEarlier: () => before !== null,
    isDetached: () => isDetached,

    /** Brings the rows before those in view. */
    async earlier() {
      if (before === null) return;
      try {
        const piece = await ask({ before: String(before) });
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

    /** Brings a row into view, wherever it is in the log. @param {number} seq */
    async goTo(seq) {
      if (rows.some((row) => row.seq === seq)) return;
      try {
        const after = Math.min(ROWS_AFTER_JUMP, Math.floor(pieceRows / 2));
        take(await ask({ before: String(seq + after + 1) }));
        // Long rows make a piece short.
        if (!rows.some((row) => row.seq === seq)) take(await ask({ before: String(seq + 1) }));
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
      if (timeline.add(message)) onChange();
      // What was taken for the past is told live, or what was taken for the end is none.
      if ((isSeam && newest() >= commit) || (isEndShown && isInMemory())) rebuild();
      if (commit !== null) void catchUp();
    },

    /** Marks where the telling was cut. @param {string} label @param {number} atMs */
    breakAt(label, atMs) {
      keep({ label, atMs });
      if (isLoaded && !isDetached) timeline.breakAt(label, atMs);
      onChange();
    },
  };
}

/** The row that a replayed message belongs to: its id is `seq.number`. @param {Message} message */
function seqOf({ id }) {
  return Math.floor(Number(id));
}
