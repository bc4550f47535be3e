/**
 * Declares a topic: one conversation's followers, its unfinished message, and the last row that was sent. Data only.
 * broadcast.ts sends live frames, catch-up.ts sends rows from the log.
 */
import type { ConversationRef } from '../conversation-ref.ts';
import type { FrameText } from '../protocol/raw-json.ts';
import type { Draft } from './draft.ts';

/** A socket as the delivery needs it. */
export interface Session {
  readonly id: string;
  /** Queues one text frame. */
  send(frame: FrameText): void;
  /** True while more unsent data is buffered than `max_buffered_bytes`. */
  isSlow(): boolean;
  unsentBytes(): number;
  /** Closes a socket that takes nothing, so that its client reconnects. */
  closeStalled(): void;
  /** Calls back once, when the socket has drained or closed. */
  whenDrained(callback: () => void): void;
  /** Closes the socket, so that its client reconnects with its cursor. */
  closeForReconnect(): void;
}

/** One socket that follows one turn or the whole conversation. It is either live or catching up from the log. */
export interface Follower {
  readonly topic: Topic;
  readonly session: Session;
  /** Null for a subscription, which follows every turn and gets every row. */
  readonly requestId: string | null;
  /** False: committed rows instead of live chunks. */
  readonly streaming: boolean;
  /** True for a subscription that asked for `state` frames. */
  readonly wantsState: boolean;
  live: boolean;
  /** The seq of the last row sent. A row that a catch-up has read is not sent again when it is published. */
  seq: number;
}

/**
 * A conversation with followers. Exists while it has a follower or an unfinished message, whether its actor runs or not.
 */
export interface Topic {
  readonly ref: ConversationRef;
  readonly followers: Set<Follower>;
  /**
   * The subscription of each socket that has one, live or not. It replaces the turns that this socket follows here, so
   * that each frame comes once, and no frame overtakes a catch-up.
   */
  readonly subscriptions: Map<string, Follower>;
  draft: Draft | null;
  /** Seq of the last row published while this topic has existed. */
  head: number;
  /** The last `state` frame, encoded. Null until a subscription wants one. */
  state: string | null;
}
