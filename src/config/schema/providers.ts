/**
 * `llm.providers`: a block for each provider that Parley knows, and for those of the user's own.
 * The only home of these keys' defaults and constraints. Holds no keys: a block names the
 * environment variable that holds its key.
 */
import { z } from 'zod';
import { azureApiVersion, isAzureHost } from '../../llm/providers/azure.ts';
import { reasoningFields } from '../../llm/pass-back-reasoning.ts';
import { presets } from '../../llm/providers/presets.ts';
import { count, text } from './quantities.ts';
import { renamedTo } from '../renamed-keys.ts';
import { closest } from '../suggest.ts';

const variableName = () =>
  z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]*$/)
    .meta({ allowed: 'the name of an environment variable, such as OPENAI_API_KEY (never the key itself)' });

const baseUrlText = () =>
  z
    .url({ protocol: /^https?$/ })
    .meta({ allowed: 'an http or https URL, such as http://localhost:8080/v1' })
    .describe('Address of the OpenAI-compatible API, without /chat/completions.');

const apiKeyEnv = () =>
  variableName().describe(
    'Environment variable that holds the key. A block with a base_url of its own and no api_key_env needs no key.',
  );

const price = () => z.number().nonnegative();

const model = () => text().describe('Model to ask for, by the name that the provider gives it.');

/** What every provider block may state beside its address, key and model. */
const parameters = {
  temperature: z
    .number()
    .min(0)
    .max(2)
    .exactOptional()
    .describe("Randomness of the answers; not sent when not stated, so that the model's own default holds."),
  max_tokens: count('tokens', 1)
    .exactOptional()
    .describe("Longest answer; not sent when not stated, so that the model's own limit holds."),
  allowed_models: z
    .array(text())
    .exactOptional()
    .describe('Models that a chat may name instead of `model`; none when not stated.'),
  pass_back_reasoning: z
    .array(z.enum(reasoningFields))
    .exactOptional()
    .describe(
      'Fields in which the provider wants to see again what its model thought before it called tools. Known for DeepSeek, Moonshot, OpenRouter and Gemini by their addresses; none for any other when not stated, for strict ones refuse them.',
    ),
  max_concurrent: count('requests', 1, 100_000)
    .exactOptional()
    .describe(
      'Requests to this provider at any time, of all conversations; further ones wait in line. No limit when not stated.',
    ),
  requests_per_minute: count('requests', 1, 100_000)
    .exactOptional()
    .describe(
      'Requests to this provider within any minute; further ones wait in line, so that it need not refuse them. No limit when not stated.',
    ),
  prices: z
    .record(
      text(),
      z.strictObject({
        input: price().describe('A million tokens that the model is sent.'),
        output: price().describe('A million tokens that it writes, its reasoning among them.'),
        cached_input: price()
          .exactOptional()
          .describe('A million tokens that the provider had from before; the price of `input` when not stated.'),
      }),
    )
    .meta({ allowed: 'names of models, each with input, output and perhaps cached_input, for a million tokens' })
    .exactOptional()
    .describe(
      'What a million tokens cost, by model: `gpt-4o-mini: { input: 0.15, output: 0.6 }`. Any unit will do, if all prices and budgets have the same. Costs are counted where there is a price.',
    ),
  headers: z
    .record(z.string(), z.string())
    .meta({ allowed: 'header names with text values (numbers in quotes)' })
    .exactOptional()
    .describe('Extra HTTP headers for every request to this provider.'),
  extra_body: z
    .record(z.string(), z.unknown())
    .meta({ allowed: 'a section of parameters' })
    .exactOptional()
    .describe(
      'Further parameters for the body of every request, passed on as they are, whatever their names. Needed only for one whose name is nearly that of a key above.',
    ),
  api_key: z
    .never()
    .meta({ allowed: 'nothing, for keys come from the environment alone (name the variable in api_key_env)' })
    .exactOptional(),
};

/** Parameters of well-known APIs whose names are nearly those of keys: OpenRouter's and vLLM's. */
const knownParameters = ['models', 'min_tokens'];
/** A slip of the pen is an edit or two. Names of real parameters must not be taken for one. */
const LETTERS_PER_EDIT = 5;

/** Refuses a key that is nearly one of the block's own: passed on to the provider, it would have no effect, and no error. */
function refuseNearMisses(keys: readonly string[]) {
  return (block: Record<string, unknown>, check: z.core.$RefinementCtx): void => {
    const stated = isSection(block) ? Object.keys(block) : [];
    const known = [...keys, ...knownParameters];
    const slips = stated.filter(
      (key) =>
        renamedTo(['llm', 'providers', '*', key]) !== null ||
        (!known.includes(key) && closest(key, keys, LETTERS_PER_EDIT) !== null),
    );
    if (slips.length > 0) check.addIssue({ code: 'unrecognized_keys', keys: slips, input: block });
  };
}

/** It is called for whatever stands in the place of a block. */
const isSection = (block: unknown) => typeof block === 'object' && block !== null && !Array.isArray(block);

/** Also beside a missing address: its name may be the one that is misspelt. */
const always = { when: () => true };

const ownKeys = {
  base_url: baseUrlText(),
  api_key_env: apiKeyEnv().exactOptional(),
  model: model(),
  ...parameters,
};

/** A provider of the user's own. Keys that are not listed go into the request's body as they are. */
const ownProvider = z.looseObject(ownKeys).superRefine(refuseNearMisses(Object.keys(ownKeys)), always);

/**
 * A provider that Parley knows. Its key is looked for only while its address is the known one:
 * a block that is pointed elsewhere must not carry the key there.
 */
function knownProvider({
  baseUrl,
  keyVariable,
  model: knownModel,
}: {
  baseUrl: string;
  keyVariable: string | null;
  model: string;
}) {
  return z
    .looseObject({
      base_url: baseUrlText().default(baseUrl),
      api_key_env: (keyVariable === null ? apiKeyEnv() : apiKeyEnv().meta({ default: keyVariable })).exactOptional(),
      model: model().default(knownModel),
      ...parameters,
    })
    .superRefine(refuseNearMisses(Object.keys(ownKeys)), always)
    .transform((block) =>
      keyVariable !== null && block.api_key_env === undefined && block.base_url === baseUrl
        ? { ...block, api_key_env: keyVariable }
        : block,
    )
    .prefault({});
}

/** Everybody has an address of their own there, so what it lacks is told when it is to be used. */
const azureProvider = z
  .looseObject({
    base_url: baseUrlText().exactOptional(),
    deployment: text()
      .exactOptional()
      .describe(
        'Of `azure` alone: the deployment to ask, which stands for the model. Further ones go into `allowed_models`.',
      ),
    api_version: text().default(azureApiVersion).describe('Of `azure` alone: the dated version of its API.'),
    api_key_env: apiKeyEnv().meta({ default: presets.azure.keyVariable }).exactOptional(),
    ...parameters,
    model: z.never().meta({ allowed: 'nothing, for the deployment says which' }).exactOptional(),
  })
  .superRefine(refuseNearMisses([...Object.keys(ownKeys), 'deployment', 'api_version']), always)
  .transform((block) =>
    block.api_key_env === undefined && (block.base_url === undefined || isAzureHost(block.base_url))
      ? { ...block, api_key_env: presets.azure.keyVariable }
      : block,
  )
  .prefault({});

/** The blocks, in the order in which `auto` looks for their keys. */
export const providers = z
  .object({
    groq: knownProvider(presets.groq),
    openai: knownProvider(presets.openai),
    openrouter: knownProvider(presets.openrouter),
    anthropic: knownProvider(presets.anthropic),
    azure: azureProvider,
    ollama: knownProvider(presets.ollama),
  })
  .catchall(ownProvider)
  .prefault({})
  .describe(
    'One block a provider; add blocks under names of your own. Keys that are not listed here are passed on to the provider as they are; one that is nearly the name of a listed key is refused, and extra_body passes it on.',
  );
