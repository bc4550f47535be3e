/**
 * Declares the answers within a hop: of the model, which may ask for tool calls, and of each of these calls.
 * Types only.
 */
import type { ToolStatus, Usage } from '../log.ts';

/** One tool call as the model asked for it. */
export interface RequestedCall {
  callId: string;
  name: string;
  /** The arguments as the model wrote them. */
  text: string;
  /** Null if the text is not a JSON object. Fitted to the schema if they fit it: defaults are added, values read from text. */
  arguments: Record<string, unknown> | null;
  /** Why the arguments do not fit the tool's schema, in words for the model. Null if they fit, or if that is unknown. */
  violation: string | null;
}

/** A model's answer, complete or partial. */
export interface ModelAnswer {
  messageId: string;
  text: string;
  reasoning: string;
  /** Opaque reasoning data that the provider may need again together with the results of its calls. Null if none. */
  signatures: unknown;
  calls: RequestedCall[];
  finishReason: 'stop' | 'length' | 'content_filter' | 'tool_calls' | 'cancelled' | 'failed';
  usage: Usage | null;
  model: string | null;
  /** When it ended, in ms since the epoch. A chart reads no clock. */
  endedAtMs: number;
  /** Null for an answer that was restored from its draft. */
  timing: AnswerTiming | null;
}

/** The time of a request to the model, in ms. The wait in the provider's queue counts. */
export interface AnswerTiming {
  durationMs: number;
  /** Time to the first text or reasoning. Null if none came. */
  firstTokenMs: number | null;
}

/** How a call ended, for its row. */
export interface CallResult {
  status: ToolStatus;
  /** For the model and the user. */
  text: string;
  /** The whole result of the server, for the log. Null if `text` is the whole result. */
  content: unknown;
  durationMs: number;
}
