/**
 * The language model as the rest of Parley sees it: a question, where its answer goes, how that
 * ends, and the port that they pass through. A failure is a value, never a rejection. Types only.
 */
import type { ChatCompletionTool } from 'openai/resources/chat/completions';
import type { Fault, Usage } from '../../machines/log.ts';
import type { FairKey } from '../scheduling/fair-queue.ts';
import type { Signatures, MessageWithReasoning } from './pass-back-reasoning.ts';

/** One question to one provider: a hop of a turn. */
export interface AnswerRequest {
  /** The thoughts of a message go out only to a provider that wants them. */
  messages: readonly MessageWithReasoning[];
  tools: readonly ChatCompletionTool[];
  /** Name of the provider to ask, one of `LanguageModel.providers`. */
  provider: string;
  /** One that `modelFor` gives. */
  model: string;
  /** Where it stands when requests have to wait: its owner, its conversation and a name of its own. */
  place: FairKey;
}

/** Where the answer goes as it arrives. Called synchronously, once a delta: it must be cheap. */
export interface AnswerSink {
  /** The provider has no room yet: the request stands in line, in that place, from 1. Comes first, or not at all. */
  queued(position: number): void;
  text(delta: string): void;
  reasoning(delta: string): void;
}

/** How a stream ended. What the sink was given before counts only where the caller says so. */
export type AnswerEnd =
  | {
      status: 'finished';
      finishReason: 'stop' | 'length' | 'content_filter' | 'tool_calls';
      /** In the order asked; `arguments` is the model's own text, `{}` where it wrote none. */
      toolCalls: { name: string; arguments: string }[];
      /** To be given back with the message, in its `thoughts`. */
      signatures: Signatures | null;
      /** As the provider reported it, null if it did not. */
      usage: Usage | null;
      /** The model that answered, by the provider's own account. */
      model: string;
    }
  | { status: 'aborted' }
  /** `fault.retryable` says whether asking again may help; `retryAfterMs` is the provider's own wish. */
  | { status: 'failed'; fault: Fault; retryAfterMs: number | null };

/**
 * The port through which every answer is asked for. Holds nothing between requests that an answer would
 * depend on: each hop brings all its messages.
 */
export interface LanguageModel {
  /** The active provider first, then the fallbacks in their order. */
  readonly providers: readonly { name: string; model: string; allowedModels: readonly string[]; demo: boolean }[];
  /** The model to ask a provider for: the one wished for where the provider allows it, else its own; '' for a provider that there is not. */
  modelFor(provider: string, wished: string | null): string;
  /** A request's usage with its cost, where the provider's block has a price for the model that answered, or for the one that was asked. */
  priced(provider: string, usage: Usage, models: readonly string[]): Usage;
  /** How each provider is, in the same order. */
  status(): (ProviderStatus & ProviderLoad)[];
  /** Never rejects, unless the sink throws. After `signal` aborts the sink is not called again. */
  stream(request: AnswerRequest, sink: AnswerSink, signal: AbortSignal): Promise<AnswerEnd>;
}

/** A provider as people see it. */
export interface ProviderStatus {
  name: string;
  model: string;
  /** Whether it is asked: `closed` yes, `open` not for a while, `halfOpen` by one request next, `probing` by one request now. */
  circuit: 'closed' | 'open' | 'halfOpen' | 'probing';
  /** Code of its last failure; null when none has come since its last answer. */
  error: string | null;
}

/** What a provider has to do for all conversations. */
export interface ProviderLoad {
  /** Requests under way. */
  running: number;
  /** Requests that stand in line, for want of room. */
  queued: number;
}
