/**
 * Groups the rows of a conversation by turn: the tokens of a turn, whether it has ended, and whether it is on the
 * current branch. Pure functions over rows in log order.
 */
import { endsRefused } from './content-filter.ts';
import { isTurnEnd, type LogRow } from '../log.ts';

/** All rows that share a `request_id`, in log order. */
export interface TurnRows {
  requestId: string | null;
  rows: LogRow[];
  /** Estimated tokens of its messages, with `MESSAGE_OVERHEAD` each. */
  tokens: number;
  ended: boolean;
  /** A content filter refused its message or its answer: it is not part of any later turn's past. */
  refused: boolean;
  /** The seq of the message that the turn replaces: turns that began there or later are not part of its past. Null: none is replaced. */
  rewindTo: number | null;
}

/** Tokens that role and separators cost a message in the chat format (OpenAI cookbook, token counting). */
export const MESSAGE_OVERHEAD = 4;

/** Whether a message of the turn asks for tools. */
export function usesTools({ rows }: TurnRows): boolean {
  return rows.some((row) => row.tool_calls !== null && row.tool_calls.length > 0);
}

/** Adds a row to its turn, and opens the turn if it is new. Rows must come in log order. */
export function foldRow(turns: TurnRows[], row: LogRow): void {
  // Rows of other programs carry no request id: there, each user message opens a turn.
  const last = turns.at(-1);
  let turn =
    row.request_id === null
      ? last?.requestId === null && row.type !== 'user_message'
        ? last
        : undefined
      : turns.findLast((candidate) => candidate.requestId === row.request_id);
  if (!turn) {
    turn = {
      requestId: row.request_id,
      rows: [],
      tokens: 0,
      ended: row.request_id === null,
      refused: false,
      rewindTo: null,
    };
    turns.push(turn);
  }
  turn.rows.push(row);
  turn.tokens += rowTokens(row);
  if (row.type !== 'meta') return;
  if (isTurnEnd(row)) {
    turn.ended = true;
    turn.refused = endsRefused(row.extra);
  }
  if (row.extra['kind'] === 'rewind' && typeof row.extra['to_seq'] === 'number') turn.rewindTo = row.extra['to_seq'];
}

/**
 * The ended turns on the current branch, in the order in which they ran, without refused ones. The rewind of a refused
 * turn still applies. The rewind of `current`, if any, applies last.
 */
export function branchOf(turns: readonly TurnRows[], current?: TurnRows): TurnRows[] {
  const ended = turns.filter((turn) => turn.ended && turn !== current).sort((a, b) => endSeq(a) - endSeq(b));
  let branch: TurnRows[] = [];
  for (const turn of current ? [...ended, current] : ended) {
    const { rewindTo } = turn;
    if (rewindTo !== null) branch = branch.filter((earlier) => beginSeq(earlier) < rewindTo);
    if (turn !== current && !turn.refused) branch.push(turn);
  }
  return branch;
}

/** Turns run one at a time, so their ends order them; a queued message's row may lie before another turn's answer. */
function endSeq(turn: TurnRows): number {
  return turn.rows.at(-1)?.seq ?? 0;
}

function beginSeq(turn: TurnRows): number {
  return turn.rows[0]?.seq ?? 0;
}

/** The tokens of a row as a message. 0 for a row that is no message. */
export function rowTokens(row: LogRow): number {
  return isMessage(row) ? (row.token_count ?? 0) + MESSAGE_OVERHEAD : 0;
}

/** True if the row is a message to the model. Windows count these. */
export function isMessage(row: { type: string }): boolean {
  return row.type === 'user_message' || row.type === 'assistant_message' || row.type === 'tool_result';
}
