/**
 * Brings one follower up to date from the log and then lets it go live: rows first, then the
 * unfinished message, then live frames, never interleaved. Nothing is buffered for anyone.
 */
import type { LogRow } from '../../machines/log.ts';
import type { Frame } from '../protocol/frames.ts';
import { eventFrame, isTurnEnd, renderEnd, renderRow, type Seen } from './render.ts';
import type { Following } from './topic.ts';

/** What catching up reads from the store; null where it knows nothing. */
export interface LogReader {
  turn(owner: string, conversationId: string, requestId: string): Promise<{ rows: LogRow[]; end: unknown } | null>;
  page(
    owner: string,
    conversationId: string,
    range: { afterSeq: number; limit: number },
  ): Promise<{ rows: LogRow[]; headSeq: number; oldestSeq: number } | null>;
}

/** Rows read at a time for a subscription. */
const PAGE_ROWS = 200;

export interface CatchUpOptions {
  /** What the follower has of a message that may still be growing. */
  seen: Seen | null;
  /** True for a client that has come back: it is told `attached`, and ends are marked as replayed. */
  attaching: boolean;
}

/**
 * Returns true once the follower is live, false when its turn has ended (and it has been told) or it has left.
 * The last look at the topic's head and the switch to live happen in one tick, so nothing can be shown in between.
 * Should the same socket subscribe meanwhile, the subscription shows the rest; only an end that it will not show is told here.
 */
export async function catchUpTurn(
  reader: LogReader,
  following: Following,
  requestId: string,
  { seen, attaching }: CatchUpOptions,
): Promise<boolean> {
  const { topic, session } = following;
  const { owner, conversationId } = topic.ref;
  const turn = { request_id: requestId, conversation_id: conversationId };
  const send = (frame: Frame) => session.send(JSON.stringify(frame));
  const shown = new Set<string>();
  const memory = createMemory(seen, (messageId) => send(resetFrame(conversationId, requestId, messageId)));
  const tellEnd = (end: unknown, seq: number | null, isKnown: (messageId: string) => boolean) => {
    memory.forgetUnless(isKnown);
    renderEnd(turn, end, seq, attaching).forEach(send);
  };
  // Who comes back asks for this turn itself, and is answered whatever else it follows.
  const shownInstead = () => (attaching ? undefined : topic.subscriptions.get(session.id)?.seq);
  // A cursor beyond the log begins again.
  if (following.seq > 0) {
    const page = await reader.page(owner, conversationId, { afterSeq: following.seq, limit: 1 });
    if (page && following.seq > page.headSeq) following.seq = 0;
  }

  for (let greeted = false; ;) {
    const { head } = topic;
    const shownBefore = shownInstead();
    const stored = await reader.turn(owner, conversationId, requestId);
    if (!topic.followings.has(following)) return false;
    const rows = stored?.rows ?? [];
    const endSeq = rows.find(isTurnEnd)?.seq ?? null;
    const shownTo = shownInstead();
    if (shownTo !== undefined) {
      // It may have passed the end while the log was read: what was read is judged by where it stood before.
      if (shownTo !== shownBefore) continue;
      following.live = !stored?.end || (endSeq ?? 0) > shownTo;
      if (!following.live) tellEnd(stored?.end, endSeq, (id) => rows.some((row) => row.id === id));
      return following.live;
    }
    if (!greeted) {
      // What was committed during the read may be the very message that the reader has begun: look again before judging it.
      if (topic.head !== head) continue;
      greeted = true;
      const seq = rows.find((row) => row.type === 'user_message')?.seq;
      if (attaching)
        send({
          ...turn,
          status: 'processing',
          ...(seq === undefined ? {} : { seq }),
          metadata: { disposition: 'attached' },
        });
      memory.forgetUnless(
        (id) => id === topic.draft?.messageId || rows.some((row) => row.id === id && row.seq > following.seq),
      );
    }
    for (const row of rows) {
      if (row.seq <= following.seq || isTurnEnd(row)) continue;
      if (session.isSlow() && !(await drained(following))) return false;
      if (shownInstead() !== undefined) break;
      renderRow(row, memory.of(row.id)).forEach(send);
      shown.add(row.id);
      following.seq = row.seq;
    }
    if (shownInstead() !== undefined) continue;
    if (stored && stored.end !== null) {
      tellEnd(stored.end, endSeq, (id) => shown.has(id));
      return false;
    }
    if (topic.head === head && !session.isSlow()) break;
    if (session.isSlow() && !(await drained(following))) return false;
  }
  const { draft } = topic;
  // Who wants no live text gets the message whole, once it is stored.
  memory.forgetUnless((id) => (following.streaming && id === draft?.messageId) || shown.has(id));
  if (draft?.requestId === requestId && following.streaming && !shown.has(draft.messageId)) {
    for (const chunk of draft.since(memory.of(draft.messageId))) send({ ...turn, status: 'chunk', chunk });
  }
  following.live = true;
  return true;
}

/**
 * The same for a subscription: every row as an event, the unfinished message of whichever turn runs, then live.
 * `onEnd` hears of each row that ends a turn, right after it was shown.
 */
export async function catchUpSubscription(
  reader: LogReader,
  following: Following,
  seen: Seen | null,
  onEnd: (row: LogRow) => void,
): Promise<boolean> {
  const { topic, session } = following;
  const { owner, conversationId } = topic.ref;
  const shown = new Set<string>();
  const memory = createMemory(seen, (messageId) =>
    session.send(JSON.stringify(resetFrame(conversationId, topic.draft?.requestId ?? null, messageId))),
  );

  for (let judged = seen === null; ;) {
    const { head } = topic;
    const page = await reader.page(owner, conversationId, { afterSeq: following.seq, limit: PAGE_ROWS });
    if (!topic.followings.has(following)) return false;
    if (page === null) {
      // It was deleted after the subscriber had been let in.
      session.send(JSON.stringify({ status: 'deleted', conversation_id: conversationId } satisfies Frame));
      return false;
    }
    const { rows } = page;
    // Retention was faster than the reader: coming back, it is told what is gone.
    if (following.seq + 1 < page.oldestSeq) {
      session.closeForReconnect();
      return false;
    }
    if (!judged) {
      if (topic.head !== head) continue;
      judged = true;
      // Should its row lie beyond this page, the event will bring the message whole all the same.
      memory.forgetUnless((id) => id === topic.draft?.messageId || rows.some((row) => row.id === id));
    }
    for (const row of rows) {
      if (session.isSlow() && !(await drained(following))) return false;
      session.send(JSON.stringify(eventFrame(row)));
      shown.add(row.id);
      following.seq = row.seq;
      if (isTurnEnd(row)) onEnd(row);
    }
    const atHead = rows.length === 0 || following.seq >= page.headSeq;
    if (atHead && topic.head === head && !session.isSlow()) break;
    if (session.isSlow() && !(await drained(following))) return false;
  }
  const { draft } = topic;
  memory.forgetUnless((id) => id === draft?.messageId || shown.has(id));
  if (draft && !shown.has(draft.messageId)) {
    const turn = { request_id: draft.requestId, conversation_id: conversationId };
    for (const chunk of draft.since(memory.of(draft.messageId)))
      session.send(JSON.stringify({ ...turn, status: 'chunk', chunk }));
  }
  following.live = true;
  if (following.wantsState && topic.state !== null) session.send(topic.state);
  return true;
}

/** A log must not pile up in front of a slow socket, nor a few large rows of it. False when the follower has left meanwhile. */
async function drained(following: Following): Promise<boolean> {
  const { topic, session } = following;
  await new Promise<void>((resolve) => session.whenDrained(resolve));
  return topic.followings.has(following);
}

/** What the reader has of one message, which may be taken back while it is brought up to date; it is told so once. */
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
