/**
 * Writes messages as those of the Messages API: the system prompt apart, roles in turn, the results of tools first in the
 * message of the user, thinking before the calls that it led to.
 */
import type { ModelImage } from '../../../../machines/context-window/images.ts';
import { isObject, parseJson, type JsonObject } from '../../../json.ts';
import type { MessageWithImages } from '../../message-images.ts';
import { strictMessages } from '../../strict-messages.ts';
import { itemsBefore } from '../native-reasoning.ts';
import type { Asked } from '../wire-api.ts';

/** A message of the API. */
interface ApiMessage {
  role: 'user' | 'assistant';
  content: JsonObject[];
}

export function conversationOf(
  messages: readonly MessageWithImages[],
  asked: Asked,
): { system: JsonObject[]; messages: ApiMessage[] } {
  const system: JsonObject[] = [];
  const written: ApiMessage[] = [];
  // Its members `reasoning` and `images` stay.
  for (const message of strictMessages(messages) as MessageWithImages[]) {
    if (message.role === 'system' || message.role === 'developer') {
      system.push({ type: 'text', text: textIn(message) });
      continue;
    }
    const role = message.role === 'assistant' ? 'assistant' : 'user';
    const content = blocksOf(message, asked);
    const last = written.at(-1);
    if (last?.role === role) last.content.push(...content);
    else written.push({ role, content });
  }
  return { system, messages: written };
}

function blocksOf(message: MessageWithImages, asked: Asked): JsonObject[] {
  const { images = [] } = message;
  if (message.role === 'tool')
    return [{ type: 'tool_result', tool_use_id: message.tool_call_id, content: parts(textIn(message), images) }];
  if (message.role !== 'assistant') return parts(textIn(message), images);
  const calls = message.tool_calls ?? [];
  const thinkingBefore = itemsBefore(message, 'messages', asked);
  return [
    ...(calls.length > 0 ? thinkingBefore(0) : []),
    ...parts(textIn(message), []),
    ...calls.flatMap((call, at): JsonObject[] => {
      if (call.type !== 'function') return [];
      const { name, arguments: args } = call.function;
      const input = parseJson(args);
      return [
        ...(at === 0 ? [] : thinkingBefore(at)),
        { type: 'tool_use', id: call.id, name, input: isObject(input) ? input : {} },
      ];
    }),
  ];
}

function textIn({ content }: MessageWithImages): string {
  return typeof content === 'string' ? content : '';
}

/** The API rejects an empty text. */
function parts(text: string, images: readonly ModelImage[]): JsonObject[] {
  return [
    ...(text === '' ? [] : [{ type: 'text', text }]),
    ...images.map(({ mimeType, data }) => ({ type: 'image', source: { type: 'base64', media_type: mimeType, data } })),
  ];
}
