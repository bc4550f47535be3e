/**
 * Estimates the tokens of reasoning that is sent back to a provider. Rows do not have them, because most providers get none.
 * Pure.
 */
import type { LogRow } from '../log.ts';
import { usesTools, type TurnRows } from './past-turns.ts';

/** Of English. Signatures have no words, and providers do not say how they count them. */
const CHARS_PER_TOKEN = 4;

/** Rows do not change, and a window is built for each hop. */
const known = new WeakMap<LogRow, number>();

/** Only turns with tool calls send their reasoning back. */
export function reasoningOfTurn(turn: TurnRows): number {
  return usesTools(turn) ? turn.rows.reduce((sum, row) => sum + reasoningOfRow(row), 0) : 0;
}

/** The text and the signatures hold the same reasoning, and no provider gets it twice: the longer one counts. */
function reasoningOfRow(row: LogRow): number {
  const { reasoning, signatures } = row.extra;
  if (row.type !== 'assistant_message' || (reasoning === undefined && signatures === undefined)) return 0;
  const before = known.get(row);
  if (before !== undefined) return before;
  const text = typeof reasoning === 'string' ? reasoning.length : 0;
  const signed = signatures === undefined || signatures === null ? 0 : JSON.stringify(signatures).length;
  const tokens = Math.ceil(Math.max(text, signed) / CHARS_PER_TOKEN);
  known.set(row, tokens);
  return tokens;
}
