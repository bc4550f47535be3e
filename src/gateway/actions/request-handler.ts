/** Dispatches requests to the handlers of their actions, and reports failed reads of the log to the client. */
import type { Action, Request } from '../../protocol/actions.ts';
import { errorFrame } from '../../protocol/frames.ts';
import { readFault } from '../../errors.ts';
import type { ClientSession } from '../session.ts';
import type { ActionDeps, ActionHandler } from './action-handler.ts';
import { handleCancel } from './cancel.ts';
import { handleChat } from './chat.ts';
import { handleCompleteArgument } from './complete-argument.ts';
import { handleConversations } from './conversations.ts';
import { handleDelete } from './delete.ts';
import { handleFork } from './fork.ts';
import { handleGetPrompt } from './get-prompt.ts';
import { handleHistory } from './history.ts';
import { handlePing } from './ping.ts';
import { handlePrompts } from './prompts.ts';
import { handleReadResource } from './read-resource.ts';
import { handleResources } from './resources.ts';
import { handleRespond } from './respond.ts';
import { handleSubscribe } from './subscribe.ts';
import { handleTools } from './tools.ts';
import { handleUnsubscribe } from './unsubscribe.ts';

const handlers: { readonly [Name in Action]: ActionHandler<Name> } = {
  chat: handleChat,
  cancel: handleCancel,
  respond: handleRespond,
  subscribe: handleSubscribe,
  unsubscribe: handleUnsubscribe,
  history: handleHistory,
  conversations: handleConversations,
  fork: handleFork,
  delete: handleDelete,
  tools: handleTools,
  prompts: handlePrompts,
  get_prompt: handleGetPrompt,
  resources: handleResources,
  read_resource: handleReadResource,
  complete_argument: handleCompleteArgument,
  ping: handlePing,
};

/**
 * Makes the function that handles validated requests. Every outcome is a frame to the session, also `not_found` and
 * failed reads. The function never throws. It returns null if the request is answered or routed, else a promise that
 * resolves then and never rejects.
 */
export function createRequestHandler(
  deps: ActionDeps,
): (session: ClientSession, request: Request) => Promise<void> | null {
  return (session, request) =>
    handle(deps, session, request)?.catch((error: unknown) => {
      // The client gets no details of a failed read.
      const fault = readFault(error);
      if (fault.code === 'internal') deps.onError(error);
      const { requestId, payload } = request;
      const conversationId = 'conversation_id' in payload ? payload.conversation_id : undefined;
      deps.delivery.reply(session.id, errorFrame(requestId, fault, conversationId));
    }) ?? null;
}

/** Generic, so that the compiler pairs the handler of an action with its payload. */
function handle<Name extends Action>(
  deps: ActionDeps,
  session: ClientSession,
  { action, requestId, payload }: Request<Name>,
): Promise<void> | null {
  return handlers[action](deps, session, requestId, payload);
}
