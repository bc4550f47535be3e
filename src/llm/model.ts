/**
 * Implements the language model with the configured providers, each with its circuit and its queue. The conversation chart
 * decides retries, backoff and the order of fallbacks.
 */
import { isDeepStrictEqual } from 'node:util';
import { fault } from '../errors.ts';
import { apis } from './api/apis.ts';
import { chooseProviders } from './providers/choose-providers.ts';
import type { CircuitLimits } from '../../machines/provider-circuit.ts';
import { createCircuit, type Circuit } from './circuit.ts';
import { createLearnedLimits, type LearnedLimit, type LearnedLimits } from './learned-limits.ts';
import { answerLimit, takesTools } from './providers/request-limits.ts';
import { createProviderClient, type LearningClient } from './stream/client.ts';
import { leftOutTools } from './tools/left-out.ts';
import type { RequiredChange } from './stream/learned-changes.ts';
import type { LanguageModel, ProviderStatus } from './port.ts';
import { withCost } from './providers/prices.ts';
import type { Provider, ProviderBlock } from './providers/provider.ts';
import { createQueuedClient, type QueuedClient } from './queued-client.ts';
import { createTransport, type Transport } from './stream/transport.ts';

/** Values may change: times and limits are read for each request, the choice of providers at `update`. */
export interface LanguageModelOptions {
  /** A provider's name, `demo`, or `auto`: the first preset whose key is set, else `demo`. */
  active: string;
  /** Names of the providers to ask when the active one fails. */
  fallback: readonly string[];
  /** Timeout of TCP and TLS. */
  connectTimeoutMs: number;
  /** From the request to the first word of the answer. Loading a local model may take minutes. */
  firstByteTimeoutMs: number;
  /** Longest silence between two bytes of an answer. */
  stallTimeoutMs: number;
  /** From the finish reason to the end of the stream. */
  finishTimeoutMs: number;
  /** Limits of the circuit breakers. The same object for the life of the model. */
  circuit: CircuitLimits;
  /** Gets every change of a provider's circuit. */
  onCircuitChange(status: ProviderStatus): void;
  /** Gets each change of a request that a provider required, once for a model. */
  onRequiredChange(change: RequiredChange): void;
  /** Gets each limit of a context that a provider has named, and each that is lower. */
  onContextLimit(limit: LearnedLimit): void;
  /** Longest time in the queue of a provider. */
  queueTimeoutMs: number;
  /** Provider blocks by name, as configured. */
  providers: Readonly<Record<string, ProviderBlock>>;
  /** The environment variables with the API keys. */
  env: NodeJS.ProcessEnv;
  /** The embedded offline model. */
  demo: Transport;
}

/** A language model that can change its providers. */
export interface ReloadableModel extends LanguageModel {
  /**
   * Chooses the providers again from the options. A provider with the same endpoint keeps its circuit and its queue. Running
   * answers continue unchanged. Throws as `createLanguageModel` does, and then changes nothing.
   */
  update(): void;
}

/** A provider with its circuit and its queue. */
interface ProviderEntry {
  provider: Provider;
  circuit: Circuit;
  client: QueuedClient;
  limits: LearnedLimits;
  learned: LearningClient['learned'];
}

/**
 * Throws AppError: `provider_missing_key` if a provider in `active` or `fallback` has no API key, `config_invalid` if a name
 * or its model is unknown.
 */
export function createLanguageModel(options: LanguageModelOptions): ReloadableModel {
  const sockets = createTransport(options);
  let entries: ProviderEntry[] = [];
  /** Providers that the last update removed: their last answers still have prices. */
  let removed: ProviderEntry[] = [];

  const createEntry = (provider: Provider): ProviderEntry => {
    const transport = provider.demo ? options.demo : sockets;
    const client = createProviderClient(provider, options, transport);
    const circuit = createCircuit(provider, client, options.circuit, options.onCircuitChange);
    const member: ProviderEntry = {
      provider,
      circuit,
      limits: createLearnedLimits(provider.name, (limit) => options.onContextLimit(limit)),
      learned: client.learned,
      client: createQueuedClient(provider, circuit, () => ({
        ...member.provider.limits,
        maxWaitMs: options.queueTimeoutMs,
      })),
    };
    return member;
  };
  const update = () => {
    const chosen = chooseProviders(options);
    const before = entries;
    entries = chosen.map((provider) => {
      const known = before.find((member) => isSameEndpoint(member.provider, provider));
      if (!known) return createEntry(provider);
      known.provider = provider;
      return known;
    });
    removed = before.filter((member) => !entries.includes(member));
    for (const { client } of entries) client.refresh();
  };
  const find = (name: string) => entries.find(({ provider }) => provider.name === name);

  update();
  return {
    update,
    get providers() {
      return entries.map(({ provider: { name, model, allowedModels, demo } }) => ({
        name,
        model,
        allowedModels,
        demo,
      }));
    },
    modelFor(name, requested) {
      const provider = find(name)?.provider;
      return requested !== null && provider?.allowedModels.includes(requested) ? requested : (provider?.model ?? '');
    },
    window(name, model) {
      const member = find(name);
      if (!member)
        return {
          answerLimit: null,
          limitTokens: null,
          takesTools: true,
          hasRejectedTools: false,
          sendsReasoning: false,
        };
      const hasRejectedTools = member.learned.hasRejectedTools(model);
      return {
        answerLimit: answerLimit(member.provider, model),
        limitTokens: member.limits.of(model),
        takesTools: takesTools(member.provider, model) && !hasRejectedTools,
        hasRejectedTools,
        // The Responses and the Messages API always get it.
        sendsReasoning: member.provider.api !== apis.chat || member.provider.passBackReasoning.length > 0,
      };
    },
    leftOut(name, model, tools) {
      const member = find(name);
      return member === undefined
        ? new Map()
        : leftOutTools(tools, member.provider, member.learned.rejectedTools(model));
    },
    priced(name, usage, models) {
      const member = find(name) ?? removed.find(({ provider }) => provider.name === name);
      return withCost(usage, member?.provider.prices ?? new Map(), models);
    },
    status: () =>
      entries.map(({ provider, circuit, client }) => ({
        ...circuit.status(),
        model: provider.model,
        ...client.load(),
      })),
    async stream(request, sink, signal) {
      const member = find(request.provider);
      if (member) {
        const end = await member.client.stream(request, sink, signal);
        if (end.status === 'failed') member.limits.learn(request, end.fault);
        return end;
      }
      const unknown = fault('internal', `Unknown provider "${request.provider}".`);
      return { status: 'failed', fault: unknown, retryAfterMs: null };
    },
  };
}

/** Compares everything that a request depends on, except the model, which the request names. */
function isSameEndpoint(one: Provider, other: Provider): boolean {
  const endpointOf = ({
    model: _model,
    allowedModels: _allowed,
    prices: _prices,
    limits: _limits,
    ...endpoint
  }: Provider) => endpoint;
  return isDeepStrictEqual(endpointOf(one), endpointOf(other));
}
