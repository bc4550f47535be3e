/**
 * The context window: which past turns the model sees, as messages that every
 * OpenAI-compatible provider accepts. Pure functions over rows; token counts come with
 * the rows, so a window costs additions. Knows nothing of providers or storage.
 */
import { wordsOf } from './included.ts';
import type { LogRow, ToolCallRequest } from './log.ts';

/** The subset of the chat-completions message format that Parley sends. */
export type ModelMessage =
  | { role: 'system' | 'user'; content: string }
  | { role: 'assistant'; content: string | null; tool_calls?: ToolCallRequest[]; thoughts?: Thoughts }
  | { role: 'tool'; content: string; tool_call_id: string };

/** What the model thought of a message; whether a provider is told again is not known here. */
export interface Thoughts {
  reasoning: string;
  /** As the provider gave them; null where it gave none. */
  signatures: unknown;
}

/** All rows that share a `request_id`, in log order. */
export interface TurnRows {
  requestId: string | null;
  rows: LogRow[];
  /** Estimated tokens of its messages, with `MESSAGE_OVERHEAD` each. */
  tokens: number;
  ended: boolean;
  /** The seq of the message that the turn goes back to: what began there or later is no part of its past. Null: nothing is abandoned. */
  rewindTo: number | null;
}

/** Tokens that role and separators cost a message in the chat format (OpenAI cookbook, token counting). */
const MESSAGE_OVERHEAD = 4;
/** An oversized message is never cut below this many tokens. */
const SMALLEST_CUT = 64;
const NO_ANSWER = '[This message was stopped or failed before an answer began.]';
const EMPTY_ANSWER = '[This answer has no text.]';
const LOST_RESULT = '[The result of this call is not known.]';

export interface WindowOptions {
  systemPrompt: string;
  systemTokens: number;
  /** max_tokens - reserve_tokens. */
  budgetTokens: number;
  /** So many of the newest messages are always in, cut if need be. */
  preserveRecent: number;
}

export interface ContextWindow {
  messages: ModelMessage[];
  /** Estimated, the system prompt with them. */
  tokens: number;
  /** Messages that were cut in the middle. */
  cut: number;
}

/** Adds a row to its turn, which it opens if need be. Rows must come in log order. */
export function foldRow(turns: TurnRows[], row: LogRow): void {
  // Rows of other programs carry no request id: there, each user message opens a turn.
  const last = turns.at(-1);
  let turn =
    row.request_id === null
      ? last?.requestId === null && row.type !== 'user_message' ? last : undefined
      : turns.findLast((candidate) => candidate.requestId === row.request_id);
  if (!turn) {
    turn = { requestId: row.request_id, rows: [], tokens: 0, ended: row.request_id === null, rewindTo: null };
    turns.push(turn);
  }
  turn.rows.push(row);
  turn.tokens += rowTokens(row);
  if (row.type !== 'meta') return;
  if (row.extra['kind'] === 'turn_end') turn.ended = true;
  if (row.extra['kind'] === 'rewind' && typeof row.extra['to_seq'] === 'number') turn.rewindTo = row.extra['to_seq'];
}

/**
 * Those that have ended and are on the branch that the conversation is on, in the order in which they ran.
 * `current`, if it goes back itself, is asked last.
 */
export function branchOf(turns: readonly TurnRows[], current?: TurnRows): TurnRows[] {
  const ended = turns.filter((turn) => turn.ended && turn !== current).sort((a, b) => endSeq(a) - endSeq(b));
  let branch: TurnRows[] = [];
  for (const turn of current ? [...ended, current] : ended) {
    const { rewindTo } = turn;
    if (rewindTo !== null) branch = branch.filter((earlier) => beginSeq(earlier) < rewindTo);
    if (turn !== current) branch.push(turn);
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

function rowTokens(row: LogRow): number {
  return isMessage(row) ? (row.token_count ?? 0) + MESSAGE_OVERHEAD : 0;
}

/** Whether a row is a message to the model: what windows count. */
export function isMessage(row: { type: string }): boolean {
  return row.type === 'user_message' || row.type === 'assistant_message' || row.type === 'tool_result';
}

/**
 * Builds what a hop of `requestId` sends: the system prompt, as many whole recent turns of its branch as fit,
 * and the turn itself. Turns that have not begun are left out.
 */
export function buildWindow(turns: readonly TurnRows[], requestId: string, options: WindowOptions): ContextWindow {
  const current = turns.find((turn) => turn.requestId === requestId);
  const past = branchOf(turns, current);
  const chosen: TurnRows[] = current ? [current] : [];
  let tokens = options.systemTokens + (current?.tokens ?? 0);
  let messages = countMessages(current);
  for (let i = past.length - 1; i >= 0; i -= 1) {
    const turn = past[i];
    if (!turn) break;
    if (tokens + turn.tokens > options.budgetTokens && messages >= options.preserveRecent) break;
    chosen.unshift(turn);
    tokens += turn.tokens;
    messages += countMessages(turn);
  }
  const sized = chosen.flatMap(turnMessages);
  const cut = tokens > options.budgetTokens ? cutToFit(sized, options.budgetTokens - options.systemTokens) : 0;
  const system: ModelMessage[] = options.systemPrompt === '' ? [] : [{ role: 'system', content: options.systemPrompt }];
  return { messages: [...system, ...sized.map((entry) => entry.message)], tokens: Math.min(tokens, options.budgetTokens), cut };
}

interface SizedMessage {
  message: ModelMessage;
  tokens: number;
}

function countMessages(turn: TurnRows | undefined): number {
  return turn ? turn.rows.filter(isMessage).length : 0;
}

/** One turn's rows as messages: each tool call is followed by its result, in call order, whatever order they ended in. */
function turnMessages(turn: TurnRows): SizedMessage[] {
  const results = new Map<string, LogRow>();
  for (const row of turn.rows) if (row.type === 'tool_result' && row.tool_call_id !== null) results.set(row.tool_call_id, row);
  const messages: SizedMessage[] = [];
  // Who wants thoughts back wants them in turns that used tools, later turns included, and nowhere else.
  const usesTools = turn.rows.some((row) => row.tool_calls !== null && row.tool_calls.length > 0);
  for (const row of turn.rows) {
    if (row.type === 'user_message') messages.push(...userMessages(row));
    if (row.type === 'assistant_message') messages.push(...assistantMessages(row, results, usesTools ? thoughtsOf(row) : {}));
  }
  if (turn.ended && messages.at(-1)?.message.role !== 'assistant') {
    messages.push({ message: { role: 'assistant', content: NO_ANSWER }, tokens: MESSAGE_OVERHEAD });
  }
  return messages;
}

/** The row's tokens are shared out by length. */
function userMessages(row: LogRow): SizedMessage[] {
  const words = wordsOf(row);
  const length = words.reduce((sum, { text }) => sum + text.length, 0);
  return words.map(({ role, text }) => ({ message: { role, content: text }, tokens: words.length === 1 ? rowTokens(row) : Math.ceil((rowTokens(row) * text.length) / Math.max(1, length)) }));
}

function thoughtsOf({ extra }: LogRow): { thoughts?: Thoughts } {
  const reasoning = typeof extra['reasoning'] === 'string' ? extra['reasoning'] : '';
  const signatures = extra['signatures'] ?? null;
  return reasoning === '' && signatures === null ? {} : { thoughts: { reasoning, signatures } };
}

function assistantMessages(row: LogRow, results: Map<string, LogRow>, thoughts: { thoughts?: Thoughts }): SizedMessage[] {
  // Some providers refuse an empty message, and with it every later turn.
  if (!row.tool_calls?.length) return [sized({ role: 'assistant', content: row.content || EMPTY_ANSWER, ...thoughts }, row)];
  const asked = sized({ role: 'assistant', content: row.content || null, tool_calls: row.tool_calls, ...thoughts }, row);
  return [
    asked,
    ...row.tool_calls.map((call): SizedMessage => {
      const result = results.get(call.id);
      const content = result?.content ?? LOST_RESULT;
      return { message: { role: 'tool', content, tool_call_id: call.id }, tokens: (result?.token_count ?? 0) + MESSAGE_OVERHEAD };
    }),
  ];
}

function sized(message: ModelMessage, row: LogRow): SizedMessage {
  return { message, tokens: rowTokens(row) };
}

/** Cuts the longest messages in the middle until all fit: the cap is the level at which their sum meets the budget. */
function cutToFit(entries: SizedMessage[], budget: number): number {
  const sizes = entries.map((entry) => entry.tokens).sort((a, b) => a - b);
  let room = budget;
  let cap = Infinity;
  for (const [index, size] of sizes.entries()) {
    const share = room / (sizes.length - index);
    if (size > share) {
      cap = Math.max(SMALLEST_CUT, Math.floor(share));
      break;
    }
    room -= size;
  }
  let cut = 0;
  for (const entry of entries) {
    const { message } = entry;
    if (entry.tokens <= cap || !message.content) continue;
    const keep = Math.max(2, Math.floor((message.content.length * cap) / entry.tokens / 2));
    const shorter = cutMiddle(message.content, keep);
    // A short text beside long tool calls has nothing to give.
    if (shorter.length >= message.content.length) continue;
    message.content = shorter;
    cut += 1;
  }
  return cut;
}

/** Keeps `keep` UTF-16 units at each end, never half of a surrogate pair, and says what is missing. */
function cutMiddle(text: string, keep: number): string {
  const head = text.slice(0, keep).replace(/[\uD800-\uDBFF]$/u, '');
  const tail = text.slice(-keep).replace(/^[\uDC00-\uDFFF]/u, '');
  return `${head}\n[... ${text.length - head.length - tail.length} characters left out ...]\n${tail}`;
}
