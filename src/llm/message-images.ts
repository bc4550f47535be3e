/**
 * Puts the images of messages into the form of chat completions. A result of a tool may be text only there, so the images of
 * results follow in a message of the user, which says where they come from.
 */
import type { ChatCompletionContentPart } from 'openai/resources/chat/completions';
import type { ModelImage } from '../../machines/context-window/images.ts';
import { isObject } from '../json.ts';
import type { RequestBody } from './stream/adapted-request.ts';
import type { MessageWithReasoning } from './pass-back-reasoning.ts';

/** A message with images, which are no part of its content yet. */
export type MessageWithImages = MessageWithReasoning & { images?: readonly ModelImage[] };

/** Begins the message with the images of results. */
const FROM_TOOLS = '[Images from results of tools, not from the user:';

/** The messages with their images in their content. Copies only messages that change. */
export function withImages(messages: readonly MessageWithImages[]): MessageWithReasoning[] {
  const written: MessageWithReasoning[] = [];
  let results: { tool: string; images: readonly ModelImage[] }[] = [];
  const writeResults = () => {
    if (results.length === 0) return;
    const names = [...new Set(results.map(({ tool }) => tool))].join(', ');
    const parts = results.flatMap(({ images }) => images.map(imagePart));
    written.push({ role: 'user', content: [{ type: 'text', text: `${FROM_TOOLS} ${names}]` }, ...parts] });
    results = [];
  };
  for (const original of messages) {
    const { images = [], ...message } = original;
    if (message.role !== 'tool') writeResults();
    if (images.length === 0) written.push(original.images === undefined ? original : message);
    else if (message.role === 'tool') {
      written.push(message);
      results.push({ tool: toolOf(message.tool_call_id, messages), images });
    } else if (message.role === 'user' && typeof message.content === 'string')
      written.push({ ...message, content: [{ type: 'text', text: message.content }, ...images.map(imagePart)] });
    else written.push(message);
  }
  writeResults();
  return written;
}

/** The messages without their images. */
export function withoutImages(messages: readonly MessageWithImages[]): MessageWithReasoning[] {
  return messages.map(({ images: _images, ...message }) => message);
}

function imagePart({ mimeType, data }: ModelImage): ChatCompletionContentPart {
  return { type: 'image_url', image_url: { url: `data:${mimeType};base64,${data}` } };
}

function toolOf(callId: string, messages: readonly MessageWithImages[]): string {
  for (const message of messages) {
    if (message.role !== 'assistant') continue;
    const call = message.tool_calls?.find(({ id }) => id === callId);
    if (call?.type === 'function') return call.function.name;
  }
  return 'a tool';
}

const isImage = (part: unknown) => isObject(part) && part['type'] === 'image_url';
const textIn = (part: unknown) => (isObject(part) && typeof part['text'] === 'string' ? part['text'] : '');
const messagesOf = ({ messages }: RequestBody): readonly unknown[] => (Array.isArray(messages) ? messages : []);
const partsOf = (message: unknown): readonly unknown[] =>
  isObject(message) && Array.isArray(message['content']) ? message['content'] : [];

/** True if a message of the request has an image. */
export function hasImages(body: RequestBody): boolean {
  return messagesOf(body).some((message) => partsOf(message).some(isImage));
}

/** The body without images, and without the messages that only have images of results. */
export function bodyWithoutImages(body: RequestBody): RequestBody {
  const messages = messagesOf(body).flatMap((message) => {
    const parts = partsOf(message);
    if (!isObject(message) || !parts.some(isImage)) return [message];
    const text = parts.map(textIn).join('');
    return text.startsWith(FROM_TOOLS) ? [] : [{ ...message, content: text }];
  });
  return { ...body, messages };
}
