/**
 * What each action does: chat and cancel go to their conversation through the registry, reads go to
 * the store and the toolbox. One clause an action; nothing here knows a statechart.
 */
import { fault } from '../errors.ts';
import type { Library } from '../mcp/library.ts';
import type { Toolbox } from '../mcp/toolbox.ts';
import type { Outbox } from '../outbox/outbox.ts';
import { eventOf } from '../outbox/render.ts';
import { errorFrame } from '../protocol/frames.ts';
import type { Request } from '../protocol/requests.ts';
import type { Result } from '../protocol/results.ts';
import { readFault } from '../read-fault.ts';
import type { Registry } from '../registry.ts';
import type { Store } from '../store/port.ts';
import { sendCancel } from './cancel.ts';
import { sendChat } from './chat.ts';
import { sendConversations } from './conversations.ts';
import { sendDeletion } from './delete.ts';
import { sendFork } from './fork.ts';
import { createOfferRequests } from './offers.ts';
import { sendResponse } from './respond.ts';
import { toldServer } from './server-status.ts';
import type { ClientSession } from './session.ts';
import { createSubscriptions } from './subscribe.ts';

export interface RequestDeps {
  registry: Pick<Registry, 'route' | 'standing'>;
  store: Pick<Store, 'page' | 'turn' | 'standing' | 'interrupt' | 'rewindPoint' | 'conversations' | 'fork'>;
  toolbox: Pick<Toolbox, 'tools' | 'servers' | 'settled' | 'check' | 'checkAnswer'>;
  library: Library;
  outbox: Pick<Outbox, 'reply' | 'subscribe' | 'unsubscribe' | 'drafting'>;
  /** chat.service.max_text_length: of a message with all that it includes. */
  maxTextLength: number;
  /** chat.service.streaming.enabled: what a chat gets that does not say. */
  streaming: boolean;
  onError(error: unknown): void;
}

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

/** One page of a conversation's rows, newest last. */
async function sendHistory(
  { store, outbox }: RequestDeps,
  session: ClientSession,
  requestId: string,
  { conversation_id: conversationId, before_seq: beforeSeq, limit }: Extract<Request, { action: 'history' }>['payload'],
): Promise<void> {
  const page = await store.page(session.subject, conversationId, { limit, ...(beforeSeq === undefined ? {} : { beforeSeq }) });
  if (!page) {
    outbox.reply(session.id, errorFrame(requestId, fault('not_found', 'There is no such conversation.'), conversationId));
    return;
  }
  const first = page.rows[0]?.seq;
  outbox.reply(session.id, {
    request_id: requestId,
    status: 'result',
    conversation_id: conversationId,
    result: {
      events: page.rows.map(eventOf),
      head_seq: page.headSeq,
      oldest_seq: page.oldestSeq,
      next_before_seq: first !== undefined && first > page.oldestSeq ? first : null,
    },
  });
}
