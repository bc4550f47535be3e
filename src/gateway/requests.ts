/**
 * What each action does: chat and cancel go to their conversation through the registry, reads go to
 * the store and the toolbox. One clause an action; nothing here knows a statechart.
 */
import { errorFrame } from '../protocol/frames.ts';
import type { Request } from '../protocol/requests.ts';
import type { Result } from '../protocol/results.ts';
import { readFault } from '../read-fault.ts';
import { sendCancel } from './cancel.ts';
import { sendChat } from './chat.ts';
import { sendConversations } from './conversations.ts';
import { sendDeletion } from './delete.ts';
import { sendFork } from './fork.ts';
import { sendHistory } from './history.ts';
import { createOfferRequests } from './offers.ts';
import type { RequestDeps } from './request-deps.ts';
import { sendResponse } from './respond.ts';
import { toldServer } from './server-status.ts';
import type { ClientSession } from './session.ts';
import { createSubscriptions } from './subscribe.ts';

/**
 * The handler takes validated requests and never throws for what they ask: every outcome, `not_found` and
 * failed reads too, is a frame to the session. Chats and cancels are answered by their conversation.
 */
export function createRequestHandler(deps: RequestDeps): (session: ClientSession, request: Request) => void {
  const { toolbox, outbox } = deps;
  const subscriptions = createSubscriptions(deps);
  const offers = createOfferRequests(deps);
  const reply = (session: ClientSession, requestId: string, result: Result, conversationId?: string) =>
    outbox.reply(session.id, {
      request_id: requestId,
      status: 'result',
      ...(conversationId === undefined ? {} : { conversation_id: conversationId }),
      result,
    });

  /** A client hears no more of a read that failed than that it did. */
  const read = (session: ClientSession, requestId: string, conversationId: string | undefined, reading: Promise<void>) => {
    reading.catch((error: unknown) => {
      const problem = readFault(error);
      if (problem.code === 'internal') deps.onError(error);
      outbox.reply(session.id, errorFrame(requestId, problem, conversationId));
    });
  };

  return (session, request) => {
    const { requestId } = request;
    switch (request.action) {
      case 'chat': {
        const lookup = sendChat(deps, session, requestId, request.payload);
        if (lookup) read(session, requestId, request.payload.conversation_id, lookup);
        return;
      }
      case 'cancel': {
        const lookup = sendCancel(deps, session, requestId, request.payload);
        if (lookup) read(session, requestId, request.payload.conversation_id, lookup);
        return;
      }
      case 'history':
        read(session, requestId, request.payload.conversation_id, sendHistory(deps, session, requestId, request.payload));
        return;
      case 'conversations':
        read(session, requestId, undefined, sendConversations(deps, session, requestId, request.payload));
        return;
      case 'delete':
        read(session, requestId, request.payload.conversation_id, sendDeletion(deps, session, requestId, request.payload));
        return;
      case 'fork':
        read(session, requestId, request.payload.conversation_id, sendFork(deps, session, requestId, request.payload));
        return;
      case 'subscribe':
        read(session, requestId, request.payload.conversation_id, subscriptions.subscribe(session, requestId, request.payload));
        return;
      case 'respond':
        read(session, requestId, request.payload.conversation_id, sendResponse(deps, session, requestId, request.payload));
        return;
      case 'unsubscribe':
        read(session, requestId, request.payload.conversation_id, subscriptions.unsubscribe(session, requestId, request.payload));
        return;
      case 'tools':
        reply(session, requestId, {
          tools: toolbox.tools().map(({ name, server, title, description, inputSchema, annotations }) => ({ name, server, title, description, input_schema: inputSchema, annotations })),
          servers: toolbox.servers().map(toldServer),
        });
        return;
      case 'prompts':
        read(session, requestId, undefined, offers.prompts(session, requestId, request.payload));
        return;
      case 'get_prompt':
        read(session, requestId, undefined, offers.getPrompt(session, requestId, request.payload));
        return;
      case 'resources':
        read(session, requestId, undefined, offers.resources(session, requestId, request.payload));
        return;
      case 'read_resource':
        read(session, requestId, undefined, offers.readResource(session, requestId, request.payload));
        return;
      case 'complete_argument':
        read(session, requestId, undefined, offers.completeArgument(session, requestId, request.payload));
        return;
      case 'ping':
        reply(session, requestId, {});
        return;
    }
  };
}
