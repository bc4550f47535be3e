/**
 * Writes messages as input items of the Responses API: reasoning before the calls that it led to, each call before its
 * result, images where they belong.
 */
import type { ModelImage } from '../../../../machines/context-window/images.ts';
import type { JsonObject } from '../../../json.ts';
import type { MessageWithImages } from '../../message-images.ts';
import { strictMessages } from '../../strict-messages.ts';
import { itemsBefore } from '../native-reasoning.ts';
import type { Asked } from '../wire-api.ts';

export function inputOf(messages: readonly MessageWithImages[], asked: Asked): JsonObject[] {
  // Its members `reasoning` and `images` stay.
  return (strictMessages(messages) as MessageWithImages[]).flatMap((message) => itemsOf(message, asked));
}

function itemsOf(message: MessageWithImages, asked: Asked): JsonObject[] {
  const { images = [] } = message;
  switch (message.role) {
    case 'assistant': {
      const calls = message.tool_calls ?? [];
      const reasoningBefore = itemsBefore(message, 'responses', asked);
      const text = typeof message.content === 'string' ? message.content : '';
      return [
        ...(calls.length > 0 ? reasoningBefore(0) : []),
        ...(text === '' ? [] : [{ type: 'message', role: 'assistant', content: [{ type: 'output_text', text }] }]),
        ...calls.flatMap((call, at): JsonObject[] => {
          if (call.type !== 'function') return [];
          const { name, arguments: args } = call.function;
          return [
            ...(at === 0 ? [] : reasoningBefore(at)),
            { type: 'function_call', call_id: call.id, name, arguments: args },
          ];
        }),
      ];
    }
    case 'tool':
      return [
        { type: 'function_call_output', call_id: message.tool_call_id, output: withImages(textIn(message), images) },
      ];
    default:
      return [{ type: 'message', role: message.role, content: withImages(textIn(message), images) }];
  }
}

function textIn({ content }: MessageWithImages): string {
  return typeof content === 'string' ? content : '';
}

function withImages(text: string, images: readonly ModelImage[]): string | JsonObject[] {
  if (images.length === 0) return text;
  const parts = images.map(({ mimeType, data }) => ({
    type: 'input_image',
    detail: 'auto',
    image_url: `data:${mimeType};base64,${data}`,
  }));
  return [...(text === '' ? [] : [{ type: 'input_text', text }]), ...parts];
}
