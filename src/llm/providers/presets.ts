/** Lists the presets: the address, the variable of the API key and the default model of known endpoints. Reads no key. */

import type { ApiName } from '../api/wire-api.ts';

/** A known endpoint. */
export interface Preset {
  /** Null: every user has a different address. */
  baseUrl: string | null;
  /** Null: a local endpoint that needs no key. */
  keyVariable: string | null;
  /** Without an address: the hosts that may get the key of the default variable. Null: the preset's own address alone. */
  keyHosts: RegExp | null;
  /** Null: no model exists for every user. */
  model: string | null;
  /** The wire protocol at that address. */
  api: ApiName;
}

function cloud(baseUrl: string, keyVariable: string, model: string | null, api: ApiName = 'chat'): Preset {
  return { baseUrl, keyVariable, keyHosts: null, model, api };
}

/** A server on this machine, at the port of its default. It serves what its user has loaded. */
function local(port: number, model: string | null = null): Preset {
  return { baseUrl: `http://localhost:${port}/v1`, keyVariable: null, keyHosts: null, model, api: 'chat' };
}

/**
 * In the order in which `auto` looks for API keys. A configured block overrides a preset key by key. The default models are
 * the inexpensive ones with tools that each provider listed on 2026-12-01; docs/reference/providers.md has the sources.
 */
export const presets = {
  groq: cloud('https://api.groq.com/openai/v1', 'GROQ_API_KEY', 'openai/gpt-oss-120b'),
  openai: cloud('https://api.openai.com/v1', 'OPENAI_API_KEY', 'gpt-6-luna', 'responses'),
  openrouter: cloud('https://openrouter.ai/api/v1', 'OPENROUTER_API_KEY', 'openai/gpt-6-luna'),
  anthropic: cloud('https://api.anthropic.com/v1', 'ANTHROPIC_API_KEY', 'claude-haiku-5-5', 'messages'),
  gemini: cloud('https://generativelanguage.googleapis.com/v1beta/openai', 'GEMINI_API_KEY', 'gemini-3.6-flash'),
  mistral: cloud('https://api.mistral.ai/v1', 'MISTRAL_API_KEY', 'mistral-medium-latest'),
  deepseek: cloud('https://api.deepseek.com', 'DEEPSEEK_API_KEY', 'deepseek-flash'),
  xai: cloud('https://api.x.ai/v1', 'XAI_API_KEY', 'grok-4.5'),
  together: cloud('https://api.together.xyz/v1', 'TOGETHER_API_KEY', 'openai/gpt-oss-120b'),
  fireworks: cloud(
    'https://api.fireworks.ai/inference/v1',
    'FIREWORKS_API_KEY',
    'accounts/fireworks/models/gpt-oss-120b',
  ),
  cerebras: cloud('https://api.cerebras.ai/v1', 'CEREBRAS_API_KEY', 'gpt-oss-120b'),
  // `responses` at its address without dated versions; at others chat completions.
  azure: {
    baseUrl: null,
    keyVariable: 'AZURE_OPENAI_API_KEY',
    keyHosts: /\.azure\.(com|us|cn)$/,
    model: null,
    api: 'responses',
  },
  // The region is in the address: https://bedrock-runtime.us-east-1.amazonaws.com/openai/v1
  bedrock: {
    baseUrl: null,
    keyVariable: 'AWS_BEARER_TOKEN_BEDROCK',
    keyHosts: /^bedrock-\w+\.[\w-]+\.(amazonaws\.com|api\.aws)$/,
    model: null,
    api: 'chat',
  },
  ollama: local(11434, 'llama3.2'),
  lmstudio: local(1234),
  llamacpp: local(8080, 'default'),
  vllm: local(8000),
  litellm: local(4000),
} satisfies Record<string, Preset>;

/** Whether the key of the preset's own variable may be sent to that address. */
export function isKeyFor({ baseUrl, keyHosts }: Preset, address: string): boolean {
  return keyHosts === null ? address === baseUrl : keyHosts.test(URL.parse(address)?.hostname ?? '');
}

/** The preset with that name, if there is one. */
export function presetOf(name: string): Preset | undefined {
  return new Map<string, Preset>(Object.entries(presets)).get(name);
}

/** The presets that the first lines of a server name. */
const NAMED = 4;

/** The environment variables each of which alone selects a real model, in words: "A, B, C, D or the key of another provider". */
export function keyVariablesInWords(): string {
  const variables = Object.values<Preset>(presets).flatMap(({ baseUrl, keyVariable }) =>
    baseUrl === null || keyVariable === null ? [] : [keyVariable],
  );
  return `${variables.slice(0, NAMED).join(', ')} or the key of another provider`;
}
