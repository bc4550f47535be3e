/**
 * Who is there: open sockets, the topics they follow, and the followings that tie the two. A topic exists while
 * somebody follows it or a message is being written. Sends nothing.
 */
import { keyOf, type ConversationRef } from '../conversation-ref.ts';
import type { Follower, Session, Topic } from './topic.ts';

export interface Membership {
  open(session: Session): void;
  /** Forgets a closed socket and all that it followed. */
  close(sessionId: string): void;
  session(sessionId: string): Session | undefined;
  /** All that one socket follows; empty for a socket that is gone. */
  followersOf(sessionId: string): Iterable<Follower>;
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
    how: Pick<Follower, 'requestId' | 'streaming' | 'wantsState' | 'live' | 'seq'>,
  ): Follower | null;
  leave(following: Follower): void;
}

/** Starts empty. */
export function createMembership(): Membership {
  const sessions = new Map<string, { session: Session; followings: Set<Follower> }>();
  const topics = new Map<string, Topic>();

  const topicOf = (ref: ConversationRef): Topic => {
    const key = keyOf(ref);
    let topic = topics.get(key);
    if (!topic)
      topics.set(
        key,
        (topic = { ref, followers: new Set(), subscriptions: new Map(), draft: null, head: 0, state: null }),
      );
    return topic;
  };
  const release = (topic: Topic) => {
    if (topic.followers.size === 0 && topic.draft === null) topics.delete(keyOf(topic.ref));
  };
  const join = (
    sessionId: string,
    ref: ConversationRef,
    how: Pick<Follower, 'requestId' | 'streaming' | 'wantsState' | 'live' | 'seq'>,
  ) => {
    const known = sessions.get(sessionId);
    if (!known) return null;
    const topic = topicOf(ref);
    for (const other of topic.followers)
      if (other.session === known.session && other.requestId === how.requestId) leave(other);
    const following: Follower = { topic, session: known.session, ...how };
    topics.set(keyOf(ref), topic);
    topic.followers.add(following);
    if (following.requestId === null) topic.subscriptions.set(sessionId, following);
    known.followings.add(following);
    return following;
  };
  const leave = (following: Follower) => {
    const { topic, session } = following;
    // A catch-up that ends late has left already; its topic may have a successor by now.
    if (!topic.followers.delete(following)) return;
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
    followersOf: (sessionId) => sessions.get(sessionId)?.followings ?? [],
    find: (ref) => topics.get(keyOf(ref)),
    topicOf,
    release,
    join,
    leave,
  };
}
