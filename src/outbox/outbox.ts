/**
 * Delivery: who follows which turn, and what each of them gets. Sockets are cursors on the log.
 * Frames are encoded once for all. Owns no sockets, decides nothing about turns, and outlives
 * the conversation actors.
 */
import type { Cursor } from '../../machines/conversation-terms.ts';
import type { LogRow } from '../../machines/log.ts';
import type { Frame } from '../protocol.ts';
import { catchUp, type CatchUpOptions, type TurnReader } from './catch-up.ts';
import { createDraft, type Draft } from './draft.ts';
import { isTurnEnd, renderRow, type Seen } from './render.ts';
import type { ConversationRef, Following, Session, Topic } from './topic.ts';

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
  /** Sends a frame of a turn to all who follow it live. */
  tell(ref: ConversationRef, frame: Frame & { request_id: string }): void;
  /** Tells the followers of all turns of a conversation that its actor has failed; they may send again. */
  fail(ref: ConversationRef, frame: (requestId: string) => Frame): void;
  /** Opens the message under construction; an unfinished one of the same conversation is taken back by `reset`. */
  draft(ref: ConversationRef, requestId: string, messageId: string): Draft;
  /** Shows committed rows. Called once for each row, in seq order, after its commit. */
  publish(ref: ConversationRef, rows: readonly LogRow[]): void;
}

export interface OutboxOptions {
  reader: TurnReader;
  /** streaming.flush_ms */
  flushMs: number;
  onError(error: unknown): void;
}

export function createOutbox({ reader, flushMs, onError }: OutboxOptions): Outbox {
  const sessions = new Map<string, { session: Session; followings: Set<Following> }>();
  const topics = new Map<string, Topic>();

  const keyOf = ({ owner, conversationId }: ConversationRef) => `${owner}\n${conversationId}`;
  const topicOf = (ref: ConversationRef): Topic => {
    const key = keyOf(ref);
    let topic = topics.get(key);
    if (!topic) topics.set(key, (topic = { ref, followings: new Set(), draft: null, head: 0 }));
    return topic;
  };
  const release = (topic: Topic) => {
    if (topic.followings.size === 0 && topic.draft === null) topics.delete(keyOf(topic.ref));
  };
  const join = (sessionId: string, ref: ConversationRef, requestId: string, streaming: boolean, place: { live: boolean; seq: number }) => {
    const known = sessions.get(sessionId);
    if (!known) return null;
    const topic = topicOf(ref);
    for (const other of topic.followings) if (other.session === known.session && other.requestId === requestId) leave(other);
    const following: Following = { topic, session: known.session, requestId, streaming, ...place };
    topics.set(keyOf(ref), topic);
    topic.followings.add(following);
    known.followings.add(following);
    return following;
  };
  const leave = (following: Following) => {
    following.topic.followings.delete(following);
    sessions.get(following.session.id)?.followings.delete(following);
    release(following.topic);
  };
  const bringUp = (following: Following, options: CatchUpOptions) => {
    catchUp(reader, following, options).then(
      (live) => void (live || leave(following)),
      (error: unknown) => {
        leave(following);
        onError(error);
      },
    );
  };

  /** Whoever cannot keep up leaves the live stream and comes back through the log when its socket has drained. */
  const give = (following: Following, frame: string) => {
    const { session, topic } = following;
    if (!session.isSlow()) return session.send(frame);
    following.live = false;
    const seen = topic.draft?.sent() ?? null;
    session.whenDrained(() => {
      if (topic.followings.has(following)) bringUp(following, { seen, attaching: false });
    });
  };
  const giveAll = (topic: Topic, requestId: string, frame: string, wants: (following: Following) => boolean) => {
    for (const following of topic.followings) {
      if (following.live && following.requestId === requestId && wants(following)) give(following, frame);
    }
  };
  const chunkHead = (ref: ConversationRef, requestId: string, chunk: Record<string, unknown>) =>
    JSON.stringify({ request_id: requestId, status: 'chunk', conversation_id: ref.conversationId, chunk });

  return {
    open: (session) => void sessions.set(session.id, { session, followings: new Set() }),
    close(sessionId) {
      for (const following of sessions.get(sessionId)?.followings ?? []) leave(following);
      sessions.delete(sessionId);
    },
    reply: (sessionId, frame) => sessions.get(sessionId)?.session.send(JSON.stringify(frame)),
    follow: (sessionId, ref, requestId, streaming) => void join(sessionId, ref, requestId, streaming, { live: true, seq: 0 }),
    attach(sessionId, ref, requestId, { streaming, cursor }) {
      const following = join(sessionId, ref, requestId, streaming, { live: false, seq: cursor?.after_seq ?? 0 });
      if (following) bringUp(following, { seen: seenOf(cursor), attaching: true });
    },
    tell(ref, frame) {
      const topic = topics.get(keyOf(ref));
      if (topic) giveAll(topic, frame.request_id, JSON.stringify(frame), () => true);
    },
    fail(ref, frame) {
      const topic = topics.get(keyOf(ref));
      if (!topic) return;
      topic.draft = null;
      for (const following of topic.followings) {
        following.session.send(JSON.stringify(frame(following.requestId)));
        leave(following);
      }
    },
    draft(ref, requestId, messageId) {
      const topic = topicOf(ref);
      const { draft } = topic;
      if (draft && draft.sent().offset + draft.sent().reasoningOffset > 0) {
        giveAll(topic, requestId, chunkHead(ref, requestId, { type: 'reset', message_id: draft.messageId, data: '' }), (following) => following.streaming);
      }
      // Encoded once a message, not once a delta: the two closing braces are put back behind `data`.
      const heads = {
        text: chunkHead(ref, requestId, { type: 'text', message_id: messageId }).slice(0, -2),
        reasoning: chunkHead(ref, requestId, { type: 'reasoning', message_id: messageId }).slice(0, -2),
      };
      const wants = (following: Following) => following.streaming;
      topic.draft = createDraft({
        messageId, requestId, flushMs,
        deliver: (type, offset, data) => giveAll(topic, requestId, `${heads[type]},"offset":${offset},"data":${JSON.stringify(data)}}}`, wants),
      });
      return topic.draft;
    },
    publish(ref, rows) {
      const topic = topics.get(keyOf(ref));
      if (!topic) return;
      for (const row of rows) {
        const wasStreamed = topic.draft?.messageId === row.id;
        // Those who saw the message grow are not shown it again.
        const wants = (following: Following) => following.seq < row.seq && !(wasStreamed && following.streaming);
        for (const frame of renderRow(row)) giveAll(topic, row.request_id ?? '', JSON.stringify(frame), wants);
        for (const following of topic.followings) if (following.live) following.seq = row.seq;
        topic.head = row.seq;
        if (wasStreamed) topic.draft = null;
        if (isTurnEnd(row)) endTurn(topic, row.request_id);
      }
      release(topic);
    },
  };

  /** Followers that are being caught up read the end from the log. */
  function endTurn(topic: Topic, requestId: string | null): void {
    for (const following of topic.followings) if (following.requestId === requestId && following.live) leave(following);
    if (topic.draft?.requestId === requestId) topic.draft = null;
  }
}

function seenOf(cursor: Cursor | null): Seen | null {
  if (cursor?.message_id === undefined) return null;
  return { messageId: cursor.message_id, offset: cursor.offset ?? 0, reasoningOffset: cursor.reasoning_offset ?? 0 };
}
