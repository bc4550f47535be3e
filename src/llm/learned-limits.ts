/**
 * Keeps the limits of contexts that a provider has named when it rejected a request, by model, as long as the process runs.
 * Later requests of all conversations are built to fit.
 */
import { requestTokens } from '../../machines/context-window/context-sizes.ts';
import type { Fault } from '../../machines/log.ts';
import type { AnswerRequest } from './port.ts';

/** A limit that a provider has named, for the operator. */
export interface LearnedLimit {
  provider: string;
  model: string;
  /** As the provider counts. */
  tokens: number;
  /** The line of the configuration that has the same effect for all models. */
  write: string;
}

/** The limits of one provider. */
export interface LearnedLimits {
  /** Reads the limit from the fault of a rejected request, if it names one. */
  learn(request: Pick<AnswerRequest, 'model' | 'sizes'>, fault: Fault): void;
  /** The limit in estimated tokens. Null if none was named. */
  of(model: string): number | null;
}

/** The estimate, divided by the provider's count of the same text, if it does not say its count. */
const UNKNOWN_RATIO = 0.9;
/** The least such ratio. A lower one comes from a sentence that was misread. */
const LEAST_RATIO = 0.5;

/** `onLimit` gets the first limit of a model, and each lower one. */
export function createLearnedLimits(provider: string, onLimit: (limit: LearnedLimit) => void): LearnedLimits {
  const limits = new Map<string, number>();
  return {
    learn({ model, sizes }, { code, data }) {
      const { context_tokens: tokens, request_tokens: counted } = data;
      if (code !== 'provider_context_length' || typeof tokens !== 'number') return;
      const ratio =
        sizes !== null && typeof counted === 'number'
          ? Math.max(LEAST_RATIO, Math.min(1, requestTokens(sizes) / counted))
          : UNKNOWN_RATIO;
      const limit = Math.floor(tokens * ratio);
      const known = limits.get(model);
      if (limit <= 0 || (known !== undefined && known <= limit)) return;
      limits.set(model, limit);
      onLimit({ provider, model, tokens, write: `chat.service.context.max_tokens: ${tokens}` });
    },
    of: (model) => limits.get(model) ?? null,
  };
}
