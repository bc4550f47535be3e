/** Declares the input, the context and the events of the chart of one tool call. */
import type { HopTool } from './conversation/turn-state.ts';
import type { KeyedRequest, Resumption, ServerAnswer, TaskHandle } from './conversation/question-types.ts';

/** One call, with its limits in ms. */
export interface ToolCallInput {
  conversationId: string;
  owner: string;
  requestId: string;
  callId: string;
  tool: HopTool;
  arguments: Record<string, unknown>;
  /** State and answers for a suspended call, or the task that its server runs. Null in the first round. */
  resume: Resumption | null;
  /** Longest time without an end and without progress. */
  timeoutMs: number;
  /** Longest time in all, including progress, without the time that people take to answer. */
  maxTimeoutMs: number;
  /** Longest time in all of a call that its server runs as a task, without the time that people take to answer. */
  taskTimeoutMs: number;
  /** How long a server may wait for a person's answer. */
  answerTimeoutMs: number;
}

/** `callTool` reports it exactly once, unless the call is suspended. `lost`: the transport was lost after the dispatch. */
export interface CallEnded {
  type: 'call.ended';
  status: 'ok' | 'error' | 'cancelled' | 'lost';
  text: string;
  content: unknown;
  durationMs: number;
}

/** The server sends a request for people and waits. The next request comes only after the answer. */
export interface CallServerRequest {
  type: 'call.serverRequest';
  requests: KeyedRequest[];
  /** Counts the requests of this call, from 1. */
  number: number;
  /** In ms since the epoch. */
  askedAtMs: number;
  /** See `CallProgress`. */
  workedMs: number;
}

/** The server has suspended the call until people have answered. `callTool` reports nothing after it. */
export interface CallSuspended extends Omit<CallServerRequest, 'type' | 'workedMs'> {
  type: 'call.suspended';
  resume: Resumption;
}

/** The server has answered with a task. `callTool` waits for it once it gets `call.taskStored`. */
export interface CallTask {
  type: 'call.task';
  task: TaskHandle;
  /** See `CallProgress`. */
  workedMs: number;
}

/** The handle of the task is in the log. */
export interface CallTaskStored {
  type: 'call.taskStored';
}

/** The answer to `call.serverRequest`. */
export interface CallAnswered {
  type: 'call.answered';
  answer: ServerAnswer;
}

/** Aborts the call, and has the server cancel its task. `callTool` still reports its end. */
export interface CallAbort {
  type: 'call.abort';
}

/** Progress of the tool. A few reports within each timeout are enough. */
export interface CallProgress {
  type: 'call.progress';
  /** Time since the call began, without the time for people's answers, plus the time before it was suspended. */
  workedMs: number;
}

/** What the chart of one call knows. */
export interface ToolCallContext extends ToolCallInput {
  /** As last reported. */
  workedMs: number;
  /** The task that the server runs for the call. Null if it runs none. */
  task: TaskHandle | null;
}

/** Every event of the chart. */
export type ToolCallEvent =
  | CallEnded
  | CallProgress
  | CallServerRequest
  | CallSuspended
  | CallAnswered
  | CallTask
  | CallTaskStored
  | { type: 'call.cancel' };
