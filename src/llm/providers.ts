/**
 * Who may be asked: the table of known endpoints, and how configured blocks, keys and `auto`
 * become providers. The only file that reads a key; a key never goes to a base URL it was not
 * set for, so a block with its own `base_url` names its own `api_key_env` or gets none.
 */
import { AppError } from '../errors.ts';
import { azureEndpoint, isAzureHost } from './azure.ts';
import { knownEcho, type EchoField } from './echo.ts';
import type { Prices } from './prices.ts';

/** A provider's block as configured. Every key not named here goes into the request body unchanged. */
export interface ProviderBlock {
  base_url?: string | undefined;
  /** Name of the environment variable that holds the key. */
  api_key_env?: string | undefined;
  model?: string | undefined;
  /** Models that a chat may name instead. */
  allowed_models?: string[] | undefined;
  /** Where a message's thoughts go back; what is known of the address where it is not stated. */
  echo_reasoning?: EchoField[] | undefined;
  /** Sent with every request, e.g. `api-key` for Azure. */
  headers?: Record<string, string> | undefined;
  /** Requests under way at any time, of all conversations. */
  max_concurrent?: number | undefined;
  /** Requests begun within any minute. */
  requests_per_minute?: number | undefined;
  /** Of a million tokens, by model. */
  prices?: Record<string, { input: number; output: number; cached_input?: number }> | undefined;
  [parameter: string]: unknown;
}

/** How an endpoint is spoken to, where providers differ. */
export interface Endpoint {
  /** Below the base URL; `{model}` stands for the model that is asked. */
  chatPath: string;
  query: Readonly<Record<string, string>>;
  /** `authorization` takes the key as a bearer's, any other header as it is. */
  keyHeader: string;
  /** null: the block names none. */
  model: string | null;
  /** Which key of the block names the model, for messages. */
  modelKey: string;
  /** Joins the request body: `temperature`, `max_tokens` and whatever else the endpoint knows. */
  parameters: Readonly<Record<string, unknown>>;
}

/** What its owner may ask of it, over all conversations. */
export interface ProviderLimits {
  /** Requests under way. */
  maxConcurrent: number;
  /** Requests begun within any minute; null: any number. */
  requestsPerMinute: number | null;
}

const NO_LIMITS: ProviderLimits = { maxConcurrent: Infinity, requestsPerMinute: null };

/** A provider that can be asked. */
export interface Provider extends Endpoint {
  name: string;
  /** Answers from this process, without network or key. */
  demo: boolean;
  baseUrl: string;
  model: string;
  /** `model`, and what a chat may name instead. */
  allowedModels: readonly string[];
  /** null: the endpoint takes no key. */
  key: string | null;
  /** The variable that holds the key, for messages. */
  keyVariable: string | null;
  headers: Readonly<Record<string, string>>;
  limits: ProviderLimits;
  prices: Prices;
  /** The fields in which it wants to see again what its models thought; none for most. */
  echo: readonly EchoField[];
}

/** What a choice of providers depends on. */
export interface ProviderChoice {
  active: string;
  fallback: readonly string[];
  providers: Readonly<Record<string, ProviderBlock>>;
  env: NodeJS.ProcessEnv;
}

/** A known endpoint. */
export interface Preset {
  /** null: everybody has an address of their own there. */
  baseUrl: string | null;
  /** null: a local endpoint that takes no key. */
  keyVariable: string | null;
  /** null: there is no model that everybody has. */
  model: string | null;
}

/** Known endpoints, in the order in which `auto` looks for their keys. A configured block wins key by key. */
export const presets = {
  groq: {
    baseUrl: 'https://api.groq.com/openai/v1',
    keyVariable: 'GROQ_API_KEY',
    model: 'llama-3.3-70b-versatile',
  },
  openai: {
    baseUrl: 'https://api.openai.com/v1',
    keyVariable: 'OPENAI_API_KEY',
    model: 'gpt-4o-mini',
  },
  openrouter: {
    baseUrl: 'https://openrouter.ai/api/v1',
    keyVariable: 'OPENROUTER_API_KEY',
    model: 'openai/gpt-4o-mini',
  },
  // Anthropic's OpenAI-compatible endpoint.
  anthropic: {
    baseUrl: 'https://api.anthropic.com/v1',
    keyVariable: 'ANTHROPIC_API_KEY',
    model: 'claude-haiku-4-5',
  },
  azure: {
    baseUrl: null,
    keyVariable: 'AZURE_OPENAI_API_KEY',
    model: null,
  },
  ollama: {
    baseUrl: 'http://localhost:11434/v1',
    keyVariable: null,
    model: 'llama3.2',
  },
} satisfies Record<string, Preset>;

function presetOf(name: string): Preset | undefined {
  return new Map<string, Preset>(Object.entries(presets)).get(name);
}

const demoName = 'demo';
const azureName = 'azure';

/** The active provider, then the fallbacks, each once. Throws AppError, see `createLanguageModel`. */
export function chooseProviders(choice: ProviderChoice): Provider[] {
  const active = choice.active === 'auto' ? firstWithKey(choice) : choice.active;
  return [...new Set([active, ...choice.fallback])].map((name) => resolve(name, choice));
}

function firstWithKey({ providers, env }: ProviderChoice): string {
  const found = [...new Set([...Object.keys(presets), ...Object.keys(providers)])].find((name) => {
    const variable = keyVariableOf(name, providers[name]);
    return variable !== null && readKey(env, variable) !== null && addressOf(name, providers[name]) !== null;
  });
  return found ?? demoName;
}

function resolve(name: string, { providers, env }: ProviderChoice): Provider {
  if (name === demoName) return demoProvider;
  const block = providers[name];
  if (!block && !presetOf(name)) {
    const known = [...new Set([demoName, ...Object.keys(presets), ...Object.keys(providers)])].join(', ');
    throw new AppError('config_invalid', `There is no provider "${name}": give it a block under llm.providers, or use one of ${known}.`);
  }
  const baseUrl = addressOf(name, block);
  if (baseUrl === null) {
    throw new AppError('config_invalid', `Provider "${name}" needs an http or https URL in llm.providers.${name}.base_url.`);
  }
  const { base_url: _address, api_key_env: _variable, allowed_models = [], echo_reasoning = knownEcho(baseUrl), headers = {}, max_concurrent, requests_per_minute, prices: statedPrices = {}, ...others } = block ?? {};
  const limits = { maxConcurrent: max_concurrent ?? NO_LIMITS.maxConcurrent, requestsPerMinute: requests_per_minute ?? NO_LIMITS.requestsPerMinute };
  const prices = new Map(Object.entries(statedPrices).map(([model, { input, output, cached_input }]) => [model, { input, output, cachedInput: cached_input ?? null }]));
  const endpoint = name === azureName ? azureEndpoint(others) : plainEndpoint({ model: presetOf(name)?.model, ...others });
  const { model } = endpoint;
  if (model === null) throw new AppError('config_invalid', `Provider "${name}" needs llm.providers.${name}.${endpoint.modelKey}.`);

  const keyVariable = keyVariableOf(name, block);
  const key = keyVariable === null ? null : readKey(env, keyVariable);
  if (keyVariable !== null && key === null) {
    throw new AppError(
      'provider_missing_key',
      `Provider "${name}" needs an API key: set the environment variable ${keyVariable} and restart, or choose another llm.active.`,
      { data: { provider: name, variable: keyVariable } },
    );
  }
  return { ...endpoint, name, demo: false, baseUrl, model, allowedModels: [...new Set([model, ...allowed_models])], key, keyVariable, headers, limits, prices, echo: echo_reasoning };
}

function plainEndpoint({ model, ...parameters }: Readonly<Record<string, unknown>>): Endpoint {
  return { chatPath: '/chat/completions', query: {}, keyHeader: 'authorization', model: typeof model === 'string' ? model : null, modelKey: 'model', parameters };
}

/** The base URL; null where none is given, or none that can be dialled. */
function addressOf(name: string, block: ProviderBlock | undefined): string | null {
  const address = block?.base_url ?? presetOf(name)?.baseUrl ?? '';
  return /^https?:$/.test(URL.parse(address)?.protocol ?? '') ? address : null;
}

function keyVariableOf(name: string, block: ProviderBlock | undefined): string | null {
  if (block?.api_key_env !== undefined) return block.api_key_env;
  // Every resource at Azure has an address of its own.
  if (name === azureName) return isAzureHost(block?.base_url ?? '') ? presets.azure.keyVariable : null;
  // A base URL of its own is somebody else's endpoint: the preset's key is not for it.
  return block?.base_url === undefined ? (presetOf(name)?.keyVariable ?? null) : null;
}

/** An empty variable counts as unset: that is how people switch one off. */
function readKey(env: NodeJS.ProcessEnv, variable: string): string | null {
  return env[variable]?.trim() || null;
}

const demoProvider: Provider = {
  ...plainEndpoint({}),
  name: demoName,
  demo: true,
  // Never dialled: the demo answers in place of the network.
  baseUrl: 'http://demo.invalid/v1',
  model: 'parley-demo',
  allowedModels: ['parley-demo'],
  key: null,
  keyVariable: null,
  headers: {},
  limits: NO_LIMITS,
  prices: new Map(),
  echo: [],
};
