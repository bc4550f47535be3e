/**
 * Delivery: who follows which turn, and what each of them gets. Sockets are cursors on the log.
 * Frames are encoded once for all. Owns no sockets, decides nothing about turns, and outlives
 * the conversation actors.
 */
import type { Cursor } from '../../machines/client-events.ts';
import type { LogRow } from '../../machines/log.ts';
import { errorFrame, type ConversationState, type Frame } from '../protocol/frames.ts';
import { catchUpSubscription, catchUpTurn, type CatchUpOptions, type LogReader } from './catch-up.ts';
import { createDraft, type Draft } from './draft.ts';
import { eventFrame, isTurnEnd, renderRow, type Seen } from './render.ts';
import type { ConversationRef } from '../conversation-ref.ts';
import { fault } from '../errors.ts';
import { readFault } from '../read-fault.ts';
import { createMembership } from './membership.ts';
import type { Following, Session, Topic } from './topic.ts';

/**
 * Everything clients are sent goes through here. Calls about a socket that is gone do nothing, so no
 * caller has to ask first; a slow socket is taken off the live stream and caught up from the log.
 */
export interface Outbox {
  open(session: Session): void;
  /** Forgets a closed socket. It cancels nothing. */
  close(sessionId: string): void;
  /** Sends a frame to one socket, if it is still there. */
  reply(sessionId: string, frame: Frame): void;
  /** From now on the socket gets the frames of this turn. */
  follow(sessionId: string, ref: ConversationRef, requestId: string, streaming: boolean): void;
  /** Brings a socket up to date on a turn that runs or has ended, then follows it live. */
  attach(sessionId: string, ref: ConversationRef, requestId: string, options: { streaming: boolean; cursor: Cursor | null }): void;
  /**
   * From now on the socket gets every row and frame of the conversation: what it lacks first, then live.
   * `state` is where the conversation stands now, for those who asked to be told.
   */
  subscribe(sessionId: string, ref: ConversationRef, options: { cursor: Cursor; wantsState: boolean; state: ConversationState }): void;
  unsubscribe(sessionId: string, ref: ConversationRef): void;
  /** True while somebody wants `state` frames of this conversation. */
  watchesState(ref: ConversationRef): boolean;
  state(ref: ConversationRef, state: ConversationState): void;
  /** The message under construction; null while there is none. */
  drafting(ref: ConversationRef): string | null;
  /** Sends a frame of a turn to all who follow it live. */
  tell(ref: ConversationRef, frame: Frame & { request_id: string }): void;
  /** Tells the followers of all turns of a conversation that its actor has failed; they may send again. */
  fail(ref: ConversationRef, frame: (requestId: string | null) => Frame): void;
  /** Tells all followers that the conversation is gone, and those of its turns that these have ended with it. */
  remove(ref: ConversationRef): void;
  /** Opens the message under construction; an unfinished one of the same conversation is taken back by `reset`. */
  draft(ref: ConversationRef, requestId: string, messageId: string): Draft;
  /** Shows committed rows. Called once for each row, in seq order, after its commit. */
  publish(ref: ConversationRef, rows: readonly LogRow[]): void;
}

export interface OutboxOptions {
  reader: LogReader;
  /** streaming.flush_ms */
  flushMs: number;
  onError(error: unknown): void;
}

/**
 * Holds nothing durable: followings and the message under construction, all of it bounded by the sockets
 * and turns there are. `onError` gets failed catch-ups; their sockets are told `internal` and unfollowed.
 */
export function createOutbox({ reader, flushMs, onError }: OutboxOptions): Outbox {
  const members = createMembership();
  const { find, topicOf, release, join, leave } = members;

  /** False for a turn too whose socket's subscription catches up: nothing of it may come before. */
  const isUpToDate = ({ live, topic, session }: Following) => live && (topic.subscriptions.get(session.id)?.live ?? true);
  const ofSameSocket = ({ topic, session }: Following) => [...members.followingsOf(session.id)].filter((other) => other.topic === topic);
  /** The end of a turn that the same socket follows: it could not be told before its row. */
  const tellOwnEnd = (subscription: Following, row: LogRow) => {
    for (const own of ofSameSocket(subscription)) {
      if (own.requestId !== row.request_id || !own.live) continue;
      for (const frame of renderRow(row)) own.session.send(JSON.stringify(frame));
      leave(own);
    }
  };
  /** What a subscription did not get to show, the turns that its socket follows catch up on. */
  const leaveTurns = (subscription: Following) => {
    leave(subscription);
    for (const own of ofSameSocket(subscription)) {
      if (!own.live) continue;
      own.seq = Math.max(own.seq, subscription.seq);
      if (!subscription.live) bringUp(own, { seen: null, attaching: false });
    }
  };
  const bringUp = (following: Following, options: CatchUpOptions) => {
    const { requestId } = following;
    following.live = false;
    const done = requestId === null
      ? catchUpSubscription(reader, following, options.seen, (row) => tellOwnEnd(following, row))
      : catchUpTurn(reader, following, requestId, options);
    done.then(
      (live) => void (live || leave(following)),
      (error: unknown) => {
        if (requestId === null) leaveTurns(following);
        else leave(following);
        const problem = readFault(error);
        if (problem.code === 'internal') onError(error);
        following.session.send(JSON.stringify(errorFrame(requestId, problem, following.topic.ref.conversationId)));
      },
    );
  };

  /** Whoever cannot keep up leaves the live stream and comes back through the log when its socket has drained. */
  const give = (following: Following, frame: string) => {
    const { session, topic } = following;
    if (!session.isSlow()) return session.send(frame);
    following.live = false;
    const { draft } = topic;
    const hasSeen = draft !== null && following.streaming && (following.requestId ?? draft.requestId) === draft.requestId;
    const seen = hasSeen ? draft.sent() : null;
    session.whenDrained(() => {
      if (topic.followings.has(following)) bringUp(following, { seen, attaching: false });
    });
  };
  const giveAll = (topic: Topic, requestId: string, frame: string, wants: (following: Following) => boolean) => {
    for (const following of topic.followings) {
      if (!following.live || !wants(following)) continue;
      const isMeant = following.requestId === null || (following.requestId === requestId && !topic.subscriptions.has(following.session.id));
      if (isMeant) give(following, frame);
    }
  };
  /** The sender of a turn hears `processing` whatever it is at: catching up would not say it again. A subscription has its row for that. */
  const tellAccepted = (topic: Topic, requestId: string, frame: string) => {
    const senders = new Set([...topic.followings].filter((following) => following.requestId === requestId).map(({ session }) => session));
    for (const session of senders) session.send(frame);
    giveAll(topic, requestId, frame, ({ session }) => !senders.has(session));
  };
  const chunkHead = (ref: ConversationRef, requestId: string, chunk: Record<string, unknown>) =>
    JSON.stringify({ request_id: requestId, status: 'chunk', conversation_id: ref.conversationId, chunk });

  /** Tells those who saw the message grow to forget it. */
  const takeBack = (topic: Topic, { requestId, messageId, sent }: Draft) => {
    if (sent().offset + sent().reasoningOffset === 0) return;
    giveAll(topic, requestId, chunkHead(topic.ref, requestId, { type: 'reset', message_id: messageId, data: '' }), (following) => following.streaming);
  };

  return {
    open: members.open,
    close: members.close,
    reply: (sessionId, frame) => members.session(sessionId)?.send(JSON.stringify(frame)),
    follow: (sessionId, ref, requestId, streaming) => void join(sessionId, ref, { requestId, streaming, wantsState: false, live: true, seq: 0 }),
    attach(sessionId, ref, requestId, { streaming, cursor }) {
      const following = join(sessionId, ref, { requestId, streaming, wantsState: false, live: false, seq: cursor?.after_seq ?? 0 });
      if (following) bringUp(following, { seen: seenOf(cursor), attaching: true });
    },
    subscribe(sessionId, ref, { cursor, wantsState, state }) {
      const following = join(sessionId, ref, { requestId: null, streaming: true, wantsState, live: false, seq: cursor.after_seq });
      if (!following) return;
      if (wantsState) following.topic.state = encodeState(ref, state);
      bringUp(following, { seen: seenOf(cursor), attaching: true });
    },
    unsubscribe(sessionId, ref) {
      const subscription = find(ref)?.subscriptions.get(sessionId);
      if (subscription) leaveTurns(subscription);
    },
    watchesState: (ref) => [...(find(ref)?.followings ?? [])].some((following) => following.wantsState),
    state(ref, state) {
      const topic = find(ref);
      if (!topic) return;
      const frame = encodeState(ref, state);
      if (frame === topic.state) return;
      topic.state = frame;
      for (const following of topic.followings) if (following.wantsState && following.live) give(following, frame);
    },
    drafting: (ref) => find(ref)?.draft?.messageId ?? null,
    tell(ref, frame) {
      const topic = find(ref);
      if (!topic) return;
      const text = JSON.stringify(frame);
      if (frame.status === 'processing') tellAccepted(topic, frame.request_id, text);
      else giveAll(topic, frame.request_id, text, () => true);
    },
    fail(ref, frame) {
      const topic = find(ref);
      if (!topic) return;
      if (topic.draft) takeBack(topic, topic.draft);
      topic.draft = null;
      for (const following of topic.followings) {
        following.session.send(JSON.stringify(frame(following.requestId)));
        // A subscription outlives the actor: the conversation reopens from its log.
        if (following.requestId !== null) leave(following);
      }
      release(topic);
    },
    remove(ref) {
      const topic = find(ref);
      if (!topic) return;
      topic.draft = null;
      const problem = fault('conversation_deleted', 'The conversation was deleted before this turn had ended.');
      for (const { session, requestId } of topic.followings) {
        if (requestId !== null) session.send(JSON.stringify(errorFrame(requestId, problem, ref.conversationId)));
      }
      const frame = JSON.stringify({ status: 'deleted', conversation_id: ref.conversationId } satisfies Frame);
      for (const session of new Set([...topic.followings].map((following) => following.session))) session.send(frame);
      for (const following of topic.followings) leave(following);
      release(topic);
    },
    draft(ref, requestId, messageId) {
      const topic = topicOf(ref);
      const { draft } = topic;
      if (draft) takeBack(topic, draft);
      // Encoded once a message, not once a delta: the two closing braces are put back behind `data`.
      const heads = {
        text: chunkHead(ref, requestId, { type: 'text', message_id: messageId }).slice(0, -2),
        reasoning: chunkHead(ref, requestId, { type: 'reasoning', message_id: messageId }).slice(0, -2),
      };
      topic.draft = createDraft({
        messageId, requestId, flushMs,
        deliver: (type, offset, data) => topic.draft?.messageId === messageId && giveAll(topic, requestId, `${heads[type]},"offset":${offset},"data":${JSON.stringify(data)}}}`, ({ streaming }) => streaming),
      });
      return topic.draft;
    },
    publish(ref, rows) {
      const topic = find(ref);
      if (!topic) return;
      for (const row of rows) {
        const wasStreamed = topic.draft?.messageId === row.id;
        // Those who saw the message grow are not shown it again.
        const wants = (following: Following) => following.seq < row.seq && !(wasStreamed && following.streaming);
        const isNewTo = (following: Following) => following.requestId === null && following.seq < row.seq;
        if (isTurnEnd(row)) closeDraft(topic, row.request_id);
        if (topic.subscriptions.size > 0) giveAll(topic, row.request_id ?? '', JSON.stringify(eventFrame(row)), isNewTo);
        for (const frame of renderRow(row)) giveAll(topic, row.request_id ?? '', JSON.stringify(frame), wants);
        for (const following of topic.followings) if (isUpToDate(following)) following.seq = Math.max(following.seq, row.seq);
        topic.head = row.seq;
        if (wasStreamed) topic.draft = null;
        if (isTurnEnd(row)) endTurn(topic, row.request_id);
      }
      release(topic);
    },
  };

  /** Of a message that nothing of came, all that was shown is taken back. */
  function closeDraft(topic: Topic, requestId: string | null): void {
    if (topic.draft?.requestId !== requestId) return;
    takeBack(topic, topic.draft);
    topic.draft = null;
  }

  /** Followers that are being caught up read the end from the log. */
  function endTurn(topic: Topic, requestId: string | null): void {
    for (const following of topic.followings) if (following.requestId === requestId && isUpToDate(following)) leave(following);
  }
}

function encodeState({ conversationId }: ConversationRef, state: ConversationState): string {
  return JSON.stringify({ status: 'state', conversation_id: conversationId, state } satisfies Frame);
}

function seenOf(cursor: Cursor | null): Seen | null {
  if (cursor?.message_id === undefined) return null;
  return { messageId: cursor.message_id, offset: cursor.offset ?? 0, reasoningOffset: cursor.reasoning_offset ?? 0 };
}
