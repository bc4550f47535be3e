/**
 * Reads and sorts the frames of a follow: up to a given frame, the rows, the texts, and the answers that a page shows.
 */
import type { Subscription, SubscriptionFrame } from '../../src/client/subscription.ts';
import type { Chunk } from '../../src/protocol/chunks.ts';

/** Reads until a frame matches, and returns all frames including that one. The follow stays open. */
export async function readUntil(
  follow: Subscription,
  fits: (frame: SubscriptionFrame) => boolean,
): Promise<SubscriptionFrame[]> {
  const frames: SubscriptionFrame[] = [];
  const reader = follow[Symbol.asyncIterator]();
  for (;;) {
    const { done, value } = await reader.next();
    if (done === true) throw new Error(`it ended after ${JSON.stringify(frames)}`);
    frames.push(value);
    if (fits(value)) return frames;
  }
}

export const isEnd = (requestId: string) => (frame: SubscriptionFrame) =>
  (frame.status === 'complete' || frame.status === 'error') && frame.request_id === requestId;

export const isEvent = (seq: number) => (frame: SubscriptionFrame) => frame.status === 'event' && frame.seq === seq;

export const isChunk = ({ status }: SubscriptionFrame) => status === 'chunk';

/** The seq of every row among these frames. */
export function seqsOf(frames: readonly { status: string }[]): number[] {
  return frames.flatMap((frame) =>
    frame.status === 'event' && 'seq' in frame && typeof frame.seq === 'number' ? [frame.seq] : [],
  );
}

export function chunksOf(frames: readonly SubscriptionFrame[]): Chunk[] {
  return frames.flatMap((frame) => (frame.status === 'chunk' ? [frame.chunk] : []));
}

/** All integers from one to another, both included. */
export const range = (from: number, to: number) =>
  Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index);

/**
 * The answers that a page shows, by message id. The page appends text, removes it on `reset`, and shows a row's text
 * only if nothing of that message was streamed. So streamed text is compared as it was streamed.
 */
export function shownAnswers(frames: readonly SubscriptionFrame[]): Map<string, string> {
  const shown = new Map<string, string>();
  for (const frame of frames) {
    if (frame.status === 'event' && frame.event.type === 'assistant_message' && !shown.has(frame.event.id))
      shown.set(frame.event.id, frame.event.content ?? '');
    if (frame.status !== 'chunk') continue;
    const { chunk } = frame;
    if (chunk.type === 'reset') shown.delete(chunk.message_id);
    if (chunk.type === 'text') shown.set(chunk.message_id, (shown.get(chunk.message_id) ?? '') + chunk.data);
  }
  return shown;
}
