/**
 * One conversation's audience: who follows which turn, the message under construction, and how far
 * the log has been shown. Data only; delivery is in delivery.ts, catching up in catch-up.ts.
 */
import type { ConversationRef } from '../conversation-ref.ts';
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
  /** Closes the socket, for its client to come back with its cursor. */
  closeForReconnect(): void;
}

/** One socket on one turn, or on the whole conversation: live, or being caught up from the log; never both. */
export interface Following {
  readonly topic: Topic;
  readonly session: Session;
  /** Null for a subscription, which follows every turn and gets every row. */
  readonly requestId: string | null;
  /** False: committed rows instead of live chunks. */
  readonly streaming: boolean;
  /** True for a subscription that asked for `state` frames. */
  readonly wantsState: boolean;
  live: boolean;
  /** The last row this follower was shown: a row that a catch-up has read is not shown again by its publication. */
  seq: number;
}

/**
 * A conversation with an audience. Exists while somebody follows or a message is under construction,
 * independent of whether the conversation's actor runs.
 */
export interface Topic {
  readonly ref: ConversationRef;
  readonly followings: Set<Following>;
  /**
   * The subscription of each socket that has one, live or not. It stands for all that this socket follows here, so
   * that each frame comes once, and none before what is being caught up on.
   */
  readonly subscriptions: Map<string, Following>;
  draft: Draft | null;
  /** Seq of the last row published while this topic has existed. */
  head: number;
  /** The last `state` frame, encoded; null until somebody asked for one. */
  state: string | null;
}
