/**
 * Recognizes turns that a provider's content filter refused. Their messages must not be sent again, because the filter
 * would refuse every later request of the conversation. Pure.
 */
import { asObject } from '../json-object.ts';
import type { NewRow } from '../log.ts';

/** The code of a fault for a request that a content filter refused. */
const CONTENT_FILTER_CODE = 'provider_content_filter';

/** Codes that rows of version 0.1.0 have for such a request. */
const OLD_CODES: readonly unknown[] = ['provider_request', 'provider_failed'];

/** Messages of Azure, OpenAI, Anthropic, OpenRouter, xAI, DeepSeek, Moonshot, Qwen, Volcengine and GLM. */
const refusals = [
  /content[ _-]?(?:management|filter(?:ing|ed)?|moderation|safety)\b/i,
  /\b(?:prompt|input|content|messages?|request)\b.{0,80}\b(?:was|were|been|is|are)\b.{0,20}\bflagged\b/i,
  /\b(?:prompt|input|content|messages?|request)\b.{0,80}\bviolat\w+.{0,60}\b(?:polic(?:y|ies)|guidelines?)/i,
  /\b(?:inappropriate content|content exists risk|considered high risk|(?:unsafe or )?sensitive (?:content|information))\b/i,
  /\bResponsibleAIPolicyViolation\b|\bsafety system\b|敏感内容/i,
];

/** True if a provider says in this message that its content filter refused the request. */
export function isContentRefusal(message: string): boolean {
  return refusals.some((pattern) => pattern.test(message));
}

/** True for the `turn_end` row of a turn that a content filter refused, or whose answer it stopped. Also for rows of version 0.1.0. */
export function endsRefused({ kind, metadata, error }: NewRow['extra']): boolean {
  if (kind !== 'turn_end') return false;
  if (asObject(metadata)?.['finish_reason'] === 'content_filter') return true;
  const { code, data } = asObject(error) ?? {};
  if (code === CONTENT_FILTER_CODE) return true;
  return OLD_CODES.includes(code) && isContentRefusal(String(asObject(data)?.['provider_says'] ?? ''));
}
