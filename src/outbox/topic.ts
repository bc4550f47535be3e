/**
 * One conversation's audience: who follows which turn, the message under construction, and how far
 * the log has been shown. Data only; delivery is in outbox.ts, catching up in catch-up.ts.
 */
import type { Draft } from './draft.ts';

/** A socket as the outbox needs it. */
export interface Session {
  readonly id: string;
  /** Queues one text frame. */
  send(frame: string): void;
  /** True while more waits for this socket than `max_buffered_bytes`. */
  isSlow(): boolean;
  /** Calls back once, when the socket has drained; never if it closes first. */
  whenDrained(callback: () => void): void;
}

/** A conversation's address. */
export interface ConversationRef {
  owner: string;
  conversationId: string;
}

/** One socket on one turn: live, or being caught up from the log; never both. */
export interface Following {
  readonly topic: Topic;
  readonly session: Session;
  readonly requestId: string;
  /** False: committed rows instead of live chunks. */
  readonly streaming: boolean;
  live: boolean;
  /** The last row this follower was shown: a row that a catch-up has read is not shown again by its publication. */
  seq: number;
}

export interface Topic {
  readonly ref: ConversationRef;
  readonly followings: Set<Following>;
  draft: Draft | null;
  /** Seq of the last row published while this topic has existed. */
  head: number;
}
