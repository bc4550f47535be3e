/**
 * Who is there: open sockets, the topics they follow, and the followings that tie the two. A topic exists while
 * somebody follows it or a message is being written. Sends nothing.
 */
import { conversationKey, type ConversationRef } from '../conversation-ref.ts';
import type { Following, Session, Topic } from './topic.ts';

export interface Membership {
  open(session: Session): void;
  /** Forgets a closed socket and all that it followed. */
  close(sessionId: string): void;
  session(sessionId: string): Session | undefined;
  /** All that one socket follows; empty for a socket that is gone. */
  followingsOf(sessionId: string): Iterable<Following>;
  /** The topic if anybody is there. */
  find(ref: ConversationRef): Topic | undefined;
  /** The topic, made if need be. */
  topicOf(ref: ConversationRef): Topic;
  /** Lets an empty topic go. */
  release(topic: Topic): void;
  /** Replaces what the socket followed under the same request id; null if the socket is gone. */
  join(
    sessionId: string,
    ref: ConversationRef,
    how: Pick<Following, 'requestId' | 'streaming' | 'wantsState' | 'live' | 'seq'>,
  ): Following | null;
  leave(following: Following): void;
}

/** Starts empty. */
export function createMembership(): Membership {
  const sessions = new Map<string, { session: Session; followings: Set<Following> }>();
  const topics = new Map<string, Topic>();

  const topicOf = (ref: ConversationRef): Topic => {
    const key = conversationKey(ref);
    let topic = topics.get(key);
    if (!topic)
      topics.set(
        key,
        (topic = { ref, followings: new Set(), subscriptions: new Map(), draft: null, head: 0, state: null }),
      );
    return topic;
  };
  const release = (topic: Topic) => {
    if (topic.followings.size === 0 && topic.draft === null) topics.delete(conversationKey(topic.ref));
  };
  const join = (
    sessionId: string,
    ref: ConversationRef,
    how: Pick<Following, 'requestId' | 'streaming' | 'wantsState' | 'live' | 'seq'>,
  ) => {
    const known = sessions.get(sessionId);
    if (!known) return null;
    const topic = topicOf(ref);
    for (const other of topic.followings)
      if (other.session === known.session && other.requestId === how.requestId) leave(other);
    const following: Following = { topic, session: known.session, ...how };
    topics.set(conversationKey(ref), topic);
    topic.followings.add(following);
    if (following.requestId === null) topic.subscriptions.set(sessionId, following);
    known.followings.add(following);
    return following;
  };
  const leave = (following: Following) => {
    const { topic, session } = following;
    // A catch-up that ends late has left already; its topic may have a successor by now.
    if (!topic.followings.delete(following)) return;
    sessions.get(session.id)?.followings.delete(following);
    if (following.requestId === null) topic.subscriptions.delete(session.id);
    release(topic);
  };

  return {
    open: (session) => void sessions.set(session.id, { session, followings: new Set() }),
    close(sessionId) {
      for (const following of sessions.get(sessionId)?.followings ?? []) leave(following);
      sessions.delete(sessionId);
    },
    session: (sessionId) => sessions.get(sessionId)?.session,
    followingsOf: (sessionId) => sessions.get(sessionId)?.followings ?? [],
    find: (ref) => topics.get(conversationKey(ref)),
    topicOf,
    release,
    join,
    leave,
  };
}
