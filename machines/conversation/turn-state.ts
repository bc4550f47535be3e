/**
 * Declares a turn in each of its forms (queued, running, interrupted) with the tools and calls of its hops. Types only.
 */
import type { ModelMessage } from '../context-window/model-messages.ts';
import type { ContextSizes } from '../context-window/context-sizes.ts';
import type { Requester } from './client-events.ts';
import type { ModelAnswer } from './hop-answers.ts';
import type { Fault, HopUsage, ToolCallRequest } from '../log.ts';
import type { Resumption, ServerQuestion } from './question-types.ts';
import type { Spent } from '../usage.ts';

/** A tool as a hop knows it. The list of tools is fixed when the hop's context is loaded. */
export interface HopTool {
  /** The name that the model sees: unique, and valid for every provider. */
  name: string;
  server: string;
  /** The server's own name of the tool. */
  toolName: string;
  description: string;
  /** JSON Schema of its arguments. */
  inputSchema: Record<string, unknown>;
  /** True if the server or the configuration says that a repeated call has no further effect. */
  idempotent: boolean;
  /** Hash of everything that the server says about the tool. */
  definition: string;
  /** `always`: called at once. `ask`: called after a person approves. `never`: not called. */
  permission: 'always' | 'ask' | 'never';
  /** Longest time of a call without progress, in ms. Null: the configured time. */
  timeoutMs: number | null;
}

/** What one hop sends to the model. */
export interface HopContext {
  messages: ModelMessage[];
  /** The model that the turn's message names. Null: the provider's default. */
  model: string | null;
  tools: ReadonlyMap<string, HopTool>;
  /** Estimated tokens of `messages`. */
  tokens: number;
  /** The sizes of the whole request. */
  sizes: ContextSizes;
  /** Number of tools that did not fit the context window and are not offered, by server. */
  toolsLeftOut: readonly { server: string; count: number }[];
  /** Number of messages that were cut to fit the window. */
  cut: number;
}

/** An open interrupt: a person has to respond before the call goes on. */
export interface Approval {
  interruptId: string;
  /** Deadline in ms since the epoch. Without a response by then the call is denied. */
  untilMs: number;
}

/** A call that the model asked for, until its result is committed. See `stage`. */
export interface OpenCall {
  callId: string;
  tool: HopTool;
  /** The arguments as the model wrote them. */
  arguments: Record<string, unknown>;
  /** The arguments as a person changed them; the call is made with these. Null if unchanged. */
  edited: Record<string, unknown> | null;
  /** The hop that asked for it, from 0. */
  hop: number;
  /** 1, or 2 for the single repeat of an idempotent call. */
  attempt: number;
  /** Null if the call needs no approval. */
  approval: Approval | null;
  /** What the server asks a person. Null if it asks nothing. */
  question: ServerQuestion | null;
  /** What a suspended call is made again with. Null for the first call. */
  resume: Resumption | null;
  /**
   * - `asking`: waits for a person.
   * - `answered`: the response is being committed.
   * - `ready`: its dispatch is committed.
   * - `running`: its actor runs.
   * - `repeating`: the dispatch of its repeat is being committed.
   * - `suspended`: the server suspended it, and that question is being committed.
   * - `settled`: its result is known.
   * - `recorded`: its result is committed.
   */
  stage: 'asking' | 'answered' | 'ready' | 'running' | 'repeating' | 'suspended' | 'settled' | 'recorded';
}

/** A turn whose message is committed and that waits to run. After a restart it may already have `hops` and `used`. */
export interface QueuedTurn {
  requestId: string;
  hops: number;
  used: readonly HopUsage[];
  /** True once its sender received the disposition `queued`. Its start is then announced by a notice. */
  announced: boolean;
}

/** `cancelled`: by a client. `interrupted`: by a chat with `mode: interrupt`, which runs before it. */
export type StopReason = 'cancelled' | 'interrupted';

/**
 * The running turn, from its start until its end is committed. Everything that must survive a crash is in the log's
 * rows. This object may be lost.
 */
export interface RunningTurn {
  requestId: string;
  hops: number;
  /** Usage of the recorded answers. */
  used: readonly HopUsage[];
  model: string | null;
  /** Index into `limits.providers`, and tries at that provider for this hop. */
  provider: number;
  attempt: number;
  /** Answers without text and tool calls in this hop that are in the log. */
  emptyAnswers: number;
  /** Time spent backing off in this hop, and the next wait. */
  waitedMs: number;
  backoffMs: number;
  context: HopContext | null;
  /** Set once a provider rejected a request as too long: the new budget of requests, and the hop in which that happened. */
  shorter: { budgetTokens: number; hop: number } | null;
  /** True while an `answer` actor runs. */
  asking: boolean;
  answer: ModelAnswer | null;
  calls: OpenCall[];
  fault: Fault | null;
  /** Set once a cancel or an interrupting chat has ended the turn. */
  stop: { reason: StopReason; requesters: Requester[]; committed: boolean } | null;
}

/** A turn that was cancelled before it started. Only its end is missing from the log. */
export interface StoppedTurn {
  requestId: string;
  reason: StopReason;
}

/** A turn that a crash or restart cut off, as its rows describe it. */
export interface InterruptedTurn {
  requestId: string;
  hops: number;
  used: readonly HopUsage[];
  /** Answers without text and tool calls in the hop that was interrupted. */
  emptyAnswers: number;
  model: string | null;
  recoveries: number;
  /** False if the log holds only its message: it was queued, or its first request to the model was running. */
  begun: boolean;
  /** Time since its message was committed. */
  ageMs: number;
  stop: StopReason | null;
  /** Calls the model asked for that have no result. */
  open: InterruptedCall[];
  /** The saved part of the message that was being written. Null if none was saved. */
  draft: WrittenDraft | null;
}

/** A message that was being written, as last saved. */
export interface WrittenDraft {
  requestId: string;
  /** The id that its row will have. */
  messageId: string;
  text: string;
  reasoning: string;
  model: string | null;
}

/** A call without a result in the log of an interrupted turn. */
export interface InterruptedCall {
  request: ToolCallRequest;
  /** Its newest dispatch. Null if it was never made. `edited`: a person changed the model's arguments. */
  dispatch: (ToolUse & { attempt: number; edited: boolean; resume: Resumption | null }) | null;
  /** The open request for approval. */
  approval: (ToolUse & Approval) | null;
  /** The open question of the server, asked after that dispatch. */
  question: ServerQuestion | null;
}

/** A tool and its arguments, as the rows about a call keep them. */
export interface ToolUse {
  tool: HopTool;
  arguments: Record<string, unknown>;
}

/** How to treat a turn that a restart or a crash cut off. */
export interface RecoveryPolicy {
  /** `resume` goes on with the turn. `interrupt` ends it as failed. */
  mode: 'resume' | 'interrupt';
  /** How often a turn may be resumed. The limit exists because the turn itself may cause the restarts. */
  attempts: number;
  /** A turn with an older message is ended as failed. */
  maxAgeMs: number;
}

/** A person's decision about a tool for the rest of the conversation. */
export interface RememberedDecision {
  server: string;
  /** The server's own name of the tool. */
  toolName: string;
  /** The tool's definition hash at the time of the decision. Empty if unknown. */
  definition: string;
  decision: 'approve' | 'deny';
}

/** The fold of a log at activation. */
export interface FoldedLog {
  interrupted: InterruptedTurn | null;
  stopped: StoppedTurn[];
  queue: QueuedTurn[];
}

/**
 * The state that an activation starts from. `remembered` and `spent` outlive the rows behind them, so the store keeps
 * them apart and no fold finds them.
 */
export interface RecoveredState extends FoldedLog {
  remembered: readonly RememberedDecision[];
  /** The total of all answers, those with deleted rows included. */
  spent: Spent;
}
