/**
 * Who may be asked: the table of known endpoints, and how configured blocks, keys and `auto`
 * become providers. The only file that reads a key; a key never goes to a base URL it was not
 * set for, so a block with its own `base_url` names its own `api_key_env` or gets none.
 */
import { AppError } from '../errors.ts';

/** A provider's block as configured. Every key not named here goes into the request body unchanged. */
export interface ProviderBlock {
  base_url?: string | undefined;
  /** Name of the environment variable that holds the key. */
  api_key_env?: string | undefined;
  model?: string | undefined;
  /** Sent with every request, e.g. `api-key` for Azure. */
  headers?: Record<string, string> | undefined;
  [parameter: string]: unknown;
}

/** A provider that can be asked. */
export interface Provider {
  name: string;
  /** Answers from this process, without network or key. */
  demo: boolean;
  baseUrl: string;
  model: string;
  /** null: the endpoint takes no key. */
  key: string | null;
  /** The variable that holds the key, for messages. */
  keyVariable: string | null;
  headers: Readonly<Record<string, string>>;
  /** Joins the request body: `temperature`, `max_tokens` and whatever else the endpoint knows. */
  parameters: Readonly<Record<string, unknown>>;
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
  baseUrl: string;
  /** null: a local endpoint that takes no key. */
  keyVariable: string | null;
  model: string;
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

/** The active provider, then the fallbacks, each once. Throws AppError, see `createLanguageModel`. */
export function chooseProviders(choice: ProviderChoice): Provider[] {
  const active = choice.active === 'auto' ? firstWithKey(choice) : choice.active;
  return [...new Set([active, ...choice.fallback])].map((name) => resolve(name, choice));
}

function firstWithKey({ providers, env }: ProviderChoice): string {
  const found = [...new Set([...Object.keys(presets), ...Object.keys(providers)])].find((name) => {
    const variable = keyVariableOf(name, providers[name]);
    return variable !== null && readKey(env, variable) !== null;
  });
  return found ?? demoName;
}

function resolve(name: string, { providers, env }: ProviderChoice): Provider {
  if (name === demoName) return demoProvider;
  const block = providers[name];
  const preset = presetOf(name);
  if (!block && !preset) {
    const known = [...new Set([demoName, ...Object.keys(presets), ...Object.keys(providers)])].join(', ');
    throw new AppError('config_invalid', `There is no provider "${name}": give it a block under llm.providers, or use one of ${known}.`);
  }
  const { base_url, api_key_env: _variable, model = preset?.model, headers = {}, ...parameters } = block ?? {};
  const baseUrl = base_url ?? preset?.baseUrl;
  if (baseUrl === undefined || !/^https?:$/.test(URL.parse(baseUrl)?.protocol ?? '')) {
    throw new AppError('config_invalid', `Provider "${name}" needs an http or https URL in llm.providers.${name}.base_url.`);
  }
  if (model === undefined) throw new AppError('config_invalid', `Provider "${name}" needs llm.providers.${name}.model.`);

  const keyVariable = keyVariableOf(name, block);
  const key = keyVariable === null ? null : readKey(env, keyVariable);
  if (keyVariable !== null && key === null) {
    throw new AppError(
      'provider_missing_key',
      `Provider "${name}" needs an API key: set the environment variable ${keyVariable} and restart, or choose another llm.active.`,
      { data: { provider: name, variable: keyVariable } },
    );
  }
  return { name, demo: false, baseUrl, model, key, keyVariable, headers, parameters };
}

function keyVariableOf(name: string, block: ProviderBlock | undefined): string | null {
  if (block?.api_key_env !== undefined) return block.api_key_env;
  // A base URL of its own is somebody else's endpoint: the preset's key is not for it.
  return block?.base_url === undefined ? (presetOf(name)?.keyVariable ?? null) : null;
}

/** An empty variable counts as unset: that is how people switch one off. */
function readKey(env: NodeJS.ProcessEnv, variable: string): string | null {
  return env[variable]?.trim() || null;
}

const demoProvider: Provider = {
  name: demoName,
  demo: true,
  // Never dialled: the demo answers in place of the network.
  baseUrl: 'http://demo.invalid/v1',
  model: 'parley-demo',
  key: null,
  keyVariable: null,
  headers: {},
  parameters: {},
};
