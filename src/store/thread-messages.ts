/**
 * Defines the messages between the main thread and a database thread: one job, one answer. They are flat and small, because
 * the main thread copies every object.
 */
import type { StoredRewindPoint } from './rewind-points.ts';
import type { WrittenDraft } from '../../machines/conversation/turn-state.ts';
import type { Spent } from '../../machines/usage.ts';
import type { StorageProblem } from '../../machines/writer-types.ts';
import type { ConversationRef } from '../conversation-ref.ts';
import type { ErrorCode } from '../errors.ts';
import type { LegacyImport } from './file/import-legacy.ts';
import type { PostedRow } from './posted-columns.ts';
import type { Fork, ForkOrder } from './thread/fork-copy.ts';
import type { ForkPoints } from './fork-points.ts';
import type { ConversationList } from './listing.ts';
import type { StoredEvents, StoredPage } from './pages.ts';
import type { StoredConversation, StoredInterrupt, StoredTurnRows } from './queries.ts';
import type { RetentionPolicy } from './thread/retention.ts';
import type { SearchQuery, SearchStep } from './search.ts';
import type { WaitingList } from './waiting-conversations.ts';
import type { AppendOutcome, PageRange, TurnRange } from './port.ts';

/** Settings of a thread, fixed at its start. */
export interface ThreadSettings {
  role: 'writer' | 'reader';
  /** Null: a database in memory. */
  path: string | null;
  synchronous: 'NORMAL' | 'FULL';
  clearOnStartup: boolean;
  retention: RetentionPolicy;
  legacyOwner: string;
  /** The file that must be served (`identityOf`). Null before the first connection. */
  served: string | null;
}

/** An append as it reaches the write thread. JSON is serialized already. */
export interface PostedAppend {
  /** The name that its owner uses. */
  conversationId: string;
  owner: string;
  timestamp: string;
  rows: PostedRow[];
  begin: { requestId: string; digest: string } | null;
  end: { requestId: string; payload: string } | null;
  waiting: { requestId: string; untilMs: number | null } | null;
  /** The sum of its rows' usage. */
  spent: Spent;
  /** An entry of `conversations.remembered`, as JSON. */
  remember: string | null;
  /** It was posted before, and may have been committed although no answer came. */
  isRetry: boolean;
}

/** A draft as it reaches the write thread. */
export type PostedDraft = ConversationRef & WrittenDraft & { timestamp: string };

/** A number is the seq of the first stored row. */
export type SettledOutcome = number | Exclude<AppendOutcome, { status: 'stored' }>;

/** How one append of a group ended in the thread. */
export type PostedOutcome =
  | SettledOutcome
  /** A disk error. Nothing was written, and the same append may be posted again. */
  | 'postponed'
  /** A bug in Parley: the append violates a rule of the schema or of turns. */
  | { status: 'refused'; reason: string };

/** How a group ended. */
export interface Committed {
  /** One for each append, in order. */
  outcomes: PostedOutcome[];
  /** Why appends were postponed. Null if none were. */
  failure: { message: string; problem: StorageProblem } | null;
  commitMs: number;
}

/** The jobs of a thread: what it is asked, and its answer. */
export interface Jobs {
  /** `reconnect`: the file was served before. It must exist, and is not cleared again. */
  open: { ask: { reconnect: boolean }; answer: { legacyImport: LegacyImport | null; file: string | null } };
  /** Rejects if the path leads to another file than the one that is served. */
  check: { ask: null; answer: void };
  /** Changes the retention policy. */
  retain: { ask: RetentionPolicy; answer: void };
  commit: { ask: PostedAppend[]; answer: Committed };
  drafts: { ask: PostedDraft[]; answer: void };
  /** One slice of the sweep. True while its round is not over. */
  sweep: { ask: { now: string }; answer: boolean };
  load: {
    ask: { owner: string; conversationId: string; tokens: number; messages: number; images: number };
    answer: StoredConversation;
  };
  page: { ask: { owner: string; conversationId: string; range: PageRange }; answer: StoredPage | null };
  events: { ask: { owner: string; conversationId: string; range: PageRange }; answer: StoredEvents | null };
  turn: { ask: ConversationRef & { requestId: string; range: TurnRange }; answer: StoredTurnRows | null };
  digest: { ask: ConversationRef & { requestId: string }; answer: string | null };
  interrupt: { ask: ConversationRef & { interruptId: string }; answer: StoredInterrupt | null };
  rewindPoint: { ask: ConversationRef & { seq: number }; answer: StoredRewindPoint | null };
  unfinished: { ask: null; answer: ConversationRef[] };
  overdue: { ask: { nowMs: number; limit: number }; answer: ConversationRef[] };
  /** One slice of a copy. Asked until the copy is done. */
  fork: { ask: ForkOrder; answer: ReturnType<Fork['slice']> };
  remove: { ask: ConversationRef; answer: boolean };
  conversations: { ask: { owner: string; limit: number; cursor: string | null }; answer: ConversationList | null };
  waiting: { ask: { limit: number; offset: number }; answer: WaitingList };
  titles: { ask: readonly ConversationRef[]; answer: (string | null)[] };
  search: { ask: SearchQuery; answer: SearchStep | null };
  forkPoints: { ask: ConversationRef & { atSeq: number }; answer: ReturnType<ForkPoints> };
  close: { ask: null; answer: void };
}

/** The name of a job. */
export type JobKind = keyof Jobs;

/** A job as it is posted. `id` comes back with its answer. */
export type JobRequest = { [K in JobKind]: { id: number; kind: K; ask: Jobs[K]['ask'] } }[JobKind];

/** Only the sender of a job knows the type of its answer. `never` is assignable to all of them. */
export type JobReply =
  | { id: number; answer: never }
  | { id: number; failure: { code: ErrorCode; message: string; data: Record<string, unknown> } };
