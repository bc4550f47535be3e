/**
 * Implements MCP's client features (elicitation, sampling, roots): declares the capabilities and makes the results for
 * servers. It decides what needs a person, and asks no person itself.
 */
import { pathToFileURL } from 'node:url';
import type {
  ClientCapabilities,
  CreateMessageResult,
  ElicitResult,
  ListRootsResult,
} from '@modelcontextprotocol/client';
import type { ServerAnswer, ServerRequest } from '../../../machines/conversation/question-types.ts';
import { readSampling, samplingResultOf, type Sample } from './sampling.ts';

/** Read at each request of a server. */
export interface SamplingPolicy {
  /** `never`: the capability is not declared to servers. */
  permission: 'ask' | 'always' | 'never';
  /** Of one answer. */
  maxTokens: number;
  /** Requests to the model that one call may make. */
  requestsPerCall: number;
  sample: Sample;
}

/** What servers may ask for. */
export interface ClientFeaturesOptions {
  /** Folders that servers may use, as absolute paths. */
  roots: readonly string[];
  sampling: SamplingPolicy;
}

/** Since 2026-07-28 a server may answer a call with a task if the client declares this extension. */
const TASKS_EXTENSION = 'io.modelcontextprotocol/tasks';

/** Requests to the model that one call has made so far. */
export interface SamplingUse {
  requests: number;
}

/** The features for all servers. */
export interface ClientFeatures {
  /** As declared to servers at the handshake. */
  readonly capabilities: ClientCapabilities;
  /** False if Parley must reject the request. `used` belongs to the call. */
  canAnswer(inputRequest: ServerRequest, used: SamplingUse): boolean;
  /** False if Parley answers without a person. */
  needsPerson(inputRequest: ServerRequest): boolean;
  elicitResult(answer: ServerAnswer): ElicitResult;
  rootsResult(): ListRootsResult;
  /** Counts the request in `used`. Null if the request to the model failed. */
  samplingResult(
    request: Record<string, unknown>,
    used: SamplingUse,
    signal: AbortSignal,
  ): Promise<CreateMessageResult | null>;
}

/** Creates the features of one server. */
export function createClientFeatures(options: ClientFeaturesOptions): ClientFeatures {
  return {
    get capabilities() {
      const { roots, sampling } = options;
      return {
        elicitation: { form: {}, url: {} },
        extensions: { [TASKS_EXTENSION]: {} },
        ...(roots.length === 0 ? {} : { roots: {} }),
        ...(sampling.permission === 'never' ? {} : { sampling: {} }),
      };
    },
    canAnswer(inputRequest, { requests }) {
      const { permission, requestsPerCall, maxTokens } = options.sampling;
      return (
        inputRequest.kind !== 'sampling' ||
        (permission !== 'never' && requests < requestsPerCall && readSampling(inputRequest.request, maxTokens) !== null)
      );
    },
    needsPerson: ({ kind }) =>
      kind === 'form' || kind === 'url' || (kind === 'sampling' && options.sampling.permission === 'ask'),
    elicitResult: ({ action, content }) => ({ action, ...(content === null ? {} : { content }) }),
    rootsResult: () => ({ roots: options.roots.map((folder) => ({ uri: pathToFileURL(folder).href })) }),
    async samplingResult(request, used, signal) {
      const sampling = readSampling(request, options.sampling.maxTokens);
      used.requests += 1;
      const answer = sampling && (await options.sampling.sample(sampling, signal));
      return answer && samplingResultOf(answer);
    },
  };
}
