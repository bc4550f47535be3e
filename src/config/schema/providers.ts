/**
 * Defines `llm.providers`: a block for each preset, and blocks of the user's own. The only place of these keys' defaults
 * and constraints. Holds no API keys: a block names the environment variable that holds its key.
 */
import { z } from 'zod';
import { azureApiVersion } from '../../llm/providers/azure.ts';
import { apiNames } from '../../llm/api/wire-api.ts';
import { reasoningFields } from '../../llm/pass-back-reasoning.ts';
import { reasoningTagModes } from '../../llm/stream/reasoning-tags.ts';
import { isKeyFor, presets, type Preset } from '../../llm/providers/presets.ts';
import { count, text } from './quantities.ts';
import { clientKeys } from '../client-keys.ts';
import { isSection } from '../places.ts';
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
    .describe('Address of the API, without /chat/completions, /responses or /messages.');

const apiKeyEnv = () =>
  variableName().describe(
    'Environment variable that holds the API key. A block with its own base_url and no api_key_env needs no key.',
  );

const tools = () =>
  z
    .enum(['auto', 'never'])
    .exactOptional()
    .describe(
      '`never`: the models get no tools. If not stated: tools are offered, and left out for a model that rejects them.',
    );

const images = () =>
  z
    .enum(['auto', 'never'])
    .exactOptional()
    .describe(
      '`never`: the models get no images. If not stated: images are sent, and left out for a model that rejects them.',
    );

const price = () => z.number().nonnegative();

const model = () => text().describe("Model to ask, by the provider's name for it.");

/** The keys of every provider block beside its address, API key and model. */
const parameters = {
  temperature: z
    .number()
    .min(0)
    .max(2)
    .exactOptional()
    .describe("Randomness of the answers. If not stated, it is not sent and the model's own default applies."),
  max_tokens: count('tokens', 1)
    .exactOptional()
    .describe("Longest answer. If not stated, it is not sent and the model's own limit applies."),
  api: z
    .enum(apiNames)
    .exactOptional()
    .describe(
      "Wire protocol: `chat` (chat completions), `responses` (OpenAI's Responses API) or `messages` (Anthropic's Messages API). If not stated: `responses` for the presets `openai` and `azure` (its address that ends with /openai/v1), `messages` for `anthropic`, else `chat`. A block with its own base_url speaks `chat` unless it says otherwise.",
    ),
  tools: tools(),
  images: images(),
  model_parameters: z
    .record(text(), z.looseObject({ tools: tools(), images: images() }))
    .meta({ allowed: 'names of models, each with a section of parameters' })
    .exactOptional()
    .describe(
      'Parameters by model, over those of the block: `gpt-4.1-mini: { reasoning_effort: null, temperature: 0.7 }`. Null leaves a parameter out.',
    ),
  allowed_models: z
    .array(text())
    .exactOptional()
    .describe('Models that a chat may name instead of `model`. If not stated: none.'),
  pass_back_reasoning: z
    .array(z.enum(reasoningFields))
    .exactOptional()
    .describe(
      "Fields in which the model's reasoning before tool calls is passed back to the provider. Known for DeepSeek, Moonshot, OpenRouter and Gemini by their addresses. If not stated, other providers get none, because strict ones reject these fields.",
    ),
  reasoning_tags: z
    .enum(reasoningTagModes)
    .exactOptional()
    .describe(
      'Whether tags such as `<think>` in an answer separate reasoning from text. `auto` (if not stated): at the head of the answer. `opened`: the answer begins within its reasoning, because the template of the model writes the opening tag. `never`: tags are text, which is stored and sent back.',
    ),
  max_concurrent: count('requests', 1, 100_000)
    .exactOptional()
    .describe(
      'Most requests to this provider that run at the same time, over all conversations. Further ones are queued. If not stated: no limit.',
    ),
  requests_per_minute: count('requests', 1, 100_000)
    .exactOptional()
    .describe(
      'Most requests to this provider within any minute. Further ones are queued, so that the provider does not reject them. If not stated: no limit.',
    ),
  max_tools: count('tools', 1, 10_000)
    .exactOptional()
    .describe(
      'Most tools in a request, 128 if not stated, shared fairly among the MCP servers. OpenAI and Azure refuse more than 128. The others are not offered: a notice and the action `tools` say so.',
    ),
  max_tool_description: count('characters', 16, 100_000)
    .exactOptional()
    .describe('Longest description of a tool, 1,024 if not stated. The rest is cut. OpenAI and Azure refuse more.'),
  prices: z
    .record(
      text(),
      z.strictObject({
        input: price().describe('Price of a million input tokens.'),
        output: price().describe('Price of a million output tokens, reasoning included.'),
        cache_write: price()
          .exactOptional()
          .describe(
            "Price of a million input tokens that are written to the provider's cache. If not stated: the price of `input`.",
          ),
        cached_input: price()
          .exactOptional()
          .describe('Price of a million cached input tokens. If not stated: the price of `input`.'),
      }),
    )
    .meta({ allowed: 'names of models, each with input, output and perhaps cached_input, for a million tokens' })
    .exactOptional()
    .describe(
      'Prices of a million tokens, by model: `gpt-6-luna: { input: 0.1, output: 0.5 }`. All prices and budgets must have the same unit. Costs are counted for models with a price.',
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
      'Further parameters for the body of every request, sent unchanged. Needed only for a parameter whose name is similar to a key above, and for a section that Parley does not know.',
    ),
  api_key: z
    .never()
    .meta({ allowed: 'nothing, because API keys come only from the environment (name the variable in api_key_env)' })
    .exactOptional(),
};

/** Parameters of well-known APIs whose names are similar to keys: OpenRouter's and vLLM's. */
const knownParameters = ['models', 'min_tokens'];
/**
 * Parameters of well-known APIs whose value is a section. Any other section is more likely a setting of another program.
 * Left out are `options`, which Ollama reads on its own API only (https://github.com/ollama/ollama/issues/2677), and
 * `audio`: Parley reads no answers without text.
 */
export const knownSections = [
  'chat_template_kwargs',
  'guided_json',
  'json_schema',
  'logit_bias',
  'metadata',
  'prediction',
  'provider',
  'reasoning',
  'response_format',
  'stream_options',
  'structured_outputs',
  'thinking',
  'tool_choice',
  'web_search_options',
];
/** A typing error is an edit or two. Names of real parameters must not be taken for one. */
const LETTERS_PER_EDIT = 5;

/**
 * Rejects the keys that are no parameters of a request: those similar to one of the block's own, settings of an HTTP
 * client, and sections that no well-known API has. Sent to the provider, they would have no effect, or fail every chat.
 */
function refuseStrayKeys(keys: readonly string[]) {
  return (block: Record<string, unknown>, check: z.core.$RefinementCtx): void => {
    if (!isSection(block)) return;
    const known = [...keys, ...knownParameters];
    const stray = Object.entries(block).filter(
      ([key, value]) =>
        renamedTo(['llm', 'providers', '*', key]) !== null ||
        clientKeys.has(key) ||
        (!known.includes(key) &&
          (closest(key, keys, LETTERS_PER_EDIT) !== null || (isSection(value) && !knownSections.includes(key)))),
    );
    if (stray.length > 0) check.addIssue({ code: 'unrecognized_keys', keys: stray.map(([key]) => key), input: block });
  };
}

/** Also if the address is missing: its key may be the misspelt one. */
const always = { when: () => true };

const ownKeys = {
  base_url: baseUrlText(),
  api_key_env: apiKeyEnv().exactOptional(),
  model: model(),
  ...parameters,
};

/** A provider of the user's own. Parameters that are not listed go into the request's body unchanged. */
const ownProvider = z.looseObject(ownKeys).superRefine(refuseStrayKeys(Object.keys(ownKeys)), always);

/** The block, with the variable of the preset's key if that key may be sent to its address. */
function withKey<Block extends { base_url?: string | undefined; api_key_env?: string | undefined }>(
  block: Block,
  preset: Preset,
): Block {
  const mayHaveKey = block.base_url === undefined || isKeyFor(preset, block.base_url);
  return preset.keyVariable !== null && block.api_key_env === undefined && mayHaveKey
    ? { ...block, api_key_env: preset.keyVariable }
    : block;
}

/**
 * A preset. Its API key is used only with the preset's address: a block with another address must not send the key there.
 * Where every user has an address or models of their own, what is missing is reported when the provider is used.
 */
function knownProvider(preset: Preset) {
  const { baseUrl, keyVariable, model: knownModel } = preset;
  return z
    .looseObject({
      base_url: baseUrl === null ? baseUrlText().exactOptional() : baseUrlText().default(baseUrl),
      api_key_env: (keyVariable === null ? apiKeyEnv() : apiKeyEnv().meta({ default: keyVariable })).exactOptional(),
      model: knownModel === null ? model().exactOptional() : model().default(knownModel),
      ...parameters,
    })
    .superRefine(refuseStrayKeys(Object.keys(ownKeys)), always)
    .transform((block) => withKey(block, preset))
    .prefault({});
}

/** Its deployments stand in the place of models. */
const azureProvider = z
  .looseObject({
    base_url: baseUrlText().exactOptional(),
    deployment: text()
      .exactOptional()
      .describe(
        'Only for `azure`: the deployment to ask, in place of the model. Further deployments go into `allowed_models`.',
      ),
    api_version: text().default(azureApiVersion).describe('Only for `azure`: the dated version of its API.'),
    api_key_env: apiKeyEnv().meta({ default: presets.azure.keyVariable }).exactOptional(),
    ...parameters,
    model: z.never().meta({ allowed: 'nothing, because the deployment names the model' }).exactOptional(),
  })
  .superRefine(refuseStrayKeys([...Object.keys(ownKeys), 'deployment', 'api_version']), always)
  .transform((block) => withKey(block, presets.azure))
  .prefault({});

type KnownBlocks = {
  [Name in keyof typeof presets]: Name extends 'azure' ? typeof azureProvider : ReturnType<typeof knownProvider>;
};

/** A block for each preset, in the order in which `auto` looks for their keys. */
const knownBlocks = Object.fromEntries(
  Object.entries<Preset>(presets).map(([name, preset]) => [
    name,
    name === 'azure' ? azureProvider : knownProvider(preset),
  ]),
) as KnownBlocks;

export const providers = z
  .object(knownBlocks)
  .catchall(ownProvider)
  .prefault({})
  .describe(
    'One block per provider. Add blocks under names of your own. Keys that are not listed here are sent to the provider unchanged. Rejected are keys similar to a listed key, settings of an HTTP client, and sections that no well-known API has; extra_body sends any of them.',
  );
