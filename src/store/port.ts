/** Defines the port of the event store. Types only. No code outside this folder knows SQL. */
import type { Decision } from '../../machines/conversation/rows/approval-rows.ts';
import type { Included } from '../../machines/context-window/included.ts';
import type { Fault, LogRow, NewRow } from '../../machines/log.ts';
import type { RememberedDecision, WrittenDraft } from '../../machines/conversation/turn-state.ts';
import type { Spent } from '../../machines/usage.ts';
import type { ConversationRef } from '../conversation-ref.ts';
import type { ConversationList } from './listing.ts';
import type { SearchQuery, SearchStep } from './search.ts';
import type { WaitingList } from './waiting-conversations.ts';

/** Rows that are committed together or not at all. */
export interface Append {
  conversationId: string;
  /** The subject that owns the conversation. Ids are scoped by owner. */
  owner: string;
  rows: NewRow[];
  /** Claims the request id for a turn, in the same transaction. */
  begin?: { requestId: string; digest: string };
  /** Ends an open turn. `payload` is kept for replays after the rows are deleted. */
  end?: { requestId: string; payload: unknown };
  /** Marks an open turn as waiting for a person until `untilMs` (since the epoch) at the latest. Null, or its end: it waits no longer. */
  waiting?: { requestId: string; untilMs: number | null };
  /** A decision that is kept for the life of the conversation, even if its rows are deleted. */
  remember?: RememberedDecision;
}

/** How an append ended. Nothing is written in part. */
export type AppendOutcome =
  /** `ended`: the payload of the append's `end`, if it had one. */
  | { status: 'stored'; rows: LogRow[]; ended?: unknown }
  /** `begin`: same id, same digest. Nothing was written. */
  | { status: 'duplicate'; ended: boolean }
  /** `begin`: same id, other digest. Nothing was written. */
  | { status: 'reused' }
  /** Nothing was written: `storage_failed`, `overloaded`, `shutting_down` or `internal`. */
  | { status: 'failed'; fault: Fault };

/** A turn as the table `turns` has it. */
export interface StoredTurn {
  requestId: string;
  beginSeq: number;
  /** The payload of the turn's `end`; null while it is open. */
  end: unknown;
}

/** The state from which a conversation is activated. */
export interface LoadedConversation {
  /** False for an unknown or foreign conversation. */
  known: boolean;
  headSeq: number;
  oldestSeq: number;
  /** In seq order. */
  rows: LogRow[];
  /** Turns without an end, oldest first. */
  open: StoredTurn[];
  /** The saved draft of an open turn's unfinished answer. Null once the answer is a row. */
  draft: WrittenDraft | null;
  /** In the order of the decisions. */
  remembered: RememberedDecision[];
  /** By all rows, deleted ones included. */
  spent: Spent;
}

/** A message that a chat may go back to. */
export interface RewindPoint {
  text: string;
  included: Included[];
}

/** A question to people: `extra` of its row, and the decision. Null: not answered yet. */
export interface Interrupt {
  question: LogRow['extra'];
  decision: Decision | null;
}

/** A page of a log, with the ends of the log. */
export interface RowPage {
  /** In seq order. */
  rows: LogRow[];
  headSeq: number;
  oldestSeq: number;
}

/** Which rows to read. */
export interface PageRange {
  /** The oldest `limit` rows above it. */
  afterSeq?: number;
  /** The newest `limit` rows below it. Together with `afterSeq`, only an upper bound. */
  beforeSeq?: number;
  limit: number;
}

/** Which rows of a turn to read. */
export interface TurnRange {
  /** Only the rows above it. */
  afterSeq: number;
  /** The id of a message of which the reader has a part. */
  seen: string | null;
}

/** A page of a turn: the oldest rows above `afterSeq`. Whole results of tools are missing in `extra`. */
export interface TurnPage {
  digest: string;
  /** In seq order. */
  rows: LogRow[];
  /** True if the turn has rows after these. */
  more: boolean;
  /** The seq of its first row, and of its end. Null if there is none, or retention deleted it. */
  beginSeq: number | null;
  endSeq: number | null;
  /** The seq of the row `seen`. Null if there is no such row. */
  seenSeq: number | null;
  /** Null while the turn is open. */
  end: unknown;
}

/** How a fork ended. */
export type ForkOutcome =
  | { status: 'forked'; conversationId: string }
  /** No fork can be made there. `nearest`: the next fork points below and above, if any. */
  | { status: 'misplaced'; nearest: number[] }
  /** Nothing was made: `not_found`, `overloaded`, `storage_failed` or `shutting_down`. */
  | { status: 'failed'; fault: Fault };

/**
 * The event log of all conversations. A failed append is a value, a failed read rejects with an AppError. Reads see every
 * append whose `done` was called.
 */
export interface Store {
  /**
   * Queues the append. Calls `done` once, after `append` returns, in the order of the appends. Only a rejection by a full
   * queue (`overloaded`) overtakes queued appends.
   */
  append(append: Append, done: (outcome: AppendOutcome) => void): void;
  /**
   * Saves an unfinished answer in place of its last draft, until its row or its turn's end is stored. Gives no outcome. It
   * survives a kill of the process. A draft that cannot be written is dropped.
   */
  saveDraft(draft: ConversationRef & WrittenDraft): void;
  /**
   * Loads the newest rows until their `token_count` sum reaches `tokens` and `messages` (default 0) of them are messages,
   * and all rows since the oldest open turn began. Turns are whole: rows go back to the start of each turn. Of whole results
   * of tools above 64 KiB they have the newest `images` (default 0) images for the model.
   */
  load(
    owner: string,
    conversationId: string,
    tokens: number,
    messages?: number,
    images?: number,
  ): Promise<LoadedConversation>;
  /** Null for an unknown or foreign conversation. Without bounds, the newest `limit` rows. */
  page(owner: string, conversationId: string, range: PageRange): Promise<RowPage | null>;
  /** A page for clients. A large `extra` is the JSON of the log, which `serializeFrame` inserts as it is. */
  events(owner: string, conversationId: string, range: PageRange): Promise<RowPage | null>;
  /** Null for an unknown or foreign turn. Rows that retention deleted are missing; `end` is kept. Default: from the first row. */
  turn(owner: string, conversationId: string, requestId: string, range?: Partial<TurnRange>): Promise<TurnPage | null>;
  /** The digest of a turn's message. Null for an unknown or foreign turn. */
  digest(owner: string, conversationId: string, requestId: string): Promise<string | null>;
  /** Null if the conversation has no such question, or retention deleted it. */
  interrupt(owner: string, conversationId: string, interruptId: string): Promise<Interrupt | null>;
  /** The user's message with this seq. Null if the row is no user message of the current branch. */
  rewindPoint(owner: string, conversationId: string, seq: number): Promise<RewindPoint | null>;
  /** Conversations with an open turn that does more than wait for a person. */
  unfinished(): Promise<ConversationRef[]>;
  /** At most `limit` conversations whose wait for a person is over at `nowMs`, longest overdue first. */
  overdue(nowMs: number, limit: number): Promise<ConversationRef[]>;
  /** A page of the owner's conversations, newest first. Null for a cursor that is not from this store. */
  conversations(owner: string, range: { cursor?: string; limit: number }): Promise<ConversationList | null>;
  /** A page of the conversations of all owners that only wait for a person. */
  waitingForPeople(range: { limit: number; offset: number }): Promise<WaitingList>;
  /** The titles of conversations, in their order. Null for an unknown conversation, and for one without a title. */
  titles(refs: readonly ConversationRef[]): Promise<(string | null)[]>;
  /** One step of a search in titles and texts. Null for a cursor that is not from this store. Other reads wait for the step. */
  search(query: SearchQuery): Promise<SearchStep | null>;
  /**
   * Makes a conversation with copies of the rows up to `atSeq`, which must be a fork point: the end of a turn that no other
   * turn spans. Seqs and request ids are those of the origin, row ids are new.
   */
  fork(owner: string, conversationId: string, atSeq: number): Promise<ForkOutcome>;
  /**
   * Deletes a conversation in any state: no read finds it from now on, and the sweep deletes its rows. A later append to its
   * id begins a new conversation at seq 1. So does an append that is still queued: settle those first. False for an unknown
   * or foreign conversation.
   */
  remove(owner: string, conversationId: string): Promise<boolean>;
  /** The number of queued appends. */
  queuedWrites(): number;
  /** Commits queued appends, checkpoints the write-ahead log and ends the threads. */
  close(): Promise<void>;
}
