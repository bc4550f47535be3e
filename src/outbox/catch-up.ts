/**
 * Brings one follower up to date from the log and then lets it go live: rows first, then the
 * unfinished message, then live frames, never interleaved. Nothing is buffered for anyone.
 */
import type { LogRow } from '../../machines/log.ts';
import type { Frame } from '../protocol.ts';
import { isTurnEnd, renderEnd, renderRow, type Seen } from './render.ts';
import type { Following } from './topic.ts';

/** The rows and the end of one turn, from the store; null if it is not known. */
export interface TurnReader {
  turn(owner: string, conversationId: string, requestId: string): Promise<{ rows: LogRow[]; end: unknown } | null>;
}

export interface CatchUpOptions {
  /** What the follower has of a message that may still be growing. */
  seen: Seen | null;
  /** True for a client that has come back: it is told `attached`, and ends are marked as replayed. */
  attaching: boolean;
}

/**
 * Returns true once the follower is live, false when its turn has ended (and it has been told) or it has left.
 * The last look at the topic's head and the switch to live happen in one tick, so nothing can be shown in between.
 */
export async function catchUp(reader: TurnReader, following: Following, { seen, attaching }: CatchUpOptions): Promise<boolean> {
  const { topic, session, requestId } = following;
  const { owner, conversationId } = topic.ref;
  const turn = { request_id: requestId, conversation_id: conversationId };
  const send = (frame: Frame) => session.send(JSON.stringify(frame));
  const shown = new Set<string>();

  for (let first = true; ; first = false) {
    const { head } = topic;
    const stored = await reader.turn(owner, conversationId, requestId);
    if (!topic.followings.has(following)) return false;
    const rows = stored?.rows ?? [];
    if (first && attaching) {
      const seq = rows.find((row) => row.type === 'user_message')?.seq;
      send({ ...turn, status: 'processing', ...(seq === undefined ? {} : { seq }), metadata: { disposition: 'attached' } });
      const known = seen === null || seen.messageId === topic.draft?.messageId || rows.some((row) => row.id === seen.messageId && row.seq > following.seq);
      if (!known) send({ ...turn, status: 'chunk', chunk: { type: 'reset', message_id: seen.messageId, data: '' } });
    }
    for (const row of rows) {
      if (row.seq <= following.seq || isTurnEnd(row)) continue;
      renderRow(row, seen).forEach(send);
      shown.add(row.id);
      following.seq = row.seq;
    }
    if (stored && stored.end !== null) {
      renderEnd(turn, stored.end, rows.find(isTurnEnd)?.seq ?? null, attaching).forEach(send);
      return false;
    }
    if (topic.head === head) break;
  }
  const { draft } = topic;
  if (draft?.requestId === requestId && following.streaming && !shown.has(draft.messageId)) {
    for (const chunk of draft.since(seen?.messageId === draft.messageId ? seen : null)) send({ ...turn, status: 'chunk', chunk });
  }
  following.live = true;
  return true;
}
