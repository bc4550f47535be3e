/**
 * Puts configured providers behind the port of the language model, each with its circuit and the
 * line before it. Retries, backoff and the order of fallbacks belong to the conversation chart.
 */
import { fault } from '../errors.ts';
import { chooseProviders } from './choose-providers.ts';
import { createCircuit, type CircuitOptions } from './circuit.ts';
import { createProviderClient } from './client.ts';
import type { LanguageModel } from './port.ts';
import { withCost } from './prices.ts';
import type { ProviderBlock } from './provider.ts';
import { createQueuedClient } from './queued-client.ts';
import { createTransport, type Transport } from './transport.ts';

export interface LanguageModelOptions {
  /** A provider's name, `demo`, or `auto`: the first preset whose key is set, else `demo`. */
  active: string;
  /** Names of the providers to ask when the active one fails. */
  fallback: readonly string[];
  /** Until TCP (and TLS) stand. */
  connectTimeoutMs: number;
  /** From the request to the first byte of the answer; loading a local model may take minutes. */
  firstByteTimeoutMs: number;
  /** Longest silence between two bytes of an answer. */
  stallTimeoutMs: number;
  /** When a provider that fails is left alone. */
  circuit: CircuitOptions;
  /** How long a request may stand in line for a provider. */
  queueTimeoutMs: number;
  /** Provider blocks by name, as configured. */
  providers: Readonly<Record<string, ProviderBlock>>;
  /** Where keys are read, by name of variable. */
  env: NodeJS.ProcessEnv;
  /** The embedded offline model. */
  demo: Transport;
}

/**
 * Throws AppError at creation only: `provider_missing_key` if a provider named by `active` or
 * `fallback` has no key, `config_invalid` if a name or its model is unknown.
 */
export function createLanguageModel(options: LanguageModelOptions): LanguageModel {
  const providers = chooseProviders(options);
  const sockets = createTransport({ connectTimeoutMs: options.connectTimeoutMs });
  const members = providers.map((provider) => {
    const transport = provider.demo ? options.demo : sockets;
    const circuit = createCircuit(provider, createProviderClient(provider, { ...options, transport }), options.circuit);
    return { name: provider.name, circuit, client: createQueuedClient(provider, circuit, options.queueTimeoutMs) };
  });
  return {
    providers: providers.map(({ name, model, allowedModels, demo }) => ({ name, model, allowedModels, demo })),
    modelFor(name, wished) {
      const provider = providers.find((candidate) => candidate.name === name);
      return wished !== null && provider?.allowedModels.includes(wished) ? wished : (provider?.model ?? '');
    },
    priced: (name, usage, models) => withCost(usage, providers.find((candidate) => candidate.name === name)?.prices ?? new Map(), models),
    status: () => members.map(({ circuit, client }) => ({ ...circuit.status(), ...client.load() })),
    async stream(request, sink, signal) {
      const member = members.find(({ name }) => name === request.provider);
      if (member) return member.client.stream(request, sink, signal);
      const unknown = fault('internal', `There is no provider "${request.provider}".`);
      return { status: 'failed', fault: unknown, retryAfterMs: null };
    },
  };
}
