/**
 * Keeps the open sockets, the topics, and the followers that connect both. A topic exists while it has a follower or an
 * unfinished message. Sends nothing.
 */
import { conversationKey, type ConversationRef } from '../conversation-ref.ts';
import type { Follower, Session, Topic } from './topic.ts';

/** Who follows what. */
export interface Membership {
  open(session: Session): void;
  /** Removes a closed socket and its followers. */
  close(sessionId: string): void;
  session(sessionId: string): Session | undefined;
  /** The followers of one socket. Empty for a closed socket. */
  followersOf(sessionId: string): Iterable<Follower>;
  /** The topic, if it exists. */
  find(ref: ConversationRef): Topic | undefined;
  /** The topic, created if necessary. */
  topicOf(ref: ConversationRef): Topic;
  /** Removes the topic if it is empty. */
  release(topic: Topic): void;
  /** Adds a follower and replaces the socket's former one with the same request id. Null if the socket is closed. */
  join(
    sessionId: string,
    ref: ConversationRef,
    how: Pick<Follower, 'requestId' | 'streaming' | 'wantsState' | 'live' | 'seq'>,
  ): Follower | null;
  leave(follower: Follower): void;
}

/** Starts empty. */
export function createMembership(): Membership {
  const sessions = new Map<string, { session: Session; followers: Set<Follower> }>();
  const topics = new Map<string, Topic>();

  const topicOf = (ref: ConversationRef): Topic => {
    const key = conversationKey(ref);
    let topic = topics.get(key);
    if (!topic)
      topics.set(
        key,
        (topic = { ref, followers: new Set(), subscriptions: new Map(), draft: null, head: 0, state: null }),
      );
    return topic;
  };
  const release = (topic: Topic) => {
    if (topic.followers.size === 0 && topic.draft === null) topics.delete(conversationKey(topic.ref));
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
    const follower: Follower = { topic, session: known.session, ...how };
    topics.set(conversationKey(ref), topic);
    topic.followers.add(follower);
    if (follower.requestId === null) topic.subscriptions.set(sessionId, follower);
    known.followers.add(follower);
    return follower;
  };
  const leave = (follower: Follower) => {
    const { topic, session } = follower;
    // The follower of a catch-up that ends late has left already. A new topic may have replaced its topic by now.
    if (!topic.followers.delete(follower)) return;
    sessions.get(session.id)?.followers.delete(follower);
    if (follower.requestId === null) topic.subscriptions.delete(session.id);
    release(topic);
  };

  return {
    open: (session) => void sessions.set(session.id, { session, followers: new Set() }),
    close(sessionId) {
      for (const follower of sessions.get(sessionId)?.followers ?? []) leave(follower);
      sessions.delete(sessionId);
    },
    session: (sessionId) => sessions.get(sessionId)?.session,
    followersOf: (sessionId) => sessions.get(sessionId)?.followers ?? [],
    find: (ref) => topics.get(conversationKey(ref)),
    topicOf,
    release,
    join,
    leave,
  };
}
