/**
 * What Parley answers when servers ask: of its own accord, as the configuration has it, or what a person has said.
 * It asks nobody itself.
 */
import { pathToFileURL } from 'node:url';
import type { ClientCapabilities, ElicitResult, InputResponse, ListRootsResult } from '@modelcontextprotocol/client';
import type { AnsweredAsk, ServerAnswer, ServerAsk } from '../../machines/server-question.ts';

export interface HostAnswersOptions {
  /** Folders that servers may use, absolute. */
  roots: readonly string[];
}

export interface HostAnswers {
  /** As servers are told them; what is not among them nobody should ask for. */
  readonly capabilities: ClientCapabilities;
  /** False for what is answered without a person. */
  asksPerson(ask: ServerAsk): boolean;
  /** The results for servers, in the wire's words. */
  elicited(answer: ServerAnswer): ElicitResult;
  roots(): ListRootsResult;
}

export function createHostAnswers({ roots }: HostAnswersOptions): HostAnswers {
  const listed = roots.map((folder) => ({ uri: pathToFileURL(folder).href }));
  return {
    capabilities: { elicitation: { form: {}, url: {} }, ...(roots.length === 0 ? {} : { roots: {} }) },
    asksPerson: ({ kind }) => kind !== 'roots',
    elicited: ({ action, content }) => ({ action, ...(content === null ? {} : { content }) }),
    roots: () => ({ roots: listed }),
  };
}

/** What a server is told, whatever it has asked. */
export async function resultOf(answers: HostAnswers, { ask, answer }: Pick<AnsweredAsk, 'ask' | 'answer'>): Promise<InputResponse> {
  return ask.kind === 'roots' ? answers.roots() : answers.elicited(answer);
}
