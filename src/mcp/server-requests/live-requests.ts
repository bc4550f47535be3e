/**
 * What servers up to 2025-11-25 ask in the middle of a call: a request of theirs, which stays open until a person has
 * answered. They do not say which call it belongs to, so with several under way nobody is asked: it could be the
 * wrong person.
 */
import { ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/client';
import type { Client } from '@modelcontextprotocol/client';
import type { ServerAnswer, ServerAsk } from '../../../machines/conversation/question-types.ts';
import type { ClientFeatures, SamplingUse } from './client-features.ts';
import { readInputRequest, type InputRequestLimits } from './input-request.ts';

/** As the specification has it for a request that a person refuses. */
const REJECTED = -1;

/** A call under way, which can ask the people of its conversation; null when it may ask no more. */
export type RequestInput = (ask: ServerAsk) => Promise<ServerAnswer> | null;

/** What is known of a call under way. */
export interface RunningCall {
  requestInput: RequestInput;
  signal: AbortSignal;
}

/** Before the client connects. `calls`: those that are under way at any time. */
export function handleServerRequests(
  client: Client,
  answers: ClientFeatures,
  limits: InputRequestLimits,
  calls: ReadonlySet<RunningCall>,
): void {
  const spending = new WeakMap<RunningCall, SamplingUse>();
  const refused = (why: string) => new ProtocolError(ProtocolErrorCode.InvalidRequest, why);

  function theCall(): RunningCall {
    const [call] = calls;
    if (!call || calls.size > 1)
      throw refused('It cannot be told which of several calls this belongs to; nobody was asked.');
    return call;
  }
  async function answerTo(call: RunningCall, ask: ServerAsk): Promise<ServerAnswer> {
    const answered = call.requestInput(ask);
    if (!answered) throw refused('This call has asked too often.');
    return answered;
  }

  client.setRequestHandler('elicitation/create', async (request) => {
    const ask = readInputRequest(request, limits);
    if (!ask) throw new ProtocolError(ProtocolErrorCode.InvalidParams, 'This client cannot ask that.');
    return answers.elicitResult(await answerTo(theCall(), ask));
  });
  if (answers.capabilities.roots) client.setRequestHandler('roots/list', () => answers.rootsResult());
  if (answers.capabilities.sampling)
    client.setRequestHandler('sampling/createMessage', async (request) => {
      const ask = readInputRequest(request, limits);
      const call = theCall();
      const spent = spending.get(call) ?? { requests: 0 };
      spending.set(call, spent);
      if (ask?.kind !== 'sampling' || !answers.canAnswer(ask, spent))
        throw refused('This client does not ask its model that, or not any more in this call.');
      if (answers.needsPerson(ask) && (await answerTo(call, ask)).action !== 'accept')
        throw new ProtocolError(REJECTED, 'A person did not allow it.');
      const said = await answers.samplingResult(ask.request, spent, call.signal);
      if (said === null) throw new ProtocolError(ProtocolErrorCode.InternalError, 'The model could not answer.');
      return said;
    });
}
