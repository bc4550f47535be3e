/**
 * Brings one follower up to date from the log and then makes it live: rows first, then the unfinished message, then live
 * frames, never interleaved. Nothing is buffered.
 */
import { isTurnEnd, type LogRow } from '../../machines/log.ts';
import type { Frame } from '../protocol/frames.ts';
import { serializeFrame } from '../protocol/raw-json.ts';
import type { ReadPermits } from '../scheduling/read-permits.ts';
import type { Store } from '../store/port.ts';
import { eventFrame, renderEnd, renderRow, type Seen } from './render.ts';
import type { Follower } from './topic.ts';

/** The reads that catching up needs. They resolve to null for an unknown turn or conversation. */
export type LogReader = Pick<Store, 'turn' | 'events'>;

/** Rows read at a time for a subscription. */
const PAGE_ROWS = 200;

/** What the client said about itself. */
export interface CatchUpOptions {
  /** The part of an unfinished message that the follower has already. */
  seen: Seen | null;
  /** True for a client that reconnects: it gets `attached`, and ends are marked as replayed. */
  attaching: boolean;
}

/** Reads the log for a socket when it has a permit. */
export interface CatchUpDeps {
  reader: LogReader;
  reads: ReadPermits;
}

/** One read and its frames: true once the follower is live, false if it leaves, null if there is more. */
type Step = () => Promise<boolean | null>;

/** Each step has a permit of its own, so that other sockets read in between. */
async function repeat({ reads }: CatchUpDeps, { topic, session }: Follower, step: Step): Promise<boolean> {
  for (;;) {
    const done = await reads.run(topic.ref.owner, session, step);
    if (done !== null) return done;
  }
}

/**
 * Resolves to true once the follower is live; to false if its turn has ended (the end was sent) or it has left. The last
 * check of the topic's head and the switch to live happen in one tick, so no frame can come between. If the same socket
 * subscribes in the meantime, the subscription shows the rest. Only an end that it will not show is sent here.
 */
export async function catchUpTurn(
  deps: CatchUpDeps,
  follower: Follower,
  requestId: string,
  { seen, attaching }: CatchUpOptions,
): Promise<boolean> {
  const { topic, session } = follower;
  const { owner, conversationId } = topic.ref;
  const turn = { request_id: requestId, conversation_id: conversationId };
  const send = (frame: Frame) => session.send(JSON.stringify(frame));
  const shown = new Set<string>();
  const memory = createMemory(seen, (messageId) => send(resetFrame(conversationId, requestId, messageId)));
  const sendEnd = (end: unknown, seq: number | null, isKnown: (messageId: string) => boolean) => {
    memory.forgetUnless(isKnown);
    renderEnd(turn, end, seq, attaching).forEach(send);
  };
  // A client that reconnects asks for this turn itself, so it gets an answer also if it follows more.
  const shownInstead = () => (attaching ? undefined : topic.subscriptions.get(session.id)?.seq);
  let greeted = false;
  let cursorChecked = follower.seq === 0;

  const goLive = () => {
    const { draft } = topic;
    // A follower without live text gets the whole message once it is stored.
    memory.forgetUnless((id) => (follower.streaming && id === draft?.messageId) || shown.has(id));
    if (draft?.requestId === requestId && follower.streaming && !shown.has(draft.messageId)) {
      for (const chunk of draft.since(memory.of(draft.messageId))) send({ ...turn, status: 'chunk', chunk });
    }
    follower.live = true;
    return true;
  };

  return repeat(deps, follower, async () => {
    if (!topic.followers.has(follower)) return false;
    if (!cursorChecked) {
      cursorChecked = true;
      // A cursor beyond the log starts from the beginning.
      const page = await deps.reader.events(owner, conversationId, { afterSeq: follower.seq, limit: 0 });
      if (page && follower.seq > page.headSeq) follower.seq = 0;
    }
    const { head } = topic;
    const shownBefore = shownInstead();
    const range = { afterSeq: follower.seq, seen: seen?.messageId ?? null };
    const stored = await deps.reader.turn(owner, conversationId, requestId, range);
    if (!topic.followers.has(follower)) return false;
    const { rows = [], endSeq = null, seenSeq = null } = stored ?? {};
    const shownTo = shownInstead();
    if (shownTo !== undefined) {
      // The subscription may have passed the end during the read. The read is valid only for its earlier position.
      if (shownTo !== shownBefore) return null;
      follower.live = !stored?.end || (endSeq ?? 0) > shownTo;
      if (!follower.live) sendEnd(stored?.end, endSeq, () => seenSeq !== null);
      return follower.live;
    }
    if (!greeted) {
      // A commit during the read may be the message that the follower has begun. Read again before deciding.
      if (topic.head !== head) return null;
      greeted = true;
      const seq = stored?.beginSeq ?? null;
      if (attaching)
        send({
          ...turn,
          status: 'processing',
          ...(seq === null ? {} : { seq }),
          metadata: { disposition: 'attached' },
        });
      memory.forgetUnless((id) => id === topic.draft?.messageId || (seenSeq ?? 0) > follower.seq);
    }
    for (const row of rows) {
      if (row.seq <= follower.seq || isTurnEnd(row)) continue;
      if (session.isSlow() && !(await drained(follower))) return false;
      if (shownInstead() !== undefined) return null;
      renderRow(row, memory.of(row.id)).forEach(send);
      shown.add(row.id);
      follower.seq = row.seq;
    }
    if (shownInstead() !== undefined || stored?.more === true) return null;
    if (stored && stored.end !== null) {
      sendEnd(stored.end, endSeq, (id) => shown.has(id));
      return false;
    }
    return topic.head === head && !session.isSlow() ? goLive() : null;
  });
}

/**
 * The same for a subscription: every row as an event, the unfinished message of the running turn, then live. `onEnd` is
 * called for each row that ends a turn, right after it was sent.
 */
export async function catchUpSubscription(
  deps: CatchUpDeps,
  follower: Follower,
  seen: Seen | null,
  onEnd: (row: LogRow) => void,
): Promise<boolean> {
  const { topic, session } = follower;
  const { owner, conversationId } = topic.ref;
  const shown = new Set<string>();
  const memory = createMemory(seen, (messageId) =>
    session.send(JSON.stringify(resetFrame(conversationId, topic.draft?.requestId ?? null, messageId))),
  );
  let judged = seen === null;

  const goLive = () => {
    const { draft } = topic;
    memory.forgetUnless((id) => id === draft?.messageId || shown.has(id));
    if (draft && !shown.has(draft.messageId)) {
      const turn = { request_id: draft.requestId, conversation_id: conversationId };
      for (const chunk of draft.since(memory.of(draft.messageId)))
        session.send(JSON.stringify({ ...turn, status: 'chunk', chunk }));
    }
    follower.live = true;
    if (follower.wantsState && topic.state !== null) session.send(topic.state);
    return true;
  };

  return repeat(deps, follower, async () => {
    if (!topic.followers.has(follower)) return false;
    const { head } = topic;
    const page = await deps.reader.events(owner, conversationId, { afterSeq: follower.seq, limit: PAGE_ROWS });
    if (!topic.followers.has(follower)) return false;
    if (page === null) {
      // The conversation was deleted after the subscription was accepted.
      session.send(JSON.stringify({ status: 'deleted', conversation_id: conversationId } satisfies Frame));
      return false;
    }
    const { rows } = page;
    // Retention deleted rows that the reader lacks. After a reconnect the server reports the gap.
    if (follower.seq + 1 < page.oldestSeq) {
      session.closeForReconnect();
      return false;
    }
    if (!judged) {
      if (topic.head !== head) return null;
      judged = true;
      // If its row is beyond this page, the later event carries the whole message.
      memory.forgetUnless((id) => id === topic.draft?.messageId || rows.some((row) => row.id === id));
    }
    for (const row of rows) {
      if (session.isSlow() && !(await drained(follower))) return false;
      session.send(serializeFrame(eventFrame(row)));
      shown.add(row.id);
      follower.seq = row.seq;
      if (isTurnEnd(row)) onEnd(row);
    }
    const atHead = rows.length === 0 || follower.seq >= page.headSeq;
    return atHead && topic.head === head && !session.isSlow() ? goLive() : null;
  });
}

/** Waits until a slow socket has drained, so that rows do not pile up in memory. Resolves to false if the follower has left. */
async function drained(follower: Follower): Promise<boolean> {
  const { topic, session } = follower;
  await new Promise<void>((resolve) => session.whenDrained(resolve));
  return topic.followers.has(follower);
}

/** The part of one message that the reader has. If the message is withdrawn during the catch-up, `forget` is called once. */
function createMemory(seen: Seen | null, forget: (messageId: string) => void) {
  let held = seen;
  return {
    of: (messageId: string): Seen | null => (held?.messageId === messageId ? held : null),
    forgetUnless(isKnown: (messageId: string) => boolean): void {
      if (held === null || isKnown(held.messageId)) return;
      forget(held.messageId);
      held = null;
    },
  };
}

function resetFrame(conversationId: string, requestId: string | null, messageId: string): Frame {
  return {
    request_id: requestId,
    status: 'chunk',
    conversation_id: conversationId,
    chunk: { type: 'reset', message_id: messageId, data: '' },
  };
}
