/**
 * How a frame reaches whom it is meant for: at once while a socket keeps up, else through the log. A follower is live
 * or being caught up, never both, and of what a socket follows in more than one way each frame comes once.
 */
import type { LogRow } from '../../machines/log.ts';
import { errorFrame } from '../protocol/frames.ts';
import { readFault } from '../errors.ts';
import { catchUpSubscription, catchUpTurn, type CatchUpOptions, type LogReader } from './catch-up.ts';
import type { Membership } from './membership.ts';
import { renderRow } from './render.ts';
import type { Following, Topic } from './topic.ts';

/** Frames are given encoded, once for all who get them. */
export interface Delivery {
  /** False for a turn too whose socket's subscription catches up: nothing of it may come before. */
  isUpToDate(following: Following): boolean;
  /** To a live follower. */
  give(following: Following, frame: string): void;
  /** To the live followers of a turn, and to live subscriptions. */
  giveAll(topic: Topic, requestId: string, frame: string, wants: (following: Following) => boolean): void;
  /** The sender of a turn hears `processing` whatever it is at: catching up would not say it again. A subscription has its row for that. */
  tellAccepted(topic: Topic, requestId: string, frame: string): void;
  /** From the log, then live. */
  bringUp(following: Following, options: CatchUpOptions): void;
  /** Ends a subscription. What it did not get to show, the turns that its socket follows catch up on. */
  endSubscription(subscription: Following): void;
}

/** `onError` gets failed catch-ups; their sockets are told `internal` and unfollowed. */
export function createDelivery(
  { followingsOf, leave }: Membership,
  reader: LogReader,
  onError: (error: unknown) => void,
): Delivery {
  const ofSameSocket = ({ topic, session }: Following) =>
    [...followingsOf(session.id)].filter((other) => other.topic === topic);
  /** The end of a turn that the same socket follows: it could not be told before its row. */
  const tellOwnEnd = (subscription: Following, row: LogRow) => {
    for (const own of ofSameSocket(subscription)) {
      if (own.requestId !== row.request_id || !own.live) continue;
      for (const frame of renderRow(row)) own.session.send(JSON.stringify(frame));
      leave(own);
    }
  };
  const endSubscription = (subscription: Following) => {
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
    const done =
      requestId === null
        ? catchUpSubscription(reader, following, options.seen, (row) => tellOwnEnd(following, row))
        : catchUpTurn(reader, following, requestId, options);
    done.then(
      (live) => void (live || leave(following)),
      (error: unknown) => {
        if (requestId === null) endSubscription(following);
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
    const hasSeen =
      draft !== null && following.streaming && (following.requestId ?? draft.requestId) === draft.requestId;
    const seen = hasSeen ? draft.sent() : null;
    session.whenDrained(() => {
      if (topic.followings.has(following)) bringUp(following, { seen, attaching: false });
    });
  };
  const giveAll = (topic: Topic, requestId: string, frame: string, wants: (following: Following) => boolean) => {
    for (const following of topic.followings) {
      if (!following.live || !wants(following)) continue;
      const isMeant =
        following.requestId === null ||
        (following.requestId === requestId && !topic.subscriptions.has(following.session.id));
      if (isMeant) give(following, frame);
    }
  };

  return {
    isUpToDate: ({ live, topic, session }) => live && (topic.subscriptions.get(session.id)?.live ?? true),
    give,
    giveAll,
    tellAccepted(topic, requestId, frame) {
      const senders = new Set(
        [...topic.followings].filter((following) => following.requestId === requestId).map(({ session }) => session),
      );
      for (const session of senders) session.send(frame);
      giveAll(topic, requestId, frame, ({ session }) => !senders.has(session));
    },
    bringUp,
    endSubscription,
  };
}
