/**
 * The port of the event store: what the rest of the server appends, reads and is answered. Types only; nothing
 * outside this folder knows SQL.
 */
import type { Decision } from '../../machines/conversation/rows/approval.ts';
import type { Included } from '../../machines/context-window/included.ts';
import type { Fault, LogRow, NewRow } from '../../machines/log.ts';
import type { RememberedDecision, WrittenDraft } from '../../machines/conversation/turn-state.ts';
import type { Spent } from '../../machines/usage.ts';
import type { ConversationRef } from '../conversation-ref.ts';
import type { ConversationList } from './listing.ts';
import type { SearchQuery, SearchStep } from './search.ts';
import type { WaitingList } from './waiting-conversations.ts';

/** Rows that are committed together, or not at all. */
export interface Append {
  conversationId: string;
  /** The subject whose conversation it is; ids are the owner's own, and another's conversation of the same id is another. */
  owner: string;
  rows: NewRow[];
  /** Claims the request id for a turn, in the same transaction. */
  begin?: { requestId: string; digest: string };
  /** Closes an open turn; `payload` is kept for replays that outlive the rows. */
  end?: { requestId: string; payload: unknown };
  /** From now on an open turn waits for a person, `untilMs` at the longest (since the epoch), or no longer: null. Its end says so too. */
  waiting?: { requestId: string; untilMs: number | null };
  /** Known from now on for as long as the conversation is, whatever becomes of its rows. */
  remember?: RememberedDecision;
}

export type AppendOutcome =
  /** `ended` is the payload of the append's `end`, where it had one. */
  | { status: 'stored'; rows: LogRow[]; ended?: unknown }
  /** `begin`: same id, same digest. Nothing was written. */
  | { status: 'duplicate'; ended: boolean }
  /** `begin`: same id, other digest. Nothing was written. */
  | { status: 'reused' }
  /** Nothing was written: `storage_failed`, `overloaded`, `shutting_down` or `internal`. */
  | { status: 'failed'; fault: Fault };

export interface StoredTurn {
  requestId: string;
  beginSeq: number;
  /** The payload of the turn's `end`; null while it is open. */
  end: unknown;
}

/** What a conversation needs to know about itself when it wakes up. */
export interface LoadedConversation {
  /** False for an unknown conversation and for somebody else's. */
  known: boolean;
  headSeq: number;
  oldestSeq: number;
  /** In seq order. */
  rows: LogRow[];
  /** Turns without an end, oldest first. */
  open: StoredTurn[];
  /** What was kept of the answer that an open turn had under construction; null once it is a row. */
  draft: WrittenDraft | null;
  /** In the order in which they were taken. */
  remembered: RememberedDecision[];
  /** By all rows there ever were. */
  spent: Spent;
}

/** A message that a chat may go back to. */
export interface RewindPoint {
  text: string;
  included: Included[];
}

/** What a person was asked: the question's row as far as `extra` tells it, and the decision, null while nobody has answered. */
export interface Interrupt {
  question: LogRow['extra'];
  decision: Decision | null;
}

export interface Page {
  /** In seq order. */
  rows: LogRow[];
  headSeq: number;
  oldestSeq: number;
}

export interface PageRange {
  /** The oldest `limit` rows above it. */
  afterSeq?: number;
  /** The newest `limit` rows below it; together with `afterSeq`, only its upper bound. */
  beforeSeq?: number;
  limit: number;
}

export type ForkOutcome =
  | { status: 'forked'; conversationId: string }
  /** No fork can be made there; `nearest` are the next seqs below and above where one can, as far as there are any. */
  | { status: 'misplaced'; nearest: number[] }
  /** Nothing was made: `not_found`, `overloaded`, `storage_failed` or `shutting_down`. */
  | { status: 'failed'; fault: Fault };

/**
 * The event log of all conversations. A failed append is a value, since somebody waits for the answer; a
 * failed read rejects with an AppError. Reads see every append whose `done` was called.
 */
export interface Store {
  /**
   * Queues the append; `done` is called once, never before `append` returns, in the order of the appends.
   * Only a refusal for want of room (`overloaded`) overtakes appends that still wait.
   */
  append(append: Append, done: (outcome: AppendOutcome) => void): void;
  /**
   * Keeps an answer as far as it is written, in place of what was kept of it before, until its row or its turn's
   * end is stored. Nobody is told; it survives a kill of the process, and a draft that cannot be written is dropped.
   */
  saveDraft(draft: ConversationRef & WrittenDraft): void;
  /**
   * The newest rows until their `token_count` sum reaches `tokens` and there are `messages` (none, unless said) among
   * them, and all rows since the oldest open turn began; then back to the start of every turn that has a row among them.
   */
  load(owner: string, conversationId: string, tokens: number, messages?: number): Promise<LoadedConversation>;
  /** Null for an unknown or foreign conversation. Without bounds, the newest `limit` rows. */
  page(owner: string, conversationId: string, range: PageRange): Promise<Page | null>;
  /** Null for an unknown or foreign one. The rows are gone where retention took them; `end` outlives them. */
  turn(
    owner: string,
    conversationId: string,
    requestId: string,
  ): Promise<{ digest: string; rows: LogRow[]; end: unknown } | null>;
  /** Null when this was never asked in this conversation, or is gone. */
  interrupt(owner: string, conversationId: string, interruptId: string): Promise<Interrupt | null>;
  /** The user's message with this seq; null unless it is one, on the branch that the conversation is on. */
  rewindPoint(owner: string, conversationId: string, seq: number): Promise<RewindPoint | null>;
  /** Conversations with an open turn that has something to do but wait for a person. */
  unfinished(): Promise<ConversationRef[]>;
  /** Conversations with a turn that has waited for a person as long as it may at `nowMs`, the longest overdue first; `limit` at most. */
  overdue(nowMs: number, limit: number): Promise<ConversationRef[]>;
  /** A page of the owner's conversations, newest first; null for a cursor that this store has not made. */
  conversations(owner: string, range: { cursor?: string; limit: number }): Promise<ConversationList | null>;
  /** A page of the conversations of all owners that do nothing but wait for a person. */
  waitingForPeople(range: { limit: number; offset: number }): Promise<WaitingList>;
  /** The titles of conversations, in their order; null for an unknown one and for one without a title. */
  titles(refs: readonly ConversationRef[]): Promise<(string | null)[]>;
  /** One step of a search in titles and texts; null for a cursor that this store has not made. No other read happens meanwhile. */
  search(query: SearchQuery): Promise<SearchStep | null>;
  /**
   * A new conversation with copies of the rows up to `atSeq`, which has to be the end of a turn that no other
   * turn reaches across. Seqs and the identity of turns are those of the origin, ids of rows are new.
   */
  fork(owner: string, conversationId: string, atSeq: number): Promise<ForkOutcome>;
  /**
   * Ends a conversation, whatever stands in it: from now on nobody knows of it, and the sweep takes its rows.
   * What is appended to that id later begins a new one, at seq 1; so does an append that still waits, so
   * settle those first. False for an unknown or foreign conversation.
   */
  remove(owner: string, conversationId: string): Promise<boolean>;
  /** Appends that wait for the disk. */
  queuedWrites(): number;
  /** Commits what waits, folds the write-ahead log into the file and ends the threads. */
  close(): Promise<void>;
}
