/**
 * A call to a server of 2026-07-28, which may lay it down to ask something and has to be called again with the
 * answer. What Parley can answer by itself it does; for what only people can, the call ends here, to be taken up
 * with their answers at any later time. Up to 2025-11-25 a call has one round.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { SdkError, SdkErrorCode } from '@modelcontextprotocol/client';
import type { CallToolRequestOptions, CallToolResult, Client, InputResponse } from '@modelcontextprotocol/client';
import { z } from 'zod';
import type { AnsweredAsk, KeyedAsk, Resumption } from '../../../machines/conversation/question-types.ts';
import type { ClientFeatures, SamplingUse } from '../server-requests/client-features.ts';
import { readInputRequest, isLargerThan, type InputRequestLimits } from '../server-requests/input-request.ts';

export interface RoundLimits extends InputRequestLimits {
  /** Questions to people that one call may ask. */
  maxQuestions: number;
}

export interface RoundsDeps {
  client: Pick<Client, 'callTool'>;
  clientFeatures: ClientFeatures;
  limits: RoundLimits;
}

/** `suspended`: what people have to answer, and what the call is then made again with. */
export type RoundsEnd = { result: CallToolResult } | { suspended: { inputRequests: KeyedAsk[]; resume: Resumption } };

/** The SDK's own loop is turned off: it hands over what the server asks, as this error's data. */
export const NO_ROUNDS = { maxRounds: 0 } as const;

/** Rounds in which nobody is asked anything: a server could go on for ever. */
const MAX_ROUNDS = 10;
/** Wait before a call is made again that the server suspended without a request, to shed load. */
const LOAD_PAUSE_MS = 250;

const lastResult = z.object({
  lastResult: z.object({
    inputRequests: z.record(z.string(), z.unknown()).default({}),
    requestState: z.string().optional(),
  }),
});

/** Rejects as the SDK does, and for a server that asks what cannot be asked. */
export async function callInRounds(
  { client, clientFeatures: answers, limits }: RoundsDeps,
  params: { name: string; arguments: Record<string, unknown> },
  options: CallToolRequestOptions & { signal: AbortSignal },
  taken: Resumption | null,
): Promise<RoundsEnd> {
  let resume: Resumption = taken ?? { requestState: null, answered: [], questions: 0, workedMs: 0 };
  // What people have allowed, they have allowed; of its own accord a call spends no more than its budget.
  const spent: SamplingUse = { requests: 0 };
  for (let round = 0; round <= MAX_ROUNDS; round += 1) {
    const outcome = await callRound(
      client,
      { ...params, ...(await retryParams(resume, answers, spent, options.signal)) },
      options,
    );
    if ('result' in outcome) return outcome;
    const asks = Object.entries(outcome.inputRequests).map(([key, value]) => ({
      key,
      ask: readInputRequest(value, limits),
    }));
    const readable = asks.flatMap(({ key, ask }): KeyedAsk[] =>
      ask && answers.canAnswer(ask, spent) ? [{ key, ask }] : [],
    );
    const requestState = outcome.requestState ?? null;
    if (readable.length < asks.length || isLargerThan(requestState, limits.maxQuestionBytes))
      throw unusable('asked for something that this client cannot give');
    const forPeople = readable.filter(({ ask }) => answers.needsPerson(ask));
    const answered = readable
      .filter((asked) => !forPeople.includes(asked))
      .map((asked): AnsweredAsk => ({ ...asked, answer: { action: 'accept', content: null } }));
    if (resume.questions + forPeople.length > limits.maxQuestions)
      throw unusable(`asked people more than ${limits.maxQuestions} questions in one call`);
    if (forPeople.length > 0)
      return {
        suspended: {
          inputRequests: forPeople,
          resume: { ...resume, requestState, answered, questions: resume.questions + 1 },
        },
      };
    resume = { ...resume, requestState, answered };
    if (asks.length === 0) await pause(LOAD_PAUSE_MS, undefined, { signal: options.signal });
  }
  throw unusable(`did not finish the call in ${MAX_ROUNDS} rounds`);
}

type Outcome = { result: CallToolResult } | z.output<typeof lastResult>['lastResult'];

async function callRound(
  client: RoundsDeps['client'],
  params: Parameters<Client['callTool']>[0],
  options: CallToolRequestOptions,
): Promise<Outcome> {
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

/** What a call is made again with; nothing the first time. The server's state goes back as it came. */
async function retryParams(
  { requestState, answered }: Resumption,
  answers: ClientFeatures,
  spent: SamplingUse,
  signal: AbortSignal,
) {
  const results = await Promise.all(
    answered.map(async (each) => [each.key, await resultOf(each, answers, spent, signal)] as const),
  );
  return {
    ...(results.length === 0 ? {} : { inputResponses: Object.fromEntries(results) }),
    ...(requestState === null ? {} : { requestState }),
  };
}

/** What the server is told, whatever it has asked. */
async function resultOf(
  { ask, answer }: AnsweredAsk,
  answers: ClientFeatures,
  spent: SamplingUse,
  signal: AbortSignal,
): Promise<InputResponse> {
  switch (ask.kind) {
    case 'roots':
      return answers.rootsResult();
    case 'sampling': {
      const said = await answers.samplingResult(ask.request, spent, signal);
      if (said === null) throw unusable('asked the model, which could not answer');
      return said;
    }
    case 'form':
    case 'url':
      return answers.elicitResult(answer);
  }
}

/** The server has answered, with what is of no use. */
function unusable(what: string): SdkError {
  return new SdkError(SdkErrorCode.InvalidResult, `The server of this tool ${what}.`);
}
