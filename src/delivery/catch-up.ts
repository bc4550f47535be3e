/**
 * Brings one follower up to date from the log and then makes it live: rows first, then the unfinished message, then live
 * frames, never interleaved. Nothing is buffered.
 */
import type { LogRow } from '../../machines/log.ts';
import type { Frame } from '../protocol/frames.ts';
import { eventFrame, isTurnEnd, renderEnd, renderRow, type Seen } from './render.ts';
import type { Follower } from './topic.ts';

/** The reads that catching up needs. They resolve to null for an unknown turn or conversation. */
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
  /** The part of an unfinished message that the follower has already. */
  seen: Seen | null;
  /** True for a client that reconnects: it gets `attached`, and ends are marked as replayed. */
  attaching: boolean;
}

/**
 * Resolves to true once the follower is live; to false if its turn has ended (the end was sent) or it has left. The last
 * check of the topic's head and the switch to live happen in one tick, so no frame can come between. If the same socket
 * subscribes in the meantime, the subscription shows the rest. Only an end that it will not show is sent here.
 */
export async function catchUpTurn(
  reader: LogReader,
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
  // A cursor beyond the log starts from the beginning.
  if (follower.seq > 0) {
    const page = await reader.page(owner, conversationId, { afterSeq: follower.seq, limit: 1 });
    if (page && follower.seq > page.headSeq) follower.seq = 0;
  }

  for (let greeted = false; ;) {
    const { head } = topic;
    const shownBefore = shownInstead();
    const stored = await reader.turn(owner, conversationId, requestId);
    if (!topic.followers.has(follower)) return false;
    const rows = stored?.rows ?? [];
    const endSeq = rows.find(isTurnEnd)?.seq ?? null;
    const shownTo = shownInstead();
    if (shownTo !== undefined) {
      // The subscription may have passed the end during the read. The read is valid only for its earlier position.
      if (shownTo !== shownBefore) continue;
      follower.live = !stored?.end || (endSeq ?? 0) > shownTo;
      if (!follower.live) sendEnd(stored?.end, endSeq, (id) => rows.some((row) => row.id === id));
      return follower.live;
    }
    if (!greeted) {
      // A commit during the read may be the message that the follower has begun. Read again before deciding.
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
        (id) => id === topic.draft?.messageId || rows.some((row) => row.id === id && row.seq > follower.seq),
      );
    }
    for (const row of rows) {
      if (row.seq <= follower.seq || isTurnEnd(row)) continue;
      if (session.isSlow() && !(await drained(follower))) return false;
      if (shownInstead() !== undefined) break;
      renderRow(row, memory.of(row.id)).forEach(send);
      shown.add(row.id);
      follower.seq = row.seq;
    }
    if (shownInstead() !== undefined) continue;
    if (stored && stored.end !== null) {
      sendEnd(stored.end, endSeq, (id) => shown.has(id));
      return false;
    }
    if (topic.head === head && !session.isSlow()) break;
    if (session.isSlow() && !(await drained(follower))) return false;
  }
  const { draft } = topic;
  // A follower without live text gets the whole message once it is stored.
  memory.forgetUnless((id) => (follower.streaming && id === draft?.messageId) || shown.has(id));
  if (draft?.requestId === requestId && follower.streaming && !shown.has(draft.messageId)) {
    for (const chunk of draft.since(memory.of(draft.messageId))) send({ ...turn, status: 'chunk', chunk });
  }
  follower.live = true;
  return true;
}

/**
 * The same for a subscription: every row as an event, the unfinished message of the running turn, then live. `onEnd` is
 * called for each row that ends a turn, right after it was sent.
 */
export async function catchUpSubscription(
  reader: LogReader,
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

  for (let judged = seen === null; ;) {
    const { head } = topic;
    const page = await reader.page(owner, conversationId, { afterSeq: follower.seq, limit: PAGE_ROWS });
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
      if (topic.head !== head) continue;
      judged = true;
      // If its row is beyond this page, the later event carries the whole message.
      memory.forgetUnless((id) => id === topic.draft?.messageId || rows.some((row) => row.id === id));
    }
    for (const row of rows) {
      if (session.isSlow() && !(await drained(follower))) return false;
      session.send(JSON.stringify(eventFrame(row)));
      shown.add(row.id);
      follower.seq = row.seq;
      if (isTurnEnd(row)) onEnd(row);
    }
    const atHead = rows.length === 0 || follower.seq >= page.headSeq;
    if (atHead && topic.head === head && !session.isSlow()) break;
    if (session.isSlow() && !(await drained(follower))) return false;
  }
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
