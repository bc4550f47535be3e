/**
 * Converts a turn into messages that every OpenAI-compatible provider accepts: a result follows each tool call, and the
 * last message is an answer. Pure.
 */
import { imagesOf, type ModelImage } from './images.ts';
import { messageParts } from './included.ts';
import type { LogRow, ToolCallRequest } from '../log.ts';
import { MESSAGE_OVERHEAD, rowTokens, usesTools, type TurnRows } from './past-turns.ts';
import { validCalls, validText } from './valid-text.ts';

/** The subset of the chat-completions message format that Parley sends. */
export type ModelMessage =
  | { role: 'system'; content: string }
  | { role: 'user'; content: string; images?: readonly ModelImage[] }
  | { role: 'assistant'; content: string | null; tool_calls?: ToolCallRequest[]; reasoning?: Reasoning }
  | { role: 'tool'; content: string; tool_call_id: string; images?: readonly ModelImage[] };

/** The model's reasoning for a message. The client of a provider decides whether to pass it back. */
export interface Reasoning {
  text: string;
  /** As the provider sent them. Null if it sent none. */
  signatures: unknown;
}

/** `tokens`: estimated. */
export interface SizedMessage {
  message: ModelMessage;
  tokens: number;
}

const NO_ANSWER = '[This message was stopped or failed before an answer began.]';
const EMPTY_ANSWER = '[This answer has no text.]';
const EMPTY_MESSAGE = '[This message has no text.]';
const EMPTY_RESULT = '[This result has no text.]';
const LOST_RESULT = '[The result of this call is not known.]';

/** One turn's rows as messages: each tool call is followed by its result, in call order, independent of the order of their ends. */
export function turnMessages(turn: TurnRows): SizedMessage[] {
  const messages: SizedMessage[] = [];
  // Providers that need their reasoning back need it for turns with tool calls only, in all later turns too.
  const hasCalls = usesTools(turn);
  const results = hasCalls ? resultsOf(turn) : none;
  for (const row of turn.rows) {
    if (row.type === 'user_message') messages.push(...userMessages(row));
    // After an empty answer the model was asked again.
    if (row.type === 'assistant_message' && row.extra['asked_again'] !== true)
      messages.push(...assistantMessages(row, results, hasCalls ? reasoningOf(row) : {}));
  }
  if (turn.ended && messages.at(-1)?.message.role !== 'assistant') {
    messages.push({ message: { role: 'assistant', content: NO_ANSWER }, tokens: MESSAGE_OVERHEAD });
  }
  return messages;
}

/** A valid text. Some providers reject a message of white space alone, and with it every later turn. */
function textOr<Fallback extends string | null>(text: string | null, fallback: Fallback): string | Fallback {
  return text === null || isBlank(text) ? fallback : validText(text);
}

/** True for a text that shows nothing: white space and invisible characters alone, such as the zero-width space. */
export function isBlank(text: string): boolean {
  return /^[\s\p{Cf}]*$/u.test(text);
}

const none: ReadonlyMap<string, LogRow> = new Map();

/** The results by call id. */
function resultsOf({ rows }: TurnRows): ReadonlyMap<string, LogRow> {
  const results = new Map<string, LogRow>();
  for (const row of rows)
    if (row.type === 'tool_result' && row.tool_call_id !== null) results.set(row.tool_call_id, row);
  return results;
}

/** Divides the row's tokens among its parts by their length. */
function userMessages(row: LogRow): SizedMessage[] {
  // A shortcut for nearly all messages: a long context has hundreds, and it is built for every hop.
  if (row.extra['included'] === undefined)
    return [sized({ role: 'user', content: textOr(row.content, EMPTY_MESSAGE) }, row)];
  const words = messageParts(row);
  const length = words.reduce((sum, { text }) => sum + text.length, 0);
  return words.map(({ role, text, images }) => ({
    message: {
      role,
      content: textOr(text, EMPTY_MESSAGE),
      ...(role === 'user' && images.length > 0 ? { images } : {}),
    },
    tokens: words.length === 1 ? rowTokens(row) : Math.ceil((rowTokens(row) * text.length) / Math.max(1, length)),
  }));
}

function reasoningOf({ extra }: LogRow): { reasoning?: Reasoning } {
  const reasoning = typeof extra['reasoning'] === 'string' ? extra['reasoning'] : '';
  const signatures = extra['signatures'] ?? null;
  return reasoning === '' && signatures === null ? {} : { reasoning: { text: reasoning, signatures } };
}

function assistantMessages(
  row: LogRow,
  results: ReadonlyMap<string, LogRow>,
  reasoning: { reasoning?: Reasoning },
): SizedMessage[] {
  if (!row.tool_calls?.length)
    return [sized({ role: 'assistant', content: textOr(row.content, EMPTY_ANSWER), ...reasoning }, row)];
  const asked = sized(
    { role: 'assistant', content: textOr(row.content, null), tool_calls: validCalls(row.tool_calls), ...reasoning },
    row,
  );
  return [
    asked,
    ...row.tool_calls.map((call): SizedMessage => {
      const result = results.get(call.id);
      const content = textOr(result?.content ?? LOST_RESULT, EMPTY_RESULT);
      return {
        message: { role: 'tool', content, tool_call_id: call.id, ...imagesOf(result?.extra['images']) },
        tokens: (result?.token_count ?? 0) + MESSAGE_OVERHEAD,
      };
    }),
  ];
}

function sized(message: ModelMessage, row: LogRow): SizedMessage {
  return { message, tokens: rowTokens(row) };
}
