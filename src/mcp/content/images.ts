/**
 * Finds the images in a tool's result, and keeps them within a size, because the log, each client and each request to the
 * model get them. Pure.
 */
import type { ContentBlock } from '@modelcontextprotocol/client';
import { isObject } from '../../json.ts';
import { isFor, type Audience } from './audience.ts';
import { blockText } from './result-text.ts';

/** An image that models can read. */
export interface Image {
  mimeType: string;
  /** Base64. */
  data: string;
}

/** The types that the APIs of models accept. */
const TYPES = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp']);

/** The image of a block: its own, or that of an embedded resource. Null if it has none of a known type. */
function imageOf(block: ContentBlock): Image | null {
  const [mimeType, data] =
    block.type === 'image'
      ? [block.mimeType, block.data]
      : block.type === 'resource' && 'blob' in block.resource
        ? [block.resource.mimeType, block.resource.blob]
        : [];
  const type = mimeType?.toLowerCase().trim();
  return type !== undefined && TYPES.has(type) && typeof data === 'string' && data !== ''
    ? { mimeType: type, data }
    : null;
}

/** The images of a stored result for the reader. `whole`: as the log has it, so it is not trusted. */
export function imagesIn(whole: unknown, reader: Audience): Image[] {
  const content = isObject(whole) ? whole['content'] : null;
  if (!Array.isArray(content)) return [];
  return content
    .filter((block): block is ContentBlock => isObject(block) && (block['type'] === 'image' || isEmbedded(block)))
    .filter((block) => isFor(block, reader))
    .flatMap((block) => imageOf(block) ?? []);
}

function isEmbedded(block: Record<string, unknown>): boolean {
  return block['type'] === 'resource' && isObject(block['resource']);
}

/** Replaces the images that do not fit into `maxBytes` together by a text. The first ones stay. */
export function withoutLargeImages(content: readonly ContentBlock[], maxBytes: number): ContentBlock[] {
  let room = maxBytes;
  return content.map((block) => {
    const image = imageOf(block);
    if (image === null) return block;
    const bytes = Math.floor((image.data.length * 3) / 4);
    if (bytes > room) {
      const { annotations } = block;
      return {
        type: 'text',
        text: `${blockText(block)} [too large to be kept]`,
        ...(annotations ? { annotations } : {}),
      };
    }
    room -= bytes;
    return block;
  });
}
