/**
 * A turn in each of its shapes: queued, running, cut off; with the tools and calls of its hops. Types only.
 */
import type { ModelMessage } from '../context-window/model-messages.ts';
import type { Asker } from './client-events.ts';
import type { Answer } from './hop-answers.ts';
import type { Fault, HopUsage, ToolCallRequest } from '../log.ts';
import type { Resumption, ServerQuestion } from './question-types.ts';
import type { Spent } from '../usage.ts';

/** A tool as a hop knows it: the catalogue is pinned when the hop's context is loaded. */
export interface HopTool {
  /** As offered to the model: provider-safe and unique. */
  name: string;
  server: string;
  /** The server's own name for it. */
  toolName: string;
  description: string;
  /** JSON Schema of its arguments. */
  inputSchema: Record<string, unknown>;
  /** True if a repeat changes nothing, according to its server or the configuration. */
  idempotent: boolean;
  /** A mark of all that the server says of it. */
  definition: string;
  /** Whether a call is made at once, after a person has approved it, or not at all. */
  permission: 'always' | 'ask' | 'never';
}

/** What one hop sends to the model. */
export interface HopContext {
  messages: ModelMessage[];
  /** The one that the turn's message wishes for; null for the provider's own. */
  model: string | null;
  tools: ReadonlyMap<string, HopTool>;
  /** Of the messages, estimated. */
  tokens: number;
  /** Messages that were cut to fit the window. */
  cut: number;
}

/** What a person is asked about a call. */
export interface Approval {
  interruptId: string;
  /** In ms since the epoch: the call is denied when nobody has answered by then. */
  untilMs: number;
}

/**
 * A call on its way. Asking a person, answered while the approval is being committed; ready with its dispatch
 * committed, running in its actor, settled with its result known, recorded with its result committed; repeating
 * while the dispatch of its one repeat is being committed, suspended while the question is for which its
 * server suspended it.
 */
export interface OpenCall {
  callId: string;
  tool: HopTool;
  /** As the model wrote them. */
  arguments: Record<string, unknown>;
  /** What a person has made of them, with which the call is made instead; null where nobody has. */
  edited: Record<string, unknown> | null;
  /** The hop that asked for it, from 0. */
  hop: number;
  /** 1, or 2 for the one repeat of an idempotent call. */
  attempt: number;
  /** Null where nobody had to be asked. */
  approval: Approval | null;
  /** What its server asks a person; null where it asks nothing. */
  question: ServerQuestion | null;
  /** With which it is made again, after its server had suspended it; null the first time. */
  resume: Resumption | null;
  stage: 'asking' | 'answered' | 'ready' | 'running' | 'repeating' | 'suspended' | 'settled' | 'recorded';
}

/** A turn whose message is committed and that waits to run; `hops` and `used` are not empty when it goes on after a restart. */
export interface QueuedTurn {
  requestId: string;
  hops: number;
  used: readonly HopUsage[];
  /** True once its sender was told `queued`: its start is then announced. */
  announced: boolean;
}

/** `interrupted`: by a chat that goes before it. */
export type StopReason = 'cancelled' | 'interrupted';

/**
 * The turn at work, from its start until its end is committed. Whatever of it must survive a crash is in
 * the log's rows; this is the part that may be lost.
 */
export interface RunningTurn {
  requestId: string;
  hops: number;
  /** By the answers that are recorded. */
  used: readonly HopUsage[];
  model: string | null;
  /** Index into `limits.providers`, and tries at that provider for this hop. */
  provider: number;
  attempt: number;
  /** Time spent backing off in this hop, and the next wait. */
  waitedMs: number;
  backoffMs: number;
  context: HopContext | null;
  /** Set once a provider has found the context too long: what it may hold from then on, and the hop in which that was. */
  shorter: { budgetTokens: number; hop: number } | null;
  /** True while an `answer` actor is at work. */
  asking: boolean;
  answer: Answer | null;
  calls: OpenCall[];
  fault: Fault | null;
  /** Set once a Stop or an interrupting chat has ended the turn. */
  stop: { reason: StopReason; askers: Asker[]; committed: boolean } | null;
}

/** A turn that was stopped before it did anything: all it lacks is its end. */
export interface StoppedTurn {
  requestId: string;
  reason: StopReason;
}

/** Where the log says that a begun turn stands. */
export interface InterruptedTurn {
  requestId: string;
  hops: number;
  used: readonly HopUsage[];
  model: string | null;
  recoveries: number;
  /** False while its message is all there is: it may have waited, or have been asking the model. */
  begun: boolean;
  /** Since its message was committed. */
  ageMs: number;
  stop: StopReason | null;
  /** Calls the model asked for that have no result. */
  open: InterruptedCall[];
  /** What is known of the message that was being written; its end is lost. */
  draft: WrittenDraft | null;
}

/** A message as far as it was written, when somebody last looked. */
export interface WrittenDraft {
  requestId: string;
  /** The id that its row will have. */
  messageId: string;
  text: string;
  reasoning: string;
  model: string | null;
}

export interface InterruptedCall {
  request: ToolCallRequest;
  /** Its newest dispatch; null if it was never made. `edited`: with other arguments than the model's. */
  dispatch: (ToolUse & { attempt: number; edited: boolean; resume: Resumption | null }) | null;
  /** What a person has been asked about it and has not answered. */
  approval: (ToolUse & Approval) | null;
  /** What its server has asked after that dispatch, and nobody has answered. */
  question: ServerQuestion | null;
}

/** A tool and what it is given, as the rows about a call keep them. */
export interface ToolUse {
  tool: HopTool;
  arguments: Record<string, unknown>;
}

/** What becomes of a turn that a restart or a crash cut off. */
export interface RecoveryPolicy {
  /** `interrupt` ends it as failed. */
  mode: 'resume' | 'interrupt';
  /** How often a turn may be taken up again: the restart may be its own doing. */
  attempts: number;
  /** Nobody waits for the answer to an older message. */
  maxAgeMs: number;
}

/** What a person has decided about a tool for the rest of the conversation. */
export interface RememberedDecision {
  server: string;
  /** The server's own name for it. */
  toolName: string;
  /** The tool as it was then; empty where that is not known. */
  definition: string;
  decision: 'approve' | 'deny';
}

/** The fold of a log at activation. */
export interface FoldedLog {
  interrupted: InterruptedTurn | null;
  stopped: StoppedTurn[];
  queue: QueuedTurn[];
}

/** All that activation starts from. What is remembered and what was spent outlive the rows that tell of them, so no fold finds them. */
export interface Standing extends FoldedLog {
  remembered: readonly RememberedDecision[];
  /** By all answers there ever were, also those whose rows are gone. */
  spent: Spent;
}
