/**
 * Declares the port of the delivery: sending to clients, and following turns and conversations. Types only.
 */
import type { Cursor } from '../../machines/conversation/client-events.ts';
import type { LogRow } from '../../machines/log.ts';
import type { ConversationRef } from '../conversation-ref.ts';
import type { ConversationState, Frame } from '../protocol/frames.ts';
import type { Draft } from './draft.ts';
import type { Session } from './topic.ts';

/**
 * Everything that clients receive passes here. Calls for a closed socket do nothing, so no caller has to check first. A
 * slow socket leaves the live stream and catches up from the log.
 */
export interface Delivery {
  open(session: Session): void;
  /** Removes a closed socket. It cancels no turn. */
  close(sessionId: string): void;
  /** Sends a frame to one socket, if it is still open. */
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
   * From now on the socket gets every row and frame of the conversation: missing rows first, then live. `state` is the
   * current state, sent if `wantsState`.
   */
  subscribe(
    sessionId: string,
    ref: ConversationRef,
    options: { cursor: Cursor; wantsState: boolean; state: ConversationState },
  ): void;
  unsubscribe(sessionId: string, ref: ConversationRef): void;
  /** Ids of the sockets that follow the conversation, or one of its turns. */
  followers(ref: ConversationRef): Iterable<string>;
  /** True while a subscription wants `state` frames of this conversation. */
  watchesState(ref: ConversationRef): boolean;
  state(ref: ConversationRef, state: ConversationState): void;
  /** The id of the unfinished message. Null if there is none. */
  drafting(ref: ConversationRef): string | null;
  /** Sends a frame of a turn to all its live followers. */
  broadcast(ref: ConversationRef, frame: Frame & { request_id: string }): void;
  /** Sends the followers of all turns of a conversation that its actor has failed. They may send again. */
  fail(ref: ConversationRef, frame: (requestId: string | null) => Frame): void;
  /** Sends all followers that the conversation is deleted, and the followers of its turns that these have ended. */
  remove(ref: ConversationRef): void;
  /** Opens an unfinished message. An earlier one of the same conversation is withdrawn by `reset`. */
  draft(ref: ConversationRef, requestId: string, messageId: string): Draft;
  /** Sends committed rows. Called once for each row, in seq order, after its commit. */
  publish(ref: ConversationRef, rows: readonly LogRow[]): void;
}
