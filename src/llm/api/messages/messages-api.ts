/**
 * Implements Anthropic's Messages API: thinking with signatures, effort, and prompt caching, which its endpoint for chat
 * completions lacks.
 * Source: https://platform.claude.com/docs/en/api/messages
 */
import { messagesOf } from '../../message-images.ts';
import type { WireApi } from '../wire-api.ts';
import { cacheMarker, marked } from './cache-control.ts';
import { conversationOf } from './conversation.ts';
import { neutralNames, parametersOf } from './parameters.ts';
import { createMessagesReader } from './reader.ts';

/** Required by the API. Below the longest answer of each current model; a model that takes less says so. */
const MAX_TOKENS = 32_000;

export const messagesApi: WireApi = {
  path: '/messages',
  keyHeader: 'x-api-key',
  headers: { 'anthropic-version': '2023-06-01' },
  defaults: (_model, parameters) => ({
    cache_control: { type: 'ephemeral' },
    ...(parameters['max_completion_tokens'] === undefined ? { max_tokens: MAX_TOKENS } : {}),
  }),
  encode(body, asked) {
    const { messages: _messages, cache_control, ...settings } = body;
    const { system, messages } = conversationOf(messagesOf(body), asked);
    const request = { ...parametersOf(settings), ...(system.length === 0 ? {} : { system }), messages, stream: true };
    return marked(request, cacheMarker(cache_control));
  },
  neutralName: (parameter) => neutralNames.get(parameter) ?? parameter,
  createReader: createMessagesReader,
};
