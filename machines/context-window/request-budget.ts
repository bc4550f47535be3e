/**
 * Divides the context window of a model: the answer, the tool schemas, the system prompt and the messages share it. All
 * sizes are estimated tokens. Pure.
 */
import type { NewRow } from '../log.ts';

/** What limits one request, in estimated tokens. */
export interface WindowLimits {
  /** chat.service.context.max_tokens */
  maxTokens: number;
  /** chat.service.context.reserve_tokens */
  reserveTokens: number;
  /** The longest answer that the request asks for. Null if it states none. */
  answerTokens: number | null;
  /** What the model takes, as its provider said when it rejected a request. Null if unknown. */
  limitTokens: number | null;
}

/** The answer never takes more than this share of the window, so that a question fits beside it. */
const MOST_FOR_ANSWER = 0.75;

/** Share of a learned window that is reserved, if `reserve_tokens` is more: it was chosen for a larger window. */
const MOST_RESERVED = 0.25;

/** Tools and the system prompt together get at most this share of a request. The rest is for messages. */
const MOST_FOR_TOOLS = 0.75;

/** A provider counts differently in each request, so a shorter one leaves a margin. */
const MARGIN = 0.9;

/** Tokens that the whole request may have: its tools, its system prompt and its messages. */
export function requestBudget({ maxTokens, reserveTokens, answerTokens, limitTokens }: WindowLimits): number {
  const isLearned = limitTokens !== null && limitTokens < maxTokens;
  const window = isLearned ? limitTokens : maxTokens;
  const reserved = isLearned ? Math.min(reserveTokens, Math.floor(window * MOST_RESERVED)) : reserveTokens;
  return window - Math.max(reserved, Math.min(answerTokens ?? 0, mostForAnswer(window)));
}

/** The longest answer that leaves room for a question. */
export function mostForAnswer(windowTokens: number): number {
  return Math.floor(windowTokens * MOST_FOR_ANSWER);
}

/** Tokens that tool schemas may have in a request of `requestTokens`. */
export function toolBudget(requestTokens: number, systemTokens: number): number {
  return Math.max(0, Math.floor(requestTokens * MOST_FOR_TOOLS) - systemTokens);
}

/**
 * The budget of the next try after a provider rejected a request of `sentTokens` as too long. `data` is that of the fault: with
 * the provider's own numbers the request shrinks in proportion, without them it halves, because few providers give any.
 */
export function shorterBudget(sentTokens: number, data: NewRow['extra']): { tokens: number; isHalf: boolean } {
  const { context_tokens: limit, request_tokens: counted } = data;
  if (typeof limit === 'number') {
    const size = typeof counted === 'number' ? counted : sentTokens;
    const share = size > 0 ? Math.min(1, limit / size) : 1;
    // A request that the provider counts as small enough has a long answer, which the next budget takes into account.
    if (share < 1 || typeof counted === 'number')
      return { tokens: Math.floor(sentTokens * share * MARGIN), isHalf: false };
  }
  return { tokens: Math.floor(sentTokens / 2), isHalf: true };
}
