/** Lists the presets: the address, the variable of the API key and the default model of known endpoints. Reads no key. */

import type { ApiName } from '../api/wire-api.ts';

/** A known endpoint. */
export interface Preset {
  /** Null: every user has a different address. */
  baseUrl: string | null;
  /** Null: a local endpoint that needs no key. */
  keyVariable: string | null;
  /** Null: no model exists for every user. */
  model: string | null;
  /** The wire protocol at that address. */
  api: ApiName;
}

/** In the order in which `auto` looks for API keys. A configured block overrides a preset key by key. */
export const presets = {
  groq: {
    baseUrl: 'https://api.groq.com/openai/v1',
    keyVariable: 'GROQ_API_KEY',
    model: 'llama-3.3-70b-versatile',
    api: 'chat',
  },
  openai: {
    baseUrl: 'https://api.openai.com/v1',
    keyVariable: 'OPENAI_API_KEY',
    model: 'gpt-4o-mini',
    api: 'responses',
  },
  openrouter: {
    baseUrl: 'https://openrouter.ai/api/v1',
    keyVariable: 'OPENROUTER_API_KEY',
    model: 'openai/gpt-4o-mini',
    api: 'chat',
  },
  anthropic: {
    baseUrl: 'https://api.anthropic.com/v1',
    keyVariable: 'ANTHROPIC_API_KEY',
    model: 'claude-haiku-4-5',
    api: 'messages',
  },
  azure: {
    baseUrl: null,
    keyVariable: 'AZURE_OPENAI_API_KEY',
    model: null,
    // At its address without dated versions; at others chat completions.
    api: 'responses',
  },
  ollama: {
    baseUrl: 'http://localhost:11434/v1',
    keyVariable: null,
    model: 'llama3.2',
    api: 'chat',
  },
} satisfies Record<string, Preset>;

/** The preset with that name, if there is one. */
export function presetOf(name: string): Preset | undefined {
  return new Map<string, Preset>(Object.entries(presets)).get(name);
}

/** The environment variables each of which alone selects a real model, in words: "A, B or C". */
export function keyVariablesInWords(): string {
  const variables = Object.values<Preset>(presets).flatMap(({ baseUrl, keyVariable }) =>
    baseUrl === null || keyVariable === null ? [] : [keyVariable],
  );
  return `${variables.slice(0, -1).join(', ')} or ${variables.at(-1)}`;
}
