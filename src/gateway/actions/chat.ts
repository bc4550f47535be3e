/**
 * The action `chat`: from the request to the conversation's event. What a chat that goes back stands in for is
 * looked up in the log first, and what it names is read from the MCP servers; every other chat is handed on at once.
 */
import { hash } from 'node:crypto';
import type { Fault } from '../../../machines/log.ts';
import { fault } from '../../errors.ts';
import { errorFrame } from '../../protocol/frames.ts';
import type { Payload } from '../../protocol/requests.ts';
import { include, namesSomething, type Composed } from './include.ts';
import type { RequestDeps } from './request-deps.ts';
import type { ClientSession } from '../session.ts';

type Chat = Payload<'chat'>;

/** Null when the chat is on its way; else the lookup, which rejects when the log cannot be read. */
export function sendChat(
  deps: RequestDeps,
  session: ClientSession,
  requestId: string,
  chat: Chat,
): Promise<void> | null {
  const conversationId = chat.conversation_id ?? session.ownConversation();
  const onceLookedUp = (lookup: Promise<void>) =>
    deps.comingChats.add({ owner: session.subject, conversationId }, requestId, lookup);
  if (chat.rewind_to !== undefined)
    return onceLookedUp(sendRewind(deps, session, { requestId, conversationId, chat, rewindTo: chat.rewind_to }));
  if (namesSomething(chat)) return onceLookedUp(sendComposed(deps, session, { requestId, conversationId, chat }));
  const text = chat.text ?? '';
  route(deps, session, { requestId, conversationId, chat, rewindTo: null, text, included: [], digest: digestOf(text) });
  return null;
}

interface Asked {
  requestId: string;
  conversationId: string;
  chat: Chat;
}

/** The same chat again is known by what it names, and nothing is read for it a second time. */
async function sendComposed(deps: RequestDeps, session: ClientSession, asked: Asked): Promise<void> {
  const { requestId, conversationId, chat } = asked;
  const known = await deps.store.turn(session.subject, conversationId, requestId);
  const composed = known
    ? { text: chat.text ?? '', included: [] }
    : await include(deps.promptsAndResources, chat, deps.maxTextLength);
  if ('code' in composed) return deps.outbox.reply(session.id, errorFrame(requestId, composed, conversationId));
  route(deps, session, { ...asked, rewindTo: null, ...composed, digest: digestOf(JSON.stringify(namedBy(chat))) });
}

function namedBy({ text, prompt, resources }: Chat): unknown[] {
  return [text ?? null, prompt ?? null, resources];
}

async function sendRewind(
  deps: RequestDeps,
  session: ClientSession,
  asked: Asked & { rewindTo: number },
): Promise<void> {
  const { requestId, conversationId, chat, rewindTo } = asked;
  const { store, outbox } = deps;
  const owner = session.subject;
  // The same chat again has left the branch that it went back on; it is still the same chat.
  const [known, point] = await Promise.all([
    store.turn(owner, conversationId, requestId),
    store.rewindPoint(owner, conversationId, rewindTo),
  ]);
  if (known === null && point === null) {
    const message = `payload.rewind_to: expected the seq of a user's message on the branch that the conversation is on; ${rewindTo} is none.`;
    outbox.reply(
      session.id,
      errorFrame(requestId, fault('invalid_request', message, { path: 'payload.rewind_to' }), conversationId),
    );
    return;
  }
  const again = namesSomething(chat) ? namedBy(chat) : [chat.text ?? null];
  const composed =
    known || point === null ? { text: chat.text ?? '', included: [] } : await composeAgain(deps, chat, point);
  if ('code' in composed) return outbox.reply(session.id, errorFrame(requestId, composed, conversationId));
  route(deps, session, { ...asked, ...composed, digest: digestOf(JSON.stringify([rewindTo, ...again])) });
}

/** A chat that says nothing of its own asks the same again, with all that it brought along. */
async function composeAgain(
  { promptsAndResources, maxTextLength }: RequestDeps,
  chat: Chat,
  earlier: Composed,
): Promise<Composed | Fault> {
  if (namesSomething(chat))
    return include(
      promptsAndResources,
      chat.prompt ? chat : { ...chat, text: chat.text ?? earlier.text },
      maxTextLength,
    );
  return chat.text === undefined ? earlier : { text: chat.text, included: [] };
}

function route(
  { registry, streaming }: RequestDeps,
  session: ClientSession,
  asked: Asked & Composed & { rewindTo: number | null; digest: string },
): void {
  const { requestId, conversationId, chat, rewindTo, text, included, digest } = asked;
  const { mode, model = null, metadata = null, cursor = null } = chat;
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
      rewindTo,
      follow: { streaming: chat.streaming ?? streaming, cursor },
    },
  );
}

function digestOf(text: string): string {
  return hash('sha256', text, 'base64url');
}
