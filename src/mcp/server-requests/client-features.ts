/**
 * What Parley answers when servers ask: of its own accord, as the configuration has it, or what a person has said.
 * It asks nobody itself.
 */
import { pathToFileURL } from 'node:url';
import type {
  ClientCapabilities,
  CreateMessageResult,
  ElicitResult,
  ListRootsResult,
} from '@modelcontextprotocol/client';
import type { ServerAnswer, ServerAsk } from '../../../machines/conversation/question-types.ts';
import { readSampling, samplingResultOf, type Sample } from './sampling.ts';

/** Read at each request of a server. */
export interface SamplingPolicy {
  /** `never`: no server is told that it may ask. */
  permission: 'ask' | 'always' | 'never';
  /** Of one answer. */
  maxTokens: number;
  /** Requests to the model that one call may make. */
  requestsPerCall: number;
  sample: Sample;
}

export interface ClientFeaturesOptions {
  /** Folders that servers may use, absolute. */
  roots: readonly string[];
  sampling: SamplingPolicy;
}

/** What one call has cost so far. */
export interface SamplingUse {
  requests: number;
}

export interface ClientFeatures {
  /** As servers are told them at the handshake; what is not among them nobody should ask for. */
  readonly capabilities: ClientCapabilities;
  /** Whether there is an answer at all; `spent` is the call's. */
  canAnswer(ask: ServerAsk, spent: SamplingUse): boolean;
  /** False for what is answered without a person. */
  needsPerson(ask: ServerAsk): boolean;
  /** The results for servers, in the wire's words. */
  elicitResult(answer: ServerAnswer): ElicitResult;
  rootsResult(): ListRootsResult;
  /** Null when no model could be asked. */
  samplingResult(
    request: Record<string, unknown>,
    spent: SamplingUse,
    signal: AbortSignal,
  ): Promise<CreateMessageResult | null>;
}

export function createClientFeatures(options: ClientFeaturesOptions): ClientFeatures {
  return {
    get capabilities() {
      const { roots, sampling } = options;
      return {
        elicitation: { form: {}, url: {} },
        ...(roots.length === 0 ? {} : { roots: {} }),
        ...(sampling.permission === 'never' ? {} : { sampling: {} }),
      };
    },
    canAnswer(ask, { requests }) {
      const { permission, requestsPerCall, maxTokens } = options.sampling;
      return (
        ask.kind !== 'sampling' ||
        (permission !== 'never' && requests < requestsPerCall && readSampling(ask.request, maxTokens) !== null)
      );
    },
    needsPerson: ({ kind }) =>
      kind === 'form' || kind === 'url' || (kind === 'sampling' && options.sampling.permission === 'ask'),
    elicitResult: ({ action, content }) => ({ action, ...(content === null ? {} : { content }) }),
    rootsResult: () => ({ roots: options.roots.map((folder) => ({ uri: pathToFileURL(folder).href })) }),
    async samplingResult(request, spent, signal) {
      const read = readSampling(request, options.sampling.maxTokens);
      spent.requests += 1;
      const said = read && (await options.sampling.sample(read, signal));
      return said && samplingResultOf(said);
    },
  };
}
