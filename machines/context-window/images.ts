/**
 * Reads the images of rows, and chooses the newest ones that a request has room for: providers count an image as about a
 * thousand tokens, and old ones rarely matter. Pure.
 */
import { asObjects } from '../json-object.ts';
import type { SizedMessage } from './model-messages.ts';

/** An image as a row's `extra` keeps it for the model. */
export interface ModelImage {
  mimeType: string;
  /** Base64. */
  data: string;
}

/** An estimate: 85 to 1,600, by size and provider. */
export const IMAGE_TOKENS = 1_000;

/** The images that a row's `extra` keeps for the model. Absent if it has none. */
export function imagesOf(value: unknown): { images?: ModelImage[] } {
  const images = (asObjects(value) ?? []).flatMap(({ mimeType, data }) =>
    typeof mimeType === 'string' && typeof data === 'string' ? [{ mimeType, data }] : [],
  );
  return images.length === 0 ? {} : { images };
}

/**
 * Leaves at most `most` images in the messages, and only as many as `roomTokens` hold: the newest ones. Changes the given
 * messages and their sizes. Returns the tokens of those that stay.
 */
export function keepNewestImages(messages: readonly SizedMessage[], most: number, roomTokens: number): number {
  const room = Math.max(0, Math.min(most, Math.floor(roomTokens / IMAGE_TOKENS)));
  let kept = 0;
  for (const entry of messages.toReversed()) {
    const { message } = entry;
    if (!('images' in message) || message.images === undefined) continue;
    const free = room - kept;
    if (free <= 0) delete message.images;
    else message.images = message.images.slice(-free);
    const count = message.images?.length ?? 0;
    kept += count;
    entry.tokens += count * IMAGE_TOKENS;
  }
  return kept * IMAGE_TOKENS;
}
