/**
 * A tool's result as text for the model. Text stays text; what a language model cannot read in
 * a text message is named by a short description. Pure, and bounded by the caller's limit.
 */
import type { CallToolResult, ContentBlock } from '@modelcontextprotocol/client';
import type { ResourcePart } from './prompt-and-resource.ts';
import { sanitizeText } from './sanitize-text.ts';

/** A rough bound that needs no tokenizer: a token of English is about four characters. */
const CHARS_PER_TOKEN = 4;

/** Of what is kept of an oversized text, how much comes from its beginning; the rest is its end. */
const HEAD_SHARE = 0.7;

/** Room for the notice that replaces the middle. */
const NOTICE_CHARS = 48;

function sizeOf(base64: string): string {
  const bytes = Math.floor((base64.length * 3) / 4);
  return bytes < 1024 ? `${bytes} bytes` : `${Math.round(bytes / 1024)} KB`;
}

/** One block for the model. */
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

/** A part of a resource: its text under its address, or a short description of what is no text. */
export function partText({ uri, mimeType, text, blob }: ResourcePart): string {
  return text === null
    ? `[resource: ${uri}, ${mimeType ?? 'binary'}, ${sizeOf(blob ?? '')}]`
    : `[resource: ${uri}]\n${text}`;
}

/** Never between the halves of a surrogate pair: a lone half is no valid text for a provider. */
function splitsPair(text: string, index: number): boolean {
  return /^[\ud800-\udbff][\udc00-\udfff]$/.test(text.slice(index - 1, index + 1));
}

/** `text` within `maxChars`: where it is longer, its head, a notice, and its tail. */
export function cutMiddle(text: string, maxChars: number): string {
  if (text.length <= maxChars) return text;
  const kept = Math.max(0, maxChars - NOTICE_CHARS);
  const head = Math.floor(kept * HEAD_SHARE);
  const headEnd = splitsPair(text, head) ? head - 1 : head;
  const tailAt = text.length - (kept - head);
  const tailStart = splitsPair(text, tailAt) ? tailAt + 1 : tailAt;
  return `${text.slice(0, headEnd)}\n[... ${tailStart - headEnd} characters cut ...]\n${text.slice(tailStart)}`;
}

/** The result for the model, within about `maxTokens`. Structured content is told as JSON where the server gave no text for it. */
export function resultText(
  { content, structuredContent }: Pick<CallToolResult, 'content' | 'structuredContent'>,
  maxTokens: number,
): string {
  const parts = content.map(blockText);
  const hasText = content.some((block) => block.type === 'text' && block.text.trim() !== '');
  if (!hasText && structuredContent !== undefined) parts.push(JSON.stringify(structuredContent));
  // Cut first: the rest of a huge text need not be looked at.
  return (
    sanitizeText(cutMiddle(parts.filter((part) => part !== '').join('\n'), maxTokens * CHARS_PER_TOKEN)) ||
    '[the tool returned nothing]'
  );
}
