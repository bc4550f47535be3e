/**
 * What the chart of a tool call is given, hears and remembers; and what it and the actor that makes the call say to each
 * other. Types only.
 */
import type { KeyedAsk, Resumption, ServerAnswer } from './conversation/question-types.ts';
import type { HopTool } from './conversation/turn-state.ts';

export interface ToolCallInput {
  conversationId: string;
  owner: string;
  requestId: string;
  callId: string;
  tool: HopTool;
  arguments: Record<string, unknown>;
  /** With which its server, which had laid it down, goes on; null the first time. */
  resume: Resumption | null;
  /** Without an end and without progress. */
  timeoutMs: number;
  /** Whatever progress it tells of, and however often it asks people. */
  maxTimeoutMs: number;
  /** How long a server that waits for a person's answer may do so. */
  answerTimeoutMs: number;
}

/** What the provided `callTool` reports, exactly once; `lost`: dispatched, then the transport went away. */
export interface CallEnded {
  type: 'call.ended';
  status: 'ok' | 'error' | 'cancelled' | 'lost';
  text: string;
  content: unknown;
  durationMs: number;
}

/** The server asks people, and waits; `number`: the how-manieth time, from 1. No other question comes before the answer. */
export interface CallQuestion {
  type: 'call.question';
  asks: KeyedAsk[];
  number: number;
  /** In ms since the epoch. */
  askedAtMs: number;
  /** See `CallProgress`. */
  workedMs: number;
}

/** The server has laid the call down until people have answered: the last word of this actor. */
export interface CallSuspended extends Omit<CallQuestion, 'type' | 'workedMs'> {
  type: 'call.suspended';
  resume: Resumption;
}

/** The answer to `call.question`. */
export interface CallAnswered {
  type: 'call.answered';
  answer: ServerAnswer;
}

/** Asks `callTool` to give up; it still reports its end. */
export interface CallAbort {
  type: 'call.abort';
}

/** The tool is getting on. Not every step is told: a few within each timeout will do. */
export interface CallProgress {
  type: 'call.progress';
  /** Since the call began, without the time that people took for their answers; plus the time before it was suspended. */
  workedMs: number;
}

export interface ToolCallContext extends ToolCallInput {
  /** As it was last told. */
  workedMs: number;
}

export type ToolCallEvent =
  | CallEnded
  | CallProgress
  | CallQuestion
  | CallSuspended
  | CallAnswered
  | { type: 'call.cancel' };
