/**
 * What a conversation actor remembers between two events, and the limits it was given. Types only.
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

/** Bounds each conversation. All of them share this object; a reload of the configuration replaces its values. */
export interface ConversationLimits {
  maxToolHops: number;
  toolConcurrency: number;
  /** Of one call, without an end and without progress; and whatever its progress. */
  toolTimeoutMs: number;
  toolMaxTimeoutMs: number;
  /** How long a person has to answer when asked to approve a call. */
  approvalTimeoutMs: number;
  /** Turns waiting behind the running one. */
  queueLength: number;
  /** Tries at one provider for one hop, and the time all waiting between them may take. */
  attempts: number;
  retryBudgetMs: number;
  /** Names, the preferred first. */
  providers: readonly string[];
  recovery: RecoveryPolicy;
  budgets: Budgets;
}

export interface ConversationInput {
  conversationId: string;
  owner: string;
  limits: ConversationLimits;
}

/** What waits at the door of `idle`: a turn, or the order to stop. */
export type Next = { kind: 'turn'; turn: QueuedTurn } | { kind: 'stop' };

/**
 * What a conversation remembers between events. None of it is durable: an actor that is opened anew
 * rebuilds it from the log.
 */
export interface ConversationContext extends ConversationInput {
  /** Client events that arrived while the chart could not answer them; bounded by `queueLength`. */
  deferred: ClientEvent[];
  /** Messages, withdrawals and people's answers whose commit is under way; answered with it. */
  arriving: ClientEvent[];
  queue: Next[];
  /** Who has asked for its end; bounded by `queueLength`. */
  deleters: Requester[];
  turn: RunningTurn | null;
  /** The turn that a restart or a crash cut off, until its recovery rows are committed. */
  interrupted: InterruptedTurn | null;
  /** Turns whose Stop was committed, and not their end, when the log was last read. */
  stopped: StoppedTurn[];
  /** What people have decided about tools, once and for all: nobody is asked about these again. */
  remembered: readonly RememberedDecision[];
  /** By all its answers. */
  spent: Spent;
}
