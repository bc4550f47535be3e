/**
 * What servers up to 2025-11-25 ask in the middle of a call: a request of theirs, which stays open until a person has
 * answered. They do not say which call it belongs to, so with several under way nobody is asked: it could be the
 * wrong person.
 */
import { ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/client';
import type { Client } from '@modelcontextprotocol/client';
import type { ServerAnswer, ServerAsk } from '../../../machines/conversation/question-types.ts';
import type { HostAnswers, Spending } from './client-features.ts';
import { readAsk, type AskLimits } from './input-request.ts';

/** As the specification has it for a request that a person refuses. */
const REJECTED = -1;

/** A call under way, which can ask the people of its conversation; null when it may ask no more. */
export type Asker = (ask: ServerAsk) => Promise<ServerAnswer> | null;

/** What is known of a call under way. */
export interface AskingCall {
  ask: Asker;
  signal: AbortSignal;
}

/** Before the client connects. `calls`: those that are under way at any time. */
export function listenToAsks(
  client: Client,
  answers: HostAnswers,
  limits: AskLimits,
  calls: ReadonlySet<AskingCall>,
): void {
  const spending = new WeakMap<AskingCall, Spending>();
  const refused = (why: string) => new ProtocolError(ProtocolErrorCode.InvalidRequest, why);

  function theCall(): AskingCall {
    const [call] = calls;
    if (!call || calls.size > 1)
      throw refused('It cannot be told which of several calls this belongs to; nobody was asked.');
    return call;
  }
  async function answerTo(call: AskingCall, ask: ServerAsk): Promise<ServerAnswer> {
    const answered = call.ask(ask);
    if (!answered) throw refused('This call has asked too often.');
    return answered;
  }

  client.setRequestHandler('elicitation/create', async (request) => {
    const ask = readAsk(request, limits);
    if (!ask) throw new ProtocolError(ProtocolErrorCode.InvalidParams, 'This client cannot ask that.');
    return answers.elicited(await answerTo(theCall(), ask));
  });
  if (answers.capabilities.roots) client.setRequestHandler('roots/list', () => answers.roots());
  if (answers.capabilities.sampling)
    client.setRequestHandler('sampling/createMessage', async (request) => {
      const ask = readAsk(request, limits);
      const call = theCall();
      const spent = spending.get(call) ?? { requests: 0 };
      spending.set(call, spent);
      if (ask?.kind !== 'sampling' || !answers.canAnswer(ask, spent))
        throw refused('This client does not ask its model that, or not any more in this call.');
      if (answers.asksPerson(ask) && (await answerTo(call, ask)).action !== 'accept')
        throw new ProtocolError(REJECTED, 'A person did not allow it.');
      const said = await answers.sampled(ask.request, spent, call.signal);
      if (said === null) throw new ProtocolError(ProtocolErrorCode.InternalError, 'The model could not answer.');
      return said;
    });
}
