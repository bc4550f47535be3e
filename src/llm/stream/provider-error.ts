/**
 * Classifies errors of providers: one table maps statuses, codes and messages of all providers to Parley's error codes.
 * Sanitizes their messages for people.
 */
import type { ErrorCode } from '../../errors.ts';
import { isObject, parseJson, textOf } from '../../json.ts';
import type { Fetch } from './transport.ts';

/** An error from a provider, as a response or inside a stream. */
export interface ProviderError {
  /** Null: it came inside a stream, without a status. */
  status: number | null;
  /** `code` and `type` of the error body, in lower case. */
  label: string;
  /** The provider's message, not sanitized. Empty if it had none. */
  message: string;
}

/** Reads an error body: OpenAI's object, a string (Ollama), or text that is not JSON. */
export function readProviderError(error: unknown, status: number | null, fallbackMessage = ''): ProviderError {
  if (!isObject(error)) return { status, label: '', message: textOf(error) ?? fallbackMessage };
  const code = error['code'];
  return {
    // OpenRouter and vLLM put the HTTP status into `code` once the stream has begun.
    status: status ?? (typeof code === 'number' && code >= 400 && code < 600 ? code : null),
    label: `${textOf(code) ?? ''} ${textOf(error['type']) ?? ''}`.toLowerCase(),
    message: textOf(error['message']) ?? fallbackMessage,
  };
}

type ProviderCode = Extract<ErrorCode, `provider_${string}`>;

/** The first matching rule decides. Without a match it is `provider_failed`. */
export function classify(complaint: ProviderError): ProviderCode {
  return rules.find((rule) => rule.holds(complaint))?.code ?? 'provider_failed';
}

const contextMessages =
  /context[ _](length|window|size)|maximum context|too many (input )?tokens|token count\b.{0,40}\bexceeds|prompt is too long|(reduce|shorten) (the|your) (length|message|prompt)/i;
const modelMessages =
  /\bmodel\b.{0,120}(does not exist|not found|not a valid|not supported|decommissioned|no access)|not a valid model/i;

const rules: readonly { code: ProviderCode; holds(complaint: ProviderError): boolean }[] = [
  { code: 'provider_context_length', holds: ({ label }) => /context_length|context_size|prompt_too_long/.test(label) },
  // Waiting does not refill an account; OpenAI reports this with 429.
  { code: 'provider_request', holds: ({ label }) => /insufficient_quota|billing/.test(label) },
  {
    code: 'provider_auth',
    holds: ({ status, label }) =>
      status === 401 || status === 403 || /invalid_api_key|authentication_error|permission_error/.test(label),
  },
  // Groq's answer to a prompt above the account's tokens per minute: a retry does not help.
  { code: 'provider_context_length', holds: ({ status }) => status === 413 },
  {
    code: 'provider_rate_limit',
    holds: ({ status, label }) => status === 429 || (status === null && label.includes('rate_limit')),
  },
  {
    code: 'provider_model',
    holds: ({ status, label }) => status === 404 || /model_not_found|model_decommissioned/.test(label),
  },
  {
    code: 'provider_context_length',
    holds: ({ status, message }) => isRejection(status) && contextMessages.test(message),
  },
  { code: 'provider_model', holds: ({ status, message }) => isRejection(status) && modelMessages.test(message) },
  { code: 'provider_failed', holds: ({ status }) => status === 408 || status === 409 || status === 425 },
  {
    code: 'provider_request',
    holds: ({ status, label }) => (status !== null && status < 500) || label.includes('invalid_request'),
  },
];

function isRejection(status: number | null): boolean {
  return status === null || status === 400 || status === 422;
}

const maxMessageChars = 300;

/**
 * Sanitizes a provider's message for people: one line without markup, at most 300 characters, without the given secrets
 * (some providers quote the rejected key) and anything that looks like a key.
 */
export function sanitizeMessage(message: string, secrets: readonly string[]): string {
  // Cuts before the replacements, at a distance where no partial secret can remain in the result.
  let line = message.slice(0, 8 * maxMessageChars);
  for (const secret of secrets) line = line.replaceAll(secret, '[secret]');
  line = line
    .replaceAll(/<(script|style)\b[^]*?<\/\1>/gi, ' ')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\b(sk|gsk|xai|key)[-_][\w*.-]{6,}/gi, '[secret]')
    .replaceAll(/[\p{Cc}\s]+/gu, ' ')
    .trim();
  if (line.length <= maxMessageChars) return line;
  // Does not split a surrogate pair.
  return `${line
    .slice(0, maxMessageChars - 3)
    .replace(/[\uD800-\uDBFF]$/, '')
    .trimEnd()}...`;
}

/**
 * Wraps `fetch` so that the openai package understands every error body: it expects one object with an `error`, and Gemini
 * sends a list of them (https://github.com/Gitlawb/openclaude/issues/393). Reads the body of a failure whole. If that
 * fails, the response keeps its status and headers, without a body. Other responses pass unchanged.
 */
export function withPlainErrors(fetch: Fetch): Fetch {
  return async (input, init) => {
    const response = await fetch(input, init);
    if (response.status < 400) return response;
    const text = await response.text().catch(() => '');
    const body = parseJson(text);
    const first: unknown = Array.isArray(body) ? body[0] : undefined;
    return new Response(first === undefined ? text : JSON.stringify(first), {
      status: response.status,
      headers: response.headers,
    });
  };
}
