/**
 * Sends rows and live frames to the sockets that follow turns and conversations. Sockets are cursors on the log. Frames
 * are encoded once for all receivers. Outlives the conversation actors.
 */
import { isTurnEnd } from '../../machines/log.ts';
import type { Cursor } from '../../machines/conversation/client-events.ts';
import type { ConversationRef } from '../conversation-ref.ts';
import { fault } from '../errors.ts';
import { errorFrame, type ConversationState, type Frame } from '../protocol/frames.ts';
import { serializeFrame } from '../protocol/raw-json.ts';
import type { CatchUpDeps } from './catch-up.ts';
import { createBroadcast } from './broadcast.ts';
import { createDraft, type Draft } from './draft.ts';
import { createMembership } from './membership.ts';
import type { Delivery } from './port.ts';
import { eventFrame, renderRow, type Seen } from './render.ts';
import type { Follower, Topic } from './topic.ts';

/** The log to read, and who gets errors. */
export interface DeliveryOptions extends CatchUpDeps {
  /** streaming.flush_ms, read for each message. */
  flushMs: number;
  onError(error: unknown): void;
  /** A request gets an error, with this code. */
  onRefused(code: string): void;
}

/**
 * Holds nothing durable: followers and unfinished messages, bounded by the number of sockets and turns. `onError` gets
 * failed catch-ups. Their sockets get an `internal` error, and the follower is removed.
 */
export function createDelivery(options: DeliveryOptions): Delivery {
  const { onError } = options;
  const members = createMembership();
  const { find, topicOf, release, join, leave } = members;
  const {
    isUpToDate,
    send: give,
    broadcast: giveAll,
    sendAccepted,
    catchUp: bringUp,
    endSubscription,
  } = createBroadcast(members, options, onError);

  const chunkHead = (ref: ConversationRef, requestId: string, chunk: Record<string, unknown>) =>
    JSON.stringify({ request_id: requestId, status: 'chunk', conversation_id: ref.conversationId, chunk });

  /** Sends a `reset` to the followers that saw a part of the message. */
  const takeBack = (topic: Topic, { requestId, messageId, sent }: Draft) => {
    if (sent().offset + sent().reasoningOffset === 0) return;
    giveAll(
      topic,
      requestId,
      chunkHead(topic.ref, requestId, { type: 'reset', message_id: messageId, data: '' }),
      (follower) => follower.streaming,
    );
  };
  /** Withdraws a message that ended without a row. */
  const closeDraft = (topic: Topic, requestId: string | null) => {
    if (topic.draft?.requestId !== requestId) return;
    takeBack(topic, topic.draft);
    topic.draft = null;
  };
  /** Removes the followers of an ended turn. Those that catch up read the end from the log. */
  const endTurn = (topic: Topic, requestId: string | null) => {
    for (const follower of topic.followers)
      if (follower.requestId === requestId && isUpToDate(follower)) leave(follower);
  };

  return {
    open: members.open,
    close: members.close,
    reply(sessionId, frame) {
      if (frame.status === 'error') options.onRefused(frame.error.code);
      members.session(sessionId)?.send(serializeFrame(frame));
    },
    follow: (sessionId, ref, requestId, streaming) =>
      void join(sessionId, ref, { requestId, streaming, wantsState: false, live: true, seq: 0 }),
    attach(sessionId, ref, requestId, { streaming, cursor }) {
      const follower = join(sessionId, ref, {
        requestId,
        streaming,
        wantsState: false,
        live: false,
        seq: cursor?.after_seq ?? 0,
      });
      if (follower) bringUp(follower, { seen: seenOf(cursor), attaching: true });
    },
    subscribe(sessionId, ref, { cursor, wantsState, state }) {
      const follower = join(sessionId, ref, {
        requestId: null,
        streaming: true,
        wantsState,
        live: false,
        seq: cursor.after_seq,
      });
      if (!follower) return;
      if (wantsState) follower.topic.state = encodeState(ref, state);
      bringUp(follower, { seen: seenOf(cursor), attaching: true });
    },
    unsubscribe(sessionId, ref) {
      const subscription = find(ref)?.subscriptions.get(sessionId);
      if (subscription) endSubscription(subscription);
    },
    followers: (ref) => [...(find(ref)?.followers ?? [])].map(({ session }) => session.id),
    watchesState: (ref) => [...(find(ref)?.followers ?? [])].some((follower) => follower.wantsState),
    state(ref, state) {
      const topic = find(ref);
      if (!topic) return;
      const frame = encodeState(ref, state);
      if (frame === topic.state) return;
      topic.state = frame;
      for (const follower of topic.followers) if (follower.wantsState && follower.live) give(follower, frame);
    },
    drafting: (ref) => find(ref)?.draft?.messageId ?? null,
    broadcast(ref, frame) {
      const topic = find(ref);
      if (!topic) return;
      const text = JSON.stringify(frame);
      if (frame.status === 'processing') sendAccepted(topic, frame.request_id, text);
      else giveAll(topic, frame.request_id, text, () => true);
    },
    fail(ref, frame) {
      const topic = find(ref);
      if (!topic) return;
      if (topic.draft) takeBack(topic, topic.draft);
      topic.draft = null;
      for (const follower of topic.followers) {
        follower.session.send(JSON.stringify(frame(follower.requestId)));
        // A subscription outlives the actor, because the conversation reopens from its log.
        if (follower.requestId !== null) leave(follower);
      }
      release(topic);
    },
    remove(ref) {
      const topic = find(ref);
      if (!topic) return;
      topic.draft = null;
      const problem = fault('conversation_deleted', 'The conversation was deleted before this turn had ended.');
      for (const { session, requestId } of topic.followers) {
        if (requestId !== null) session.send(JSON.stringify(errorFrame(requestId, problem, ref.conversationId)));
      }
      const frame = JSON.stringify({ status: 'deleted', conversation_id: ref.conversationId } satisfies Frame);
      for (const session of new Set([...topic.followers].map((follower) => follower.session))) session.send(frame);
      for (const follower of topic.followers) leave(follower);
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
        messageId,
        requestId,
        flushMs: options.flushMs,
        deliver: (type, offset, data) =>
          topic.draft?.messageId === messageId &&
          giveAll(
            topic,
            requestId,
            `${heads[type]},"offset":${offset},"data":${JSON.stringify(data)}}}`,
            ({ streaming }) => streaming,
          ),
      });
      return topic.draft;
    },
    publish(ref, rows) {
      const topic = find(ref);
      if (!topic) return;
      for (const row of rows) {
        const wasStreamed = topic.draft?.messageId === row.id;
        // Followers that saw the message grow do not get it again.
        const wants = (follower: Follower) => follower.seq < row.seq && !(wasStreamed && follower.streaming);
        const isNewTo = (follower: Follower) => follower.requestId === null && follower.seq < row.seq;
        if (isTurnEnd(row)) closeDraft(topic, row.request_id);
        if (topic.subscriptions.size > 0)
          giveAll(topic, row.request_id ?? '', JSON.stringify(eventFrame(row)), isNewTo);
        for (const frame of renderRow(row)) giveAll(topic, row.request_id ?? '', JSON.stringify(frame), wants);
        for (const follower of topic.followers)
          if (isUpToDate(follower)) follower.seq = Math.max(follower.seq, row.seq);
        topic.head = row.seq;
        if (wasStreamed) topic.draft = null;
        if (isTurnEnd(row)) endTurn(topic, row.request_id);
      }
      release(topic);
    },
  };
}

function encodeState({ conversationId }: ConversationRef, state: ConversationState): string {
  return JSON.stringify({ status: 'state', conversation_id: conversationId, state } satisfies Frame);
}

function seenOf(cursor: Cursor | null): Seen | null {
  if (cursor?.message_id === undefined) return null;
  return { messageId: cursor.message_id, offset: cursor.offset ?? 0, reasoningOffset: cursor.reasoning_offset ?? 0 };
}
