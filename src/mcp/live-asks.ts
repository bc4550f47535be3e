/**
 * What servers up to 2025-11-25 ask in the middle of a call: a request of theirs, which stays open until a person has
 * answered. They do not say which call it belongs to, so with several under way nobody is asked: it could be the
 * wrong person.
 */
import { ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/client';
import type { Client } from '@modelcontextprotocol/client';
import type { ServerAnswer, ServerAsk } from '../../machines/server-question.ts';
import type { HostAnswers } from './host-answers.ts';
import { readAsk, type AskLimits } from './server-asks.ts';

/** A call under way, which can ask the people of its conversation; null when it may ask no more. */
export type Asker = (ask: ServerAsk) => Promise<ServerAnswer> | null;

/** Before the client connects. `calls`: those that are under way at any time. */
export function listenToAsks(client: Client, answers: HostAnswers, limits: AskLimits, calls: ReadonlySet<{ ask: Asker }>): void {
  const refused = (why: string) => new ProtocolError(ProtocolErrorCode.InvalidRequest, why);

  async function answerTo(request: unknown): Promise<ServerAnswer> {
    const ask = readAsk(request, limits);
    if (!ask) throw new ProtocolError(ProtocolErrorCode.InvalidParams, 'This client cannot ask that.');
    const [call] = calls;
    if (!call || calls.size > 1) throw refused('It cannot be told which of several calls this belongs to; nobody was asked.');
    const answered = call.ask(ask);
    if (!answered) throw refused('This call has asked too often.');
    return answered;
  }

  client.setRequestHandler('elicitation/create', async (request) => answers.elicited(await answerTo(request)));
  if (answers.capabilities.roots) client.setRequestHandler('roots/list', () => answers.roots());
}
