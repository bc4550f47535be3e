/**
 * Converts a tool's result into text for the model. Content that is not text becomes a short description. Pure; the
 * caller limits the length.
 */
import type { CallToolResult, ContentBlock } from '@modelcontextprotocol/client';
import { isFor, type Audience } from './audience.ts';
import type { ResourcePart } from './prompt-and-resource.ts';
import { sanitizeText } from './sanitize-text.ts';

/** A rough estimate without a tokenizer: an English token has about four characters. */
const CHARS_PER_TOKEN = 4;

/** The share of the beginning in what is kept of an oversized text. The rest is its end. */
const HEAD_SHARE = 0.7;

/** Space for the notice that replaces the middle. */
const NOTICE_CHARS = 48;

function sizeOf(base64: string): string {
  const bytes = Math.floor((base64.length * 3) / 4);
  return bytes < 1024 ? `${bytes} bytes` : `${Math.round(bytes / 1024)} KB`;
}

const NOTHING_FOR = {
  assistant: '[the tool returned only content for the user, who has it]',
  user: '[the tool returned only content for the model]',
} satisfies Record<Audience, string>;

/** Converts one content block. */
export function blockText(block: ContentBlock): string {
  switch (block.type) {
    case 'text':
      return block.text;
    case 'image':
    case 'audio':
      return `[${block.type}: ${block.mimeType}, ${sizeOf(block.data)}]`;
    case 'resource_link':
      return `[resource: ${[block.title ?? block.name, block.mimeType, block.uri].filter(Boolean).join(', ')}]`;
    case 'resource': {
      const { resource } = block;
      return partText({
        uri: resource.uri,
        mimeType: resource.mimeType ?? null,
        text: 'text' in resource ? resource.text : null,
        blob: 'blob' in resource ? resource.blob : null,
      });
    }
  }
}

/** Converts one part of a resource: its text below its URI, or a short description of binary content. */
export function partText({ uri, mimeType, text, blob }: ResourcePart): string {
  return text === null
    ? `[resource: ${uri}, ${mimeType ?? 'binary'}, ${sizeOf(blob ?? '')}]`
    : `[resource: ${uri}]\n${text}`;
}

/** True between the halves of a surrogate pair. Providers reject a lone half. */
function splitsPair(text: string, index: number): boolean {
  return /^[\ud800-\udbff][\udc00-\udfff]$/.test(text.slice(index - 1, index + 1));
}

/** Cuts a longer text to `maxChars`: its head, a notice, and its tail. */
export function cutMiddle(text: string, maxChars: number): string {
  if (text.length <= maxChars) return text;
  const kept = Math.max(0, maxChars - NOTICE_CHARS);
  const head = Math.floor(kept * HEAD_SHARE);
  const headEnd = splitsPair(text, head) ? head - 1 : head;
  const tailAt = text.length - (kept - head);
  const tailStart = splitsPair(text, tailAt) ? tailAt + 1 : tailAt;
  return `${text.slice(0, headEnd)}\n[... ${tailStart - headEnd} characters cut ...]\n${text.slice(tailStart)}`;
}

/**
 * Returns the part of the result that is for the reader, as text of about `maxTokens` at most. Structured content becomes
 * JSON if the result has no text.
 */
export function resultText(
  { content: whole, structuredContent }: Pick<CallToolResult, 'content' | 'structuredContent'>,
  maxTokens: number,
  reader: Audience = 'assistant',
): string {
  const content = whole.filter((block) => isFor(block, reader));
  const parts = content.map(blockText);
  const hasText = content.some((block) => block.type === 'text' && block.text.trim() !== '');
  if (!hasText && structuredContent !== undefined) parts.push(JSON.stringify(structuredContent));
  // Cut before sanitizing, which would read all of a huge text.
  return (
    sanitizeText(cutMiddle(parts.filter((part) => part !== '').join('\n'), maxTokens * CHARS_PER_TOKEN)) ||
    (whole.length === 0 ? '[the tool returned nothing]' : NOTHING_FOR[reader])
  );
}
