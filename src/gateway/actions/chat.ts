/**
 * Handles the action `chat`: converts the request to the event for its conversation. A chat with `rewind_to` needs a
 * lookup in the log first, and a chat with a prompt or resources reads them first. Every other chat is routed at once.
 */
import { hash } from 'node:crypto';
import type { Fault } from '../../../machines/log.ts';
import { fault } from '../../errors.ts';
import { errorFrame } from '../../protocol/frames.ts';
import type { Payload } from '../../protocol/actions.ts';
import { composeMessage, hasIncludes, type ComposedMessage } from './include.ts';
import type { ActionDeps } from './action-handler.ts';
import type { ClientSession } from '../session.ts';

type Chat = Payload<'chat'>;

/** Null if the chat is routed; else the lookup, which rejects if the log cannot be read. */
export function handleChat(
  deps: ActionDeps,
  session: ClientSession,
  requestId: string,
  chat: Chat,
): Promise<void> | null {
  const conversationId = chat.conversation_id ?? session.ownConversation();
  const afterLookup = (lookup: Promise<void>) =>
    deps.pendingChats.add({ owner: session.subject, conversationId }, requestId, lookup);
  if (chat.rewind_to !== undefined)
    return afterLookup(routeRewind(deps, session, { requestId, conversationId, chat, rewindTo: chat.rewind_to }));
  if (hasIncludes(chat)) return afterLookup(routeComposed(deps, session, { requestId, conversationId, chat }));
  const text = chat.text ?? '';
  route(deps, session, { requestId, conversationId, chat, rewindTo: null, text, included: [], digest: digestOf(text) });
  return null;
}

interface ChatRequest {
  requestId: string;
  conversationId: string;
  chat: Chat;
}

/** A repeated chat is recognized by the names of its prompt and resources. They are not read again. */
async function routeComposed(deps: ActionDeps, session: ClientSession, request: ChatRequest): Promise<void> {
  const { requestId, conversationId, chat } = request;
  const known = await deps.store.digest(session.subject, conversationId, requestId);
  const composed = known
    ? { text: chat.text ?? '', included: [] }
    : await composeMessage(deps.promptsAndResources, session.subject, chat, deps);
  if ('code' in composed) return deps.delivery.reply(session.id, errorFrame(requestId, composed, conversationId));
  route(deps, session, { ...request, rewindTo: null, ...composed, digest: digestOf(JSON.stringify(identityOf(chat))) });
}

function identityOf({ text, prompt, resources }: Chat): unknown[] {
  return [text ?? null, prompt ?? null, resources];
}

async function routeRewind(
  deps: ActionDeps,
  session: ClientSession,
  request: ChatRequest & { rewindTo: number },
): Promise<void> {
  const { requestId, conversationId, chat, rewindTo } = request;
  const { store, delivery } = deps;
  const owner = session.subject;
  // A repeated chat has left the branch that it rewound. It is still the same chat.
  const [known, point] = await Promise.all([
    store.digest(owner, conversationId, requestId),
    store.rewindPoint(owner, conversationId, rewindTo),
  ]);
  if (known === null && point === null) {
    const message = `payload.rewind_to: expected the seq of a user's message on the current branch, but ${rewindTo} is not one.`;
    delivery.reply(
      session.id,
      errorFrame(requestId, fault('invalid_request', message, { path: 'payload.rewind_to' }), conversationId),
    );
    return;
  }
  const again = hasIncludes(chat) ? identityOf(chat) : [chat.text ?? null];
  const composed =
    known || point === null ? { text: chat.text ?? '', included: [] } : await composeAgain(deps, owner, chat, point);
  if ('code' in composed) return delivery.reply(session.id, errorFrame(requestId, composed, conversationId));
  route(deps, session, { ...request, ...composed, digest: digestOf(JSON.stringify([rewindTo, ...again])) });
}

/** Without text, prompt and resources the earlier message is sent again, with all that it included. */
async function composeAgain(
  deps: ActionDeps,
  owner: string,
  chat: Chat,
  earlier: ComposedMessage,
): Promise<ComposedMessage | Fault> {
  if (hasIncludes(chat))
    return composeMessage(
      deps.promptsAndResources,
      owner,
      chat.prompt ? chat : { ...chat, text: chat.text ?? earlier.text },
      deps,
    );
  return chat.text === undefined ? earlier : { text: chat.text, included: [] };
}

function route(
  { registry, streaming }: ActionDeps,
  session: ClientSession,
  request: ChatRequest & ComposedMessage & { rewindTo: number | null; digest: string },
): void {
  const { requestId, conversationId, chat, rewindTo, text, included, digest } = request;
  const { mode, model = null, metadata = null, cursor = null } = chat;
  const tools = chat.tools === undefined ? null : { allow: chat.tools.allow ?? null, deny: chat.tools.deny };
  registry.route(
    { owner: session.subject, conversationId },
    {
      type: 'client.chat',
      session: session.id,
      requestId,
      text,
      included,
      digest,
      mode,
      model,
      metadata,
      tools,
      rewindTo,
      follow: { streaming: chat.streaming ?? streaming, cursor },
    },
  );
}

function digestOf(text: string): string {
  return hash('sha256', text, 'base64url');
}
