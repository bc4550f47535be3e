/** Measures the parts of a request, so that an error can name the largest one. All sizes are estimated tokens. Pure. */
import type { SizedMessage } from './model-messages.ts';

/** The parts of one request, in estimated tokens. */
export interface ContextSizes extends MessageSizes {
  /** The system prompt. */
  system: number;
  tools: ToolSizes;
}

/** The declarations of the offered tools. */
export interface ToolSizes {
  count: number;
  tokens: number;
  /** The server whose tools are the largest together. Null without tools. */
  largestServer: string | null;
  /** The tool that is larger than all others together. Null if there is none. */
  largestTool: string | null;
}

/** The messages of one request, in estimated tokens. */
export interface MessageSizes {
  /** The user's message of the turn. */
  message: number;
  /** The largest result of a tool. Null if there is none. */
  result: { tool: string; tokens: number } | null;
  /** All other messages. */
  rest: number;
}

/** The sizes of a request without tools. */
export const NO_TOOLS: ToolSizes = { count: 0, tokens: 0, largestServer: null, largestTool: null };

/** The messages of past turns, and those of the current one, which begins with the user's message. */
export function messageSizes(past: readonly SizedMessage[], current: readonly SizedMessage[]): MessageSizes {
  const all = [...past, ...current];
  const message = current
    .filter(({ message: { role } }) => role === 'user')
    .reduce((sum, { tokens }) => sum + tokens, 0);
  const results = all.filter(({ message: { role } }) => role === 'tool');
  const largest = results.toSorted((one, other) => other.tokens - one.tokens)[0];
  const result = largest ? { tool: toolOf(largest, all), tokens: largest.tokens } : null;
  return {
    message,
    result,
    rest: all.reduce((sum, { tokens }) => sum + tokens, 0) - message - (result?.tokens ?? 0),
  };
}

/** The name of the tool that gave a result. */
function toolOf({ message: result }: SizedMessage, all: readonly SizedMessage[]): string {
  if (result.role !== 'tool') return '';
  for (const { message } of all) {
    const call =
      message.role === 'assistant' ? message.tool_calls?.find(({ id }) => id === result.tool_call_id) : undefined;
    if (call) return call.function.name;
  }
  return '';
}

/** All tokens of the request. */
export function requestTokens({ system, tools, message, result, rest }: ContextSizes): number {
  return system + tools.tokens + message + (result?.tokens ?? 0) + rest;
}
