/** Finds a wire protocol by its name. */
import { chatApi } from './chat/chat-api.ts';
import { messagesApi } from './messages/messages-api.ts';
import { responsesApi } from './responses/responses-api.ts';
import type { ApiName, WireApi } from './wire-api.ts';

export const apis: Readonly<Record<ApiName, WireApi>> = {
  chat: chatApi,
  responses: responsesApi,
  messages: messagesApi,
};
