/**
 * What each action does: chat and cancel go to their conversation through the registry, reads go to
 * the store and the MCP servers. One clause an action; nothing here knows a statechart.
 */
import { errorFrame, resultFrame } from '../../protocol/frames.ts';
import type { Request } from '../../protocol/requests.ts';
import { readFault } from '../../errors.ts';
import { sendCancel } from './cancel.ts';
import { sendChat } from './chat.ts';
import { sendConversations } from './conversations.ts';
import { sendDeletion } from './delete.ts';
import { sendFork } from './fork.ts';
import { sendHistory } from './history.ts';
import { createOfferRequests } from './offers.ts';
import type { RequestDeps } from './request-deps.ts';
import { sendResponse } from './respond.ts';
import { toldServer } from '../server-status.ts';
import type { ClientSession } from '../session.ts';
import { createSubscriptions } from './subscribe.ts';

/**
 * The handler takes validated requests and never throws for what they ask: every outcome, `not_found` and
 * failed reads too, is a frame to the session. Chats and cancels are answered by their conversation. What it returns
 * resolves when the request is answered or handed on, and never rejects; null if that is so already.
 */
export function createRequestHandler(
  deps: RequestDeps,
): (session: ClientSession, request: Request) => Promise<void> | null {
  const { mcpServers, outbox } = deps;
  const subscriptions = createSubscriptions(deps);
  const offers = createOfferRequests(deps);

  /** What is still being read when this returns, if anything is. */
  const carryOut = (session: ClientSession, request: Request): Promise<void> | null => {
    const { action, requestId, payload } = request;
    switch (action) {
      case 'chat':
        return sendChat(deps, session, requestId, payload);
      case 'cancel':
        return sendCancel(deps, session, requestId, payload);
      case 'history':
        return sendHistory(deps, session, requestId, payload);
      case 'conversations':
        return sendConversations(deps, session, requestId, payload);
      case 'delete':
        return sendDeletion(deps, session, requestId, payload);
      case 'fork':
        return sendFork(deps, session, requestId, payload);
      case 'subscribe':
        return subscriptions.subscribe(session, requestId, payload);
      case 'unsubscribe':
        return subscriptions.unsubscribe(session, requestId, payload);
      case 'respond':
        return sendResponse(deps, session, requestId, payload);
      case 'prompts':
        return offers.prompts(session, requestId, payload);
      case 'get_prompt':
        return offers.getPrompt(session, requestId, payload);
      case 'resources':
        return offers.resources(session, requestId, payload);
      case 'read_resource':
        return offers.readResource(session, requestId, payload);
      case 'complete_argument':
        return offers.completeArgument(session, requestId, payload);
      case 'tools':
        outbox.reply(
          session.id,
          resultFrame(requestId, {
            tools: mcpServers.tools().map(({ name, server, title, description, inputSchema, annotations }) => ({
              name,
              server,
              title,
              description,
              input_schema: inputSchema,
              annotations,
            })),
            servers: mcpServers.statuses().map(toldServer),
          }),
        );
        return null;
      case 'ping':
        outbox.reply(session.id, resultFrame(requestId, {}));
        return null;
    }
  };

  return (session, request) =>
    carryOut(session, request)?.catch((error: unknown) => {
      // A client hears no more of a read that failed than that it did.
      const problem = readFault(error);
      if (problem.code === 'internal') deps.onError(error);
      const { payload } = request;
      outbox.reply(
        session.id,
        errorFrame(request.requestId, problem, 'conversation_id' in payload ? payload.conversation_id : undefined),
      );
    }) ?? null;
}
