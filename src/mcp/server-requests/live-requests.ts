/**
 * Answers requests that servers up to 2025-11-25 send in the middle of a call: elicitation, sampling, roots. Such a
 * request stays open until a person has answered. It does not name its call, so with several calls running no person
 * is asked: it could be the wrong person.
 */
import { ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/client';
import type { Client } from '@modelcontextprotocol/client';
import type { ServerAnswer, ServerRequest } from '../../../machines/conversation/question-types.ts';
import type { ClientFeatures, SamplingUse } from './client-features.ts';
import { readInputRequest, type InputRequestLimits } from './input-request.ts';

/** The specification's code for a request that a person refuses. */
const REJECTED = -1;

/** Asks the people of the call's conversation. Returns null if the call has used up its questions. */
export type RequestInput = (inputRequest: ServerRequest) => Promise<ServerAnswer> | null;

/** A call to which a request may belong. */
export interface RunningCall {
  requestInput: RequestInput;
  signal: AbortSignal;
}

/** Registers the handlers; call it before the client connects. `calls` is the live set of running calls. */
export function handleServerRequests(
  client: Client,
  clientFeatures: ClientFeatures,
  limits: InputRequestLimits,
  calls: ReadonlySet<RunningCall>,
): void {
  const samplingUse = new WeakMap<RunningCall, SamplingUse>();
  const invalidRequest = (why: string) => new ProtocolError(ProtocolErrorCode.InvalidRequest, why);

  function onlyCall(): RunningCall {
    const [call] = calls;
    if (!call || calls.size > 1)
      throw invalidRequest(
        'The client cannot assign this request to one of its running calls, so it has asked no person.',
      );
    return call;
  }
  async function inputFor(call: RunningCall, inputRequest: ServerRequest): Promise<ServerAnswer> {
    const answer = call.requestInput(inputRequest);
    if (!answer) throw invalidRequest('This call has used up its questions to people.');
    return answer;
  }

  client.setRequestHandler('elicitation/create', async (request) => {
    const inputRequest = readInputRequest(request, limits);
    if (!inputRequest)
      throw new ProtocolError(ProtocolErrorCode.InvalidParams, 'The client does not support this elicitation.');
    return clientFeatures.elicitResult(await inputFor(onlyCall(), inputRequest));
  });
  if (clientFeatures.capabilities.roots) client.setRequestHandler('roots/list', () => clientFeatures.rootsResult());
  if (clientFeatures.capabilities.sampling)
    client.setRequestHandler('sampling/createMessage', async (request) => {
      const inputRequest = readInputRequest(request, limits);
      const call = onlyCall();
      const used = samplingUse.get(call) ?? { requests: 0 };
      samplingUse.set(call, used);
      if (inputRequest?.kind !== 'sampling' || !clientFeatures.canAnswer(inputRequest, used))
        throw invalidRequest(
          'The client does not support this sampling request, or the call has used up its requests.',
        );
      if (clientFeatures.needsPerson(inputRequest) && (await inputFor(call, inputRequest)).action !== 'accept')
        throw new ProtocolError(REJECTED, 'A person did not allow the sampling request.');
      const result = await clientFeatures.samplingResult(inputRequest.request, used, call.signal);
      if (result === null) throw new ProtocolError(ProtocolErrorCode.InternalError, 'The request to the model failed.');
      return result;
    });
}
