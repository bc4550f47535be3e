/**
 * The port of the outbox: what the rest of the server has sent to clients, and whom it lets follow what. Types only.
 */
import type { Cursor } from '../../machines/conversation/client-events.ts';
import type { LogRow } from '../../machines/log.ts';
import type { ConversationRef } from '../conversation-ref.ts';
import type { ConversationState, Frame } from '../protocol/frames.ts';
import type { Draft } from './draft.ts';
import type { Session } from './topic.ts';

/**
 * Everything clients are sent goes through here. Calls about a socket that is gone do nothing, so no
 * caller has to ask first; a slow socket is taken off the live stream and caught up from the log.
 */
export interface Delivery {
  open(session: Session): void;
  /** Forgets a closed socket. It cancels nothing. */
  close(sessionId: string): void;
  /** Sends a frame to one socket, if it is still there. */
  reply(sessionId: string, frame: Frame): void;
  /** From now on the socket gets the frames of this turn. */
  follow(sessionId: string, ref: ConversationRef, requestId: string, streaming: boolean): void;
  /** Brings a socket up to date on a turn that runs or has ended, then follows it live. */
  attach(
    sessionId: string,
    ref: ConversationRef,
    requestId: string,
    options: { streaming: boolean; cursor: Cursor | null },
  ): void;
  /**
   * From now on the socket gets every row and frame of the conversation: what it lacks first, then live.
   * `state` is where the conversation stands now, for those who asked to be told.
   */
  subscribe(
    sessionId: string,
    ref: ConversationRef,
    options: { cursor: Cursor; wantsState: boolean; state: ConversationState },
  ): void;
  unsubscribe(sessionId: string, ref: ConversationRef): void;
  /** Ids of the sockets that follow the conversation, or one of its turns. */
  followers(ref: ConversationRef): Iterable<string>;
  /** True while somebody wants `state` frames of this conversation. */
  watchesState(ref: ConversationRef): boolean;
  state(ref: ConversationRef, state: ConversationState): void;
  /** The message under construction; null while there is none. */
  drafting(ref: ConversationRef): string | null;
  /** Sends a frame of a turn to all who follow it live. */
  broadcast(ref: ConversationRef, frame: Frame & { request_id: string }): void;
  /** Tells the followers of all turns of a conversation that its actor has failed; they may send again. */
  fail(ref: ConversationRef, frame: (requestId: string | null) => Frame): void;
  /** Tells all followers that the conversation is gone, and those of its turns that these have ended with it. */
  remove(ref: ConversationRef): void;
  /** Opens the message under construction; an unfinished one of the same conversation is taken back by `reset`. */
  draft(ref: ConversationRef, requestId: string, messageId: string): Draft;
  /** Shows committed rows. Called once for each row, in seq order, after its commit. */
  publish(ref: ConversationRef, rows: readonly LogRow[]): void;
}
