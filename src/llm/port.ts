/** Defines the port of the language model. A failure is a value, never a rejection. Types only. */
import type { ChatCompletionTool } from 'openai/resources/chat/completions';
import type { ContextSizes } from '../../machines/context-window/context-sizes.ts';
import type { Fault, Usage } from '../../machines/log.ts';
import type { FairKey } from '../scheduling/fair-semaphore.ts';
import type { AnswerLimit } from './providers/request-limits.ts';
import type { MessageWithImages } from './message-images.ts';
import type { Signatures } from './pass-back-reasoning.ts';

/** A tool that a model may get. */
export interface OfferedTool {
  name: string;
  server: string;
  description: string;
  /** JSON Schema of its arguments, as its server sent it. */
  inputSchema: Record<string, unknown>;
}

/** One request to one provider: a hop of a turn. */
export interface AnswerRequest {
  /** The reasoning of a message is sent only to a provider that requires it. */
  messages: readonly MessageWithImages[];
  tools: readonly ChatCompletionTool[];
  /** Its estimated sizes, for the error of a request that is too long. Null if unknown. */
  sizes: ContextSizes | null;
  /** Name of the provider to ask, one of `LanguageModel.providers`. */
  provider: string;
  /** A model from `modelFor`. */
  model: string;
  /** Where it stands when requests have to wait: its owner, its conversation and a name of its own. */
  place: FairKey;
}

/** Receives the answer as it arrives. Called synchronously for each delta, so it must be cheap. */
export interface AnswerSink {
  /** The request is queued at this position, from 1. Called first, or not at all. */
  queued(position: number): void;
  /** The model takes no tools: the request is sent without them. Called before any delta, or not at all. */
  withoutTools(): void;
  /** The provider rejected the declarations of these tools: the request is sent without them. Called before any delta, or not at all. */
  withoutSome(names: readonly string[]): void;
  text(delta: string): void;
  reasoning(delta: string): void;
  /** All text so far was reasoning: its closing tag came, without an opening one. The rest follows as usual. */
  textWasReasoning(): void;
}

/** A complete answer. */
export interface FinishedAnswer {
  status: 'finished';
  finishReason: 'stop' | 'length' | 'content_filter' | 'tool_calls';
  /** In the model's order. `arguments` is the model's own text, `{}` if it wrote none. */
  toolCalls: { name: string; arguments: string }[];
  /** Sent back later with the message, in its `reasoning`. */
  signatures: Signatures | null;
  /** Null if the provider reported none. */
  usage: Usage | null;
  /** The model that answered, as the provider reports it. */
  model: string;
}

/** The end of a stream. The caller decides whether the deltas before the end are kept. */
export type AnswerEnd =
  | FinishedAnswer
  | { status: 'aborted' }
  /** `fault.retryable`: whether a retry may help. `retryAfterMs`: from the provider; null if it gave none. */
  | { status: 'failed'; fault: Fault; retryAfterMs: number | null };

/** The port for all requests to models. Stateless for the answers: each hop brings all its messages. */
export interface LanguageModel {
  /** The active provider first, then the fallbacks in their order. */
  readonly providers: readonly { name: string; model: string; allowedModels: readonly string[]; demo: boolean }[];
  /** The requested model if the provider allows it, else the provider's own model. '' for an unknown provider. */
  modelFor(provider: string, requested: string | null): string;
  /**
   * The tools that requests to a provider's model do not have, by name, each with the reason as the end of a sentence. Empty
   * for an unknown provider.
   */
  leftOut(provider: string, model: string, tools: readonly OfferedTool[]): ReadonlyMap<string, string>;
  /** What a request for this model may hold. */
  window(provider: string, model: string): ModelWindow;
  /** The usage with its cost, if the provider's block has a price for the model that answered, or for the one that was asked. */
  priced(provider: string, usage: Usage, models: readonly string[]): Usage;
  /** The status of each provider, in the order of `providers`. */
  status(): (ProviderStatus & ProviderLoad)[];
  /** Never rejects, unless the sink throws. After `signal` aborts the sink is not called again. */
  stream(request: AnswerRequest, sink: AnswerSink, signal: AbortSignal): Promise<AnswerEnd>;
}

/** What the configuration and the provider say about requests for a model. */
export interface ModelWindow {
  /** The longest answer that requests ask for. Null if they state none. */
  answerLimit: AnswerLimit | null;
  /** The most estimated tokens that the provider takes, learned from a rejected request. Null if unknown. */
  limitTokens: number | null;
  /** False if the configuration says `tools: never`, or if the model has rejected tools. */
  takesTools: boolean;
  /** True if the provider gets the reasoning of turns with tool calls. */
  sendsReasoning: boolean;
  /** The model has rejected a request because of its tools, and took it without them. */
  hasRejectedTools: boolean;
}

/** The status of a provider, for people. */
export interface ProviderStatus {
  name: string;
  model: string;
  /** Whether requests pass: `closed` all, `open` none, `halfOpen` the next one, `probing` one is running. */
  circuit: 'closed' | 'open' | 'halfOpen' | 'probing';
  /** Code of its last failure. Null if none came since its last answer. */
  error: string | null;
}

/** The load of a provider, over all conversations. */
export interface ProviderLoad {
  /** Running requests. */
  running: number;
  /** Queued requests. */
  queued: number;
}
