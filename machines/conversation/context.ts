/**
 * Declares the context of a conversation actor and its limits. Types only.
 */
import type { Requester, ClientEvent } from './client-events.ts';
import type {
  InterruptedTurn,
  QueuedTurn,
  RecoveryPolicy,
  RememberedDecision,
  RunningTurn,
  StoppedTurn,
} from './turn-state.ts';
import type { Budgets, Spent } from '../usage.ts';

/** The limits of every conversation. All actors share this object. A reload of the configuration replaces its values. */
export interface ConversationLimits {
  maxToolHops: number;
  toolConcurrency: number;
  /** Longest time of one call without progress, and in total. */
  toolTimeoutMs: number;
  toolMaxTimeoutMs: number;
  /** Longest time of one call that its server runs as a task. */
  toolTaskTimeoutMs: number;
  /** Time that a person has to approve a call. */
  approvalTimeoutMs: number;
  /** Longest time of one answer, and of a turn while it holds its permit. */
  maxAnswerMs: number;
  maxTurnMs: number;
  /** Turns that may wait behind the running one. */
  queueLength: number;
  /** Tries at one provider for one hop, and the longest sum of the waits between them. */
  attempts: number;
  retryBudgetMs: number;
  /** Provider names, the preferred one first. */
  providers: readonly string[];
  recovery: RecoveryPolicy;
  budgets: Budgets;
}

/** What a conversation's actor starts with. Its state comes from the log. */
export interface ConversationInput {
  conversationId: string;
  owner: string;
  limits: ConversationLimits;
}

/** An entry of the queue that `idle` works off: a turn, or the order to stop. */
export type Next = { kind: 'turn'; turn: QueuedTurn } | { kind: 'stop' };

/**
 * The state of a conversation between two events. Nothing here is durable: a new actor rebuilds it from the log.
 */
export interface ConversationContext extends ConversationInput {
  /** Client events that the current state cannot handle; bounded by `queueLength`. */
  deferred: ClientEvent[];
  /** Messages, withdrawals and responses that are being committed. The commit answers them. */
  arriving: ClientEvent[];
  queue: Next[];
  /** Senders of delete requests; bounded by `queueLength`. */
  deleters: Requester[];
  turn: RunningTurn | null;
  /** The turn that a restart or a crash cut off, until its recovery rows are committed. */
  interrupted: InterruptedTurn | null;
  /** Turns whose cancel is in the log and whose end is not, as of the last read. */
  stopped: StoppedTurn[];
  /** Decisions of people about tools that hold for the whole conversation. */
  remembered: readonly RememberedDecision[];
  /** The total of all answers. */
  spent: Spent;
}
