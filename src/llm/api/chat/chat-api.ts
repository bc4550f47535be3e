/** Implements chat completions, the protocol of OpenAI that most providers, gateways and local servers speak. */
import { messagesOf, withImages } from '../../message-images.ts';
import { withReasoning } from '../../pass-back-reasoning.ts';
import { createAccumulator } from '../../stream/accumulator.ts';
import { strictMessages } from '../../strict-messages.ts';
import type { WireApi } from '../wire-api.ts';

export const chatApi: WireApi = {
  path: '/chat/completions',
  keyHeader: 'authorization',
  headers: {},
  defaults: () => ({ stream_options: { include_usage: true } }),
  encode: (body, { passBackReasoning }) => ({
    ...body,
    messages: strictMessages(withReasoning(withImages(messagesOf(body)), passBackReasoning)),
    stream: true,
  }),
  neutralName: (parameter) => parameter,
  createReader: (sink, tagMode) => createAccumulator(sink, tagMode),
};
