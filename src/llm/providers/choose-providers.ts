/**
 * Builds providers from configured blocks, presets, API keys and `auto`. The only file that reads a key. A key is sent only
 * to the base URL that it belongs to, so a block with its own `base_url` names its own `api_key_env` or gets no key.
 */
import { readVariable } from '../../environment-variable.ts';
import { ownValue } from '../../json.ts';
import { AppError } from '../../errors.ts';
import { apis } from '../api/apis.ts';
import type { WireApi } from '../api/wire-api.ts';
import { azureEndpoint, hasV1Path } from './azure.ts';
import { knownReasoningFields } from '../pass-back-reasoning.ts';
import { isKeyFor, presetOf, presets } from './presets.ts';
import type { Endpoint, Provider, ProviderBlock, ProviderLimits, ToolLimits } from './provider.ts';

/** The inputs of the choice of providers. */
export interface ProviderChoice {
  active: string;
  fallback: readonly string[];
  providers: Readonly<Record<string, ProviderBlock>>;
  env: NodeJS.ProcessEnv;
}

const NO_LIMITS: ProviderLimits = { maxConcurrent: Infinity, requestsPerMinute: null };

/** OpenAI's limits, the strictest. */
export const DEFAULT_TOOL_LIMITS: ToolLimits = { maxTools: 128, maxDescriptionChars: 1024 };

const demoName = 'demo';
const azureName = 'azure';

/** The active provider, then the fallbacks, each once. Throws AppError, see `createLanguageModel`. */
export function chooseProviders(choice: ProviderChoice): Provider[] {
  const active = choice.active === 'auto' ? firstWithKey(choice) : choice.active;
  return [...new Set([active, ...choice.fallback])].map((name) => resolve(name, choice));
}

function firstWithKey({ providers, env }: ProviderChoice): string {
  const found = [...new Set([...Object.keys(presets), ...Object.keys(providers)])].find((name) => {
    const block = ownValue(providers, name);
    const variable = keyVariableOf(name, block);
    if (variable === null || readKey(env, variable) === null || addressOf(name, block) === null) return false;
    return (block?.model ?? block?.['deployment'] ?? presetOf(name)?.model ?? null) !== null;
  });
  return found ?? demoName;
}

function resolve(name: string, { providers, env }: ProviderChoice): Provider {
  if (name === demoName) return demoProvider;
  const block = ownValue(providers, name);
  if (!block && !presetOf(name)) {
    const known = [...new Set([demoName, ...Object.keys(presets), ...Object.keys(providers)])].join(', ');
    throw new AppError(
      'config_invalid',
      `Unknown provider "${name}". Add a block under llm.providers, or use one of ${known}.`,
    );
  }
  const baseUrl = addressOf(name, block);
  if (baseUrl === null) {
    throw new AppError(
      'config_invalid',
      `Provider "${name}" needs an http or https URL in llm.providers.${name}.base_url.`,
    );
  }
  const {
    base_url: _address,
    api_key_env: _variable,
    api: statedApi,
    allowed_models = [],
    pass_back_reasoning = knownReasoningFields(baseUrl),
    reasoning_tags = 'auto',
    headers = {},
    max_concurrent,
    requests_per_minute,
    max_tools = DEFAULT_TOOL_LIMITS.maxTools,
    max_tool_description = DEFAULT_TOOL_LIMITS.maxDescriptionChars,
    prices: statedPrices = {},
    model_parameters = {},
    extra_body = {},
    ...others
  } = block ?? {};
  // A block with its own address is another endpoint, which need not speak the preset's protocol.
  const ofPreset = baseUrl === presetOf(name)?.baseUrl || isAzureV1(name, baseUrl) ? presetOf(name)?.api : undefined;
  const apiName = statedApi ?? ofPreset ?? 'chat';
  const limits = {
    maxConcurrent: max_concurrent ?? NO_LIMITS.maxConcurrent,
    requestsPerMinute: requests_per_minute ?? NO_LIMITS.requestsPerMinute,
  };
  const prices = new Map(
    Object.entries(statedPrices).map(([model, { input, output, cached_input, cache_write }]) => [
      model,
      { input, output, cachedInput: cached_input ?? null, cacheWrite: cache_write ?? null },
    ]),
  );
  const endpoint =
    name === azureName
      ? azureEndpoint(others, baseUrl, apis[apiName])
      : plainEndpoint({ model: presetOf(name)?.model, ...others }, apis[apiName]);
  const { model } = endpoint;
  if (model === null)
    throw new AppError('config_invalid', `Provider "${name}" needs llm.providers.${name}.${endpoint.modelKey}.`);

  const keyVariable = keyVariableOf(name, block);
  const key = keyVariable === null ? null : readKey(env, keyVariable);
  if (keyVariable !== null && key === null) {
    throw new AppError(
      'provider_missing_key',
      `Provider "${name}" needs an API key: set the environment variable ${keyVariable}, or ${keyVariable}_FILE to the path of a file with the key, and restart, or choose another llm.active.`,
      { data: { provider: name, variable: keyVariable } },
    );
  }
  if (keyVariable !== null && key !== null) checkKey(key, name, keyVariable);
  const parameters = { ...endpoint.parameters, ...extra_body };
  return {
    ...endpoint,
    parameters,
    modelParameters: new Map(Object.entries(model_parameters)),
    name,
    demo: false,
    api: apis[apiName],
    baseUrl,
    model,
    allowedModels: [...new Set([model, ...allowed_models])],
    key,
    keyVariable,
    headers,
    limits,
    toolLimits: { maxTools: max_tools, maxDescriptionChars: max_tool_description },
    prices,
    passBackReasoning: pass_back_reasoning,
    reasoningTags: reasoning_tags,
  };
}

/** Azure's address without dated versions, which has the Responses API. */
function isAzureV1(name: string, baseUrl: string): boolean {
  return name === azureName && hasV1Path(baseUrl);
}

function plainEndpoint({ model, ...parameters }: Readonly<Record<string, unknown>>, api: WireApi): Endpoint {
  return {
    path: api.path,
    query: {},
    keyHeader: api.keyHeader,
    model: typeof model === 'string' ? model : null,
    modelKey: 'model',
    parameters,
  };
}

/** The base URL. Null if it is missing or not an http or https URL. */
function addressOf(name: string, block: ProviderBlock | undefined): string | null {
  const address = block?.base_url ?? presetOf(name)?.baseUrl ?? '';
  return /^https?:$/.test(URL.parse(address)?.protocol ?? '') ? address : null;
}

function keyVariableOf(name: string, block: ProviderBlock | undefined): string | null {
  if (block?.api_key_env !== undefined) return block.api_key_env;
  const preset = presetOf(name);
  // A block with its own base URL is another endpoint: the preset's key is not for it.
  return preset && isKeyFor(preset, block?.base_url ?? preset.baseUrl ?? '') ? preset.keyVariable : null;
}

/** An empty variable counts as unset, because users disable a key that way. */
function readKey(env: NodeJS.ProcessEnv, variable: string): string | null {
  return readVariable(env, variable)?.trim() || null;
}

/** Control characters, spaces that look like none, soft hyphens, and everything above Latin-1. */
const unsendable = /[^\x20-\x7E\xA1-\xAC\xAE-\xFF]/u;

/** Throws AppError if no header can hold the key, or no reader would see why it is wrong: a copy often adds such characters. */
function checkKey(key: string, name: string, variable: string): void {
  const problem = problemOf(key);
  if (problem === null) return;
  throw new AppError(
    'provider_missing_key',
    `The API key of provider "${name}" ${problem}, which no key has. Copy the key again into the environment variable ${variable}, alone in one line, and restart.`,
    { data: { provider: name, variable } },
  );
}

/** Continues a sentence after the key. Null if the key may be right. */
function problemOf(key: string): string | null {
  const [found] = unsendable.exec(key) ?? [];
  if (found !== undefined)
    return `contains the character U+${found.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0')}`;
  // Files for containers keep quotes as a part of the value.
  if (/^["'`]|["'`]$/.test(key)) return 'stands in quotes';
  if (/^bearer\b/i.test(key)) return 'begins with "Bearer"';
  return key.includes(' ') ? 'contains a space' : null;
}

const demoProvider: Provider = {
  ...plainEndpoint({}, apis.chat),
  api: apis.chat,
  name: demoName,
  demo: true,
  // Never contacted: the demo answers instead of the network.
  baseUrl: 'http://demo.invalid/v1',
  model: 'parley-demo',
  allowedModels: ['parley-demo'],
  key: null,
  keyVariable: null,
  headers: {},
  modelParameters: new Map(),
  limits: NO_LIMITS,
  toolLimits: { maxTools: Infinity, maxDescriptionChars: Infinity },
  prices: new Map(),
  passBackReasoning: [],
  reasoningTags: 'auto',
};
