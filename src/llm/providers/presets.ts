/**
 * The endpoints that Parley knows by name: where they are, which variable holds their key and which
 * model they are asked for. Holds no key and reads none.
 */

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

/** The known endpoint of that name, if there is one. */
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
