/**
 * Implements OpenAI's Responses API, stateless: nothing is stored there, and encrypted reasoning is sent back within and
 * across turns. Its current models accept tools together with reasoning only here.
 * Source: https://platform.openai.com/docs/api-reference/responses
 */
import { messagesOf } from '../../message-images.ts';
import type { WireApi } from '../wire-api.ts';
import { inputOf } from './input.ts';
import { defaultsFor, neutralNames, parametersOf } from './parameters.ts';
import { createResponsesReader } from './reader.ts';

export const responsesApi: WireApi = {
  path: '/responses',
  keyHeader: 'authorization',
  headers: {},
  defaults: defaultsFor,
  encode(body, asked) {
    const { messages: _messages, ...settings } = body;
    return {
      prompt_cache_key: asked.cacheKey,
      ...parametersOf(settings),
      input: inputOf(messagesOf(body), asked),
      store: false,
      stream: true,
    };
  },
  neutralName: (parameter) => neutralNames.get(parameter) ?? parameter,
  createReader: createResponsesReader,
};
