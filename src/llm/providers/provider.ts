/**
 * Defines a provider: its configured block, its endpoint, its limits, and the result of all that with its API key. Types
 * only; `choose-providers.ts` builds them.
 */
import type { ApiName, WireApi } from '../api/wire-api.ts';
import type { ReasoningField } from '../pass-back-reasoning.ts';
import type { ReasoningTagMode } from '../stream/reasoning-tags.ts';
import type { Prices } from './prices.ts';

/** A provider's block as configured. Every key not named here goes into the request body unchanged. */
export interface ProviderBlock {
  base_url?: string | undefined;
  /** Name of the environment variable that holds the key. */
  api_key_env?: string | undefined;
  model?: string | undefined;
  /** The wire protocol. If not stated, that of the preset, else `chat`. */
  api?: ApiName | undefined;
  /** Models that a chat may name instead. */
  allowed_models?: string[] | undefined;
  /** The fields for reasoning. If not stated, those that are known for the address. */
  pass_back_reasoning?: ReasoningField[] | undefined;
  /** Whether tags in the content separate reasoning from text. */
  reasoning_tags?: ReasoningTagMode | undefined;
  /** Sent with every request, e.g. `api-key` for Azure. */
  headers?: Record<string, string> | undefined;
  /** Most running requests, over all conversations. */
  max_concurrent?: number | undefined;
  /** Requests begun within any minute. */
  requests_per_minute?: number | undefined;
  /** Most tools in a request. */
  max_tools?: number | undefined;
  /** Longest description of a tool, in UTF-16 units. */
  max_tool_description?: number | undefined;
  /** Prices of a million tokens, by model. */
  prices?: Record<string, { input: number; output: number; cached_input?: number; cache_write?: number }> | undefined;
  /** Parameters by model. Null leaves a parameter of the block out. */
  model_parameters?: Record<string, Record<string, unknown>> | undefined;
  /** Added to the request body unchanged. */
  extra_body?: Record<string, unknown> | undefined;
  [parameter: string]: unknown;
}

/** The differences between endpoints. */
export interface Endpoint {
  /** Below the base URL; `{model}` stands for the model that is asked. */
  path: string;
  query: Readonly<Record<string, string>>;
  /** `authorization` sends the key as a bearer token, any other header sends it unchanged. */
  keyHeader: string;
  /** Null: the block names none. */
  model: string | null;
  /** The key of the block that names the model, for messages. */
  modelKey: string;
  /** Added to the request body: `temperature`, `max_tokens` and other parameters of the endpoint. `tools: never` sends no tools, `images: never` no images. */
  parameters: Readonly<Record<string, unknown>>;
}

/** Limits of requests, over all conversations. */
export interface ProviderLimits {
  /** Running requests. */
  maxConcurrent: number;
  /** Requests within any minute. Null: no limit. */
  requestsPerMinute: number | null;
}

/** Limits of the tools in one request. */
export interface ToolLimits {
  maxTools: number;
  /** Of each tool, in UTF-16 units. */
  maxDescriptionChars: number;
}

/** A provider that is ready to use. */
export interface Provider extends Endpoint {
  name: string;
  /** Answers from this process, without network or key. */
  demo: boolean;
  api: WireApi;
  baseUrl: string;
  model: string;
  /** `model`, and the models that a chat may name instead. */
  allowedModels: readonly string[];
  /** Null: the endpoint needs no key. */
  key: string | null;
  /** The variable that holds the key, for messages. */
  keyVariable: string | null;
  headers: Readonly<Record<string, string>>;
  /** Parameters by model, over `parameters`. Null leaves one out. */
  modelParameters: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
  limits: ProviderLimits;
  toolLimits: ToolLimits;
  prices: Prices;
  /** The fields in which reasoning is passed back. Empty for most providers. */
  passBackReasoning: readonly ReasoningField[];
  reasoningTags: ReasoningTagMode;
}
