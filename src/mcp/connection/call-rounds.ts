/**
 * Makes a call in rounds: a server of 2026-07-28 may return input requests, and the client calls again with the
 * responses. Parley answers what it can by itself. If a request needs a person, the call is suspended here and made
 * again with the answer at any later time. Up to 2025-11-25 a call has one round.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { SdkError, SdkErrorCode } from '@modelcontextprotocol/client';
import type { CallToolRequestOptions, CallToolResult, Client, InputResponse } from '@modelcontextprotocol/client';
import { z } from 'zod';
import type {
  AnsweredRequest,
  KeyedRequest,
  Resumption,
  TaskHandle,
} from '../../../machines/conversation/question-types.ts';
import type { ClientFeatures, SamplingUse } from '../server-requests/client-features.ts';
import { taskOfResult } from './task-result.ts';
import { isLargerThan, readInputRequest, type InputRequestLimits } from '../server-requests/input-request.ts';

/** The limits of one call. */
export interface RoundLimits extends InputRequestLimits {
  /** Questions to people that one call may ask. */
  maxQuestions: number;
}

/** The connection's parts that a call uses. */
export interface RoundsDeps {
  client: Pick<Client, 'callTool'>;
  clientFeatures: ClientFeatures;
  limits: RoundLimits;
}

/** `suspended`: the requests that people have to answer, and what the call is then made again with. */
export type RoundsEnd =
  | { result: CallToolResult }
  | { task: TaskHandle }
  | { suspended: { inputRequests: KeyedRequest[]; resume: Resumption } };

/** Turns the SDK's own loop off. The SDK then passes the input requests on as the data of its error. */
export const NO_ROUNDS = { maxRounds: 0 } as const;

/** Rounds without a question to a person. It bounds a server that never finishes. */
const MAX_ROUNDS = 10;
/** Pause before the next round of a call that the server suspended without a request, to shed load. */
const LOAD_PAUSE_MS = 250;

/** The first round of a call. */
const NOTHING_RESUMED: Resumption = { requestState: null, answered: [], questions: 0, workedMs: 0, task: null };

const lastResult = z.object({
  lastResult: z.object({
    inputRequests: z.record(z.string(), z.unknown()).default({}),
    requestState: z.string().optional(),
  }),
});

/** Rejects with the SDK's errors, and with one of them if the server requests what Parley does not support. */
export async function callInRounds(
  { client, clientFeatures, limits }: RoundsDeps,
  params: Parameters<Client['callTool']>[0],
  options: CallToolRequestOptions & { signal: AbortSignal },
  resumption: Resumption | null,
): Promise<RoundsEnd> {
  let resume: Resumption = resumption ?? NOTHING_RESUMED;
  // Each sampling request that a person allowed is made; those that Parley answers by itself count against the budget.
  const used: SamplingUse = { requests: 0 };
  for (let round = 0; round <= MAX_ROUNDS; round += 1) {
    const outcome = await callRound(
      client,
      { ...params, ...(await retryParams(resume, clientFeatures, used, options.signal)) },
      options,
    );
    if ('result' in outcome) {
      const task = taskOfResult(outcome.result);
      return task === null ? outcome : { task };
    }
    const requestState = outcome.requestState ?? null;
    if (isLargerThan(requestState, limits.maxQuestionBytes)) throw unusable(UNSUPPORTED);
    const { forPeople, answered } = sortRequests(outcome.inputRequests, resume, { clientFeatures, limits }, used);
    if (forPeople.length > 0)
      return {
        suspended: {
          inputRequests: forPeople,
          resume: { ...resume, requestState, answered, questions: resume.questions + 1 },
        },
      };
    resume = { ...resume, requestState, answered };
    if (Object.keys(outcome.inputRequests).length === 0)
      await pause(LOAD_PAUSE_MS, undefined, { signal: options.signal });
  }
  throw unusable(`did not finish the call in ${MAX_ROUNDS} rounds`);
}

const UNSUPPORTED = 'requested input that Parley does not support';

/** Sorts a server's requests into those that people answer and those that Parley has answered. Throws if it supports one of them not, or if there are too many. */
export function sortRequests(
  inputRequests: Record<string, unknown>,
  { questions }: Pick<Resumption, 'questions'>,
  { clientFeatures, limits }: Omit<RoundsDeps, 'client'>,
  used: SamplingUse,
): { forPeople: KeyedRequest[]; answered: AnsweredRequest[] } {
  const requested = Object.entries(inputRequests).map(([key, value]) => ({
    key,
    ask: readInputRequest(value, limits),
  }));
  const supported = requested.flatMap(({ key, ask }): KeyedRequest[] =>
    ask && clientFeatures.canAnswer(ask, used) ? [{ key, ask }] : [],
  );
  if (supported.length < requested.length) throw unusable(UNSUPPORTED);
  const forPeople = supported.filter(({ ask }) => clientFeatures.needsPerson(ask));
  if (questions + forPeople.length > limits.maxQuestions)
    throw unusable(`has used up its questions to people: one call may ask ${limits.maxQuestions}`);
  const answered = supported
    .filter((each) => !forPeople.includes(each))
    .map((each): AnsweredRequest => ({ ...each, answer: { action: 'accept', content: null } }));
  return { forPeople, answered };
}

type RoundOutcome = { result: CallToolResult } | z.output<typeof lastResult>['lastResult'];

async function callRound(
  client: RoundsDeps['client'],
  params: Parameters<Client['callTool']>[0],
  options: CallToolRequestOptions,
): Promise<RoundOutcome> {
  try {
    return { result: await client.callTool(params, options) };
  } catch (error) {
    const { data } = lastResult.safeParse(
      error instanceof SdkError && error.code === SdkErrorCode.InputRequiredRoundsExceeded ? error.data : null,
    );
    if (data) return data.lastResult;
    throw error;
  }
}

/** Returns the responses to requests, by the server's own keys. Rejects if the request to the model failed. */
export async function inputResponses(
  answered: readonly AnsweredRequest[],
  clientFeatures: ClientFeatures,
  used: SamplingUse,
  signal: AbortSignal,
): Promise<Record<string, InputResponse>> {
  const responses = await Promise.all(
    answered.map(async (each) => [each.key, await responseTo(each, clientFeatures, used, signal)] as const),
  );
  return Object.fromEntries(responses);
}

/** Returns the responses of the next round; nothing in the first. The server gets its own state back unchanged. */
async function retryParams(
  { requestState, answered }: Resumption,
  clientFeatures: ClientFeatures,
  used: SamplingUse,
  signal: AbortSignal,
) {
  const responses = await inputResponses(answered, clientFeatures, used, signal);
  return {
    ...(answered.length === 0 ? {} : { inputResponses: responses }),
    ...(requestState === null ? {} : { requestState }),
  };
}

async function responseTo(
  { ask, answer }: AnsweredRequest,
  clientFeatures: ClientFeatures,
  used: SamplingUse,
  signal: AbortSignal,
): Promise<InputResponse> {
  switch (ask.kind) {
    case 'roots':
      return clientFeatures.rootsResult();
    case 'sampling': {
      const result = await clientFeatures.samplingResult(ask.request, used, signal);
      if (result === null) throw unusable('sent a sampling request, and the request to the model failed');
      return result;
    }
    case 'form':
    case 'url':
      return clientFeatures.elicitResult(answer);
  }
}

/** For a server that has answered with something that Parley cannot use. */
export function unusable(what: string): SdkError {
  return new SdkError(SdkErrorCode.InvalidResult, `The server of this tool ${what}.`);
}
