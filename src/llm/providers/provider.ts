/**
 * What a provider is: its block as the configuration states it, how its endpoint is spoken to, what
 * may be asked of it, and what becomes of all that with its key. Types only; `choose-providers.ts` makes them.
 */
import type { ReasoningField } from '../pass-back-reasoning.ts';
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
  pass_back_reasoning?: ReasoningField[] | undefined;
  /** Sent with every request, e.g. `api-key` for Azure. */
  headers?: Record<string, string> | undefined;
  /** Requests under way at any time, of all conversations. */
  max_concurrent?: number | undefined;
  /** Requests begun within any minute. */
  requests_per_minute?: number | undefined;
  /** Of a million tokens, by model. */
  prices?: Record<string, { input: number; output: number; cached_input?: number }> | undefined;
  /** Join the request body as they are, whatever their names. */
  extra_body?: Record<string, unknown> | undefined;
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
  passBackReasoning: readonly ReasoningField[];
}
