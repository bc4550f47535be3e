/**
 * Sends frames to followers: at once to a socket that keeps up, otherwise through the log. A follower is either live or
 * catching up. A socket that follows the same turn in two ways gets each frame once.
 */
import type { LogRow } from '../../machines/log.ts';
import { errorFrame } from '../protocol/frames.ts';
import { readFault } from '../errors.ts';
import { catchUpSubscription, catchUpTurn, type CatchUpDeps, type CatchUpOptions } from './catch-up.ts';
import type { Membership } from './membership.ts';
import { renderRow } from './render.ts';
import type { Follower, Topic } from './topic.ts';

/** Frames are encoded once for all receivers. */
export interface Broadcast {
  /** False also for a turn whose socket has a subscription that catches up: no frame may overtake it. */
  isUpToDate(follower: Follower): boolean;
  /** Sends to one live follower. */
  send(follower: Follower, frame: string): void;
  /** Sends to the live followers of a turn, and to live subscriptions. */
  broadcast(topic: Topic, requestId: string, frame: string, wants: (follower: Follower) => boolean): void;
  /** Sends `processing` to the sender of a turn even while it catches up, because catching up would not repeat it. Subscriptions get the row instead. */
  sendAccepted(topic: Topic, requestId: string, frame: string): void;
  /** Catches up from the log, then switches to live. */
  catchUp(follower: Follower, options: CatchUpOptions): void;
  /** Ends a subscription. The turns that its socket follows catch up on what it did not show. */
  endSubscription(subscription: Follower): void;
}

/** `onError` gets failed catch-ups. Their sockets get an `internal` error, and the follower is removed. */
export function createBroadcast(
  { followersOf: followingsOf, leave }: Membership,
  reading: CatchUpDeps,
  onError: (error: unknown) => void,
): Broadcast {
  const ofSameSocket = ({ topic, session }: Follower) =>
    [...followingsOf(session.id)].filter((other) => other.topic === topic);
  /** Sends the end of a turn that the same socket follows. It must not come before the row. */
  const sendOwnEnd = (subscription: Follower, row: LogRow) => {
    for (const own of ofSameSocket(subscription)) {
      if (own.requestId !== row.request_id || !own.live) continue;
      for (const frame of renderRow(row)) own.session.send(JSON.stringify(frame));
      leave(own);
    }
  };
  const endSubscription = (subscription: Follower) => {
    leave(subscription);
    for (const own of ofSameSocket(subscription)) {
      if (!own.live) continue;
      own.seq = Math.max(own.seq, subscription.seq);
      if (!subscription.live) bringUp(own, { seen: null, attaching: false });
    }
  };
  const bringUp = (follower: Follower, options: CatchUpOptions) => {
    const { requestId } = follower;
    follower.live = false;
    const done =
      requestId === null
        ? catchUpSubscription(reading, follower, options.seen, (row) => sendOwnEnd(follower, row))
        : catchUpTurn(reading, follower, requestId, options);
    done.then(
      (live) => void (live || leave(follower)),
      (error: unknown) => {
        if (requestId === null) endSubscription(follower);
        else leave(follower);
        const problem = readFault(error);
        if (problem.code === 'internal') onError(error);
        follower.session.send(JSON.stringify(errorFrame(requestId, problem, follower.topic.ref.conversationId)));
      },
    );
  };

  /** A follower that cannot keep up leaves the live stream. It catches up from the log when its socket has drained. */
  const give = (follower: Follower, frame: string) => {
    const { session, topic } = follower;
    if (!session.isSlow()) return session.send(frame);
    follower.live = false;
    const { draft } = topic;
    const hasSeen = draft !== null && follower.streaming && (follower.requestId ?? draft.requestId) === draft.requestId;
    const seen = hasSeen ? draft.sent() : null;
    session.whenDrained(() => {
      if (topic.followers.has(follower)) bringUp(follower, { seen, attaching: false });
    });
  };
  const giveAll = (topic: Topic, requestId: string, frame: string, wants: (follower: Follower) => boolean) => {
    for (const follower of topic.followers) {
      if (!follower.live || !wants(follower)) continue;
      const isMeant =
        follower.requestId === null ||
        (follower.requestId === requestId && !topic.subscriptions.has(follower.session.id));
      if (isMeant) give(follower, frame);
    }
  };

  return {
    isUpToDate: ({ live, topic, session }) => live && (topic.subscriptions.get(session.id)?.live ?? true),
    send: give,
    broadcast: giveAll,
    sendAccepted(topic, requestId, frame) {
      const senders = new Set(
        [...topic.followers].filter((follower) => follower.requestId === requestId).map(({ session }) => session),
      );
      for (const session of senders) session.send(frame);
      giveAll(topic, requestId, frame, ({ session }) => !senders.has(session));
    },
    catchUp: bringUp,
    endSubscription,
  };
}
