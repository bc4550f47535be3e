/**
 * What a hop is answered with: by the model, which may ask for calls of tools, and then by each of these. Types only.
 */
import type { ToolStatus, Usage } from '../log.ts';

/** One tool call as the model asked for it. */
export interface RequestedCall {
  callId: string;
  name: string;
  /** The arguments as the model wrote them. */
  text: string;
  /** Null when the text is not a JSON object. */
  arguments: Record<string, unknown> | null;
  /** Why they do not fit the tool's schema, in words for the model; null where they do, and where nobody can tell. */
  misfit: string | null;
}

/** A model's answer, whole or as far as it got. */
export interface ModelAnswer {
  messageId: string;
  text: string;
  reasoning: string;
  /** What the provider gave beside its words and may want to see again with the results of its calls; opaque, null where it gave nothing. */
  signatures: unknown;
  calls: RequestedCall[];
  finishReason: 'stop' | 'length' | 'content_filter' | 'tool_calls' | 'cancelled' | 'failed';
  usage: Usage | null;
  model: string | null;
  /** When it ended, in ms since the epoch: a chart holds no clock. */
  endedAtMs: number;
  /** Null for an answer that was restored from its draft. */
  timing: AnswerTiming | null;
}

/** How long a request to the model took, in ms since the request; time in the provider's queue counts. */
export interface AnswerTiming {
  durationMs: number;
  /** Until the first text or reasoning; null if none came. */
  firstTokenMs: number | null;
}

export interface CallResult {
  status: ToolStatus;
  /** For the model and the user. */
  text: string;
  /** The whole result as the server gave it, for the log; null where text is all. */
  content: unknown;
  durationMs: number;
}
