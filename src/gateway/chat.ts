/**
 * The action `chat`: from the request to the conversation's event. What a chat that goes back stands in for is
 * looked up in the log first; every other chat is handed on at once.
 */
import { hash } from 'node:crypto';
import { fault } from '../errors.ts';
import { errorFrame } from '../protocol/frames.ts';
import type { Request } from '../protocol/requests.ts';
import type { RequestDeps } from './requests.ts';
import type { ClientSession } from './session.ts';

type Chat = Extract<Request, { action: 'chat' }>['payload'];

/** Null when the chat is on its way; else the lookup, which rejects when the log cannot be read. */
export function sendChat(deps: RequestDeps, session: ClientSession, requestId: string, chat: Chat): Promise<void> | null {
  const conversationId = chat.conversation_id ?? session.ownConversation();
  if (chat.rewind_to !== undefined) return sendRewind(deps, session, { requestId, conversationId, chat, rewindTo: chat.rewind_to });
  const text = chat.text ?? '';
  route(deps, session, { requestId, conversationId, chat, rewindTo: null, text, digest: digestOf(text) });
  return null;
}

interface Asked {
  requestId: string;
  conversationId: string;
  chat: Chat;
}

async function sendRewind(deps: RequestDeps, session: ClientSession, asked: Asked & { rewindTo: number }): Promise<void> {
  const { requestId, conversationId, chat, rewindTo } = asked;
  const { store, outbox } = deps;
  const owner = session.subject;
  // The same chat again has left the branch that it went back on; it is still the same chat.
  const [known, point] = await Promise.all([store.turn(owner, conversationId, requestId), store.rewindPoint(owner, conversationId, rewindTo)]);
  if (known === null && point === null) {
    const message = `payload.rewind_to: expected the seq of a user's message on the branch that the conversation is on; ${rewindTo} is none.`;
    outbox.reply(session.id, errorFrame(requestId, fault('invalid_request', message, { path: 'payload.rewind_to' }), conversationId));
    return;
  }
  const earlier = known ? known.rows.find(({ type }) => type === 'user_message')?.content : point?.text;
  const digest = digestOf(JSON.stringify([rewindTo, chat.text ?? null]));
  route(deps, session, { ...asked, text: chat.text ?? earlier ?? '', digest });
}

function route({ registry, streaming }: RequestDeps, session: ClientSession, asked: Asked & { rewindTo: number | null; text: string; digest: string }): void {
  const { requestId, conversationId, chat, rewindTo, text, digest } = asked;
  const { mode, model = null, metadata = null, cursor = null } = chat;
  registry.route({ owner: session.subject, conversationId }, {
    type: 'client.chat', session: session.id, requestId, text, digest, mode, model, metadata, rewindTo,
    follow: { streaming: chat.streaming ?? streaming, cursor },
  });
}

function digestOf(text: string): string {
  return hash('sha256', text, 'base64url');
}
