/**
 * Classifies errors of providers: one table maps statuses, codes and messages of all providers to Parley's error codes.
 * Sanitizes their messages for people.
 */
import { sanitizeText } from '../../mcp/content/sanitize-text.ts';
import type { ErrorCode } from '../../errors.ts';
import { isDeeperThan, isObject, parseJson, textOf, type JsonObject } from '../../json.ts';
import { isContentRefusal } from '../../../machines/context-window/content-filter.ts';
import type { Fetch } from './transport.ts';
import { cutText } from '../../cut-text.ts';

/** An error from a provider, as a response or inside a stream. */
export interface ProviderError {
  /** Null: it came inside a stream, without a status. */
  status: number | null;
  /** `code` and `type` of the error body, in lower case. */
  label: string;
  /** The provider's message, not sanitized, at most `MAX_READ_CHARS` long. Empty if it had none. */
  message: string;
  /** As the provider sent it. */
  body: unknown;
}

/** Reads an error body: OpenAI's object, an object of another shape, a string, or text that is not JSON. */
export function readProviderError(error: unknown, status: number | null, fallbackMessage = ''): ProviderError {
  const message = messageIn(error) || fallbackMessage.slice(0, MAX_READ_CHARS);
  if (!isObject(error)) return { status, label: '', message, body: error };
  const code = error['code'];
  return {
    // OpenRouter and vLLM put the HTTP status into `code` once the stream has begun.
    status: status ?? statusOf(code) ?? statusOf(error['status']) ?? statusOf(error['status_code']),
    label: `${textOf(code) ?? ''} ${textOf(error['type']) ?? ''}`.toLowerCase(),
    message,
    body: error,
  };
}

function statusOf(value: unknown): number | null {
  const status = typeof value === 'string' && /^\d{3}$/.test(value) ? Number(value) : value;
  return typeof status === 'number' && status >= 400 && status < 600 ? status : null;
}

/**
 * The error in a body: the object under `error`, else the body itself, because many servers put their message beside
 * `error` or send none (FastAPI, Mistral, Cloudflare, Fastify).
 */
export function errorOf(body: JsonObject): JsonObject {
  return isObject(body['error']) ? body['error'] : body;
}

/** Where servers put their message, the most specific key first. */
const messageKeys = [
  'message',
  'msg',
  'error_message',
  'error_msg',
  'status_msg',
  'error_description',
  'detail',
  'errors',
  'error',
  'title',
] as const;

/** Far above any error. The package serializes errors, which overflows the stack on thousands of levels. */
const maxLevels = 100;

const maxDepth = 4;
const maxListed = 5;

/** The rest of a longer message is not read: the patterns that look for causes take time. */
export const MAX_READ_CHARS = 4_000;

/** The message in an error of any shape, '' if it has none. Joins the messages of a list. */
export function messageIn(error: unknown, depth = 0): string {
  if (typeof error === 'string') return error.slice(0, MAX_READ_CHARS).trim();
  if (depth > maxDepth) return '';
  if (Array.isArray(error)) {
    const messages = error.slice(0, maxListed).map((item) => messageIn(item, depth + 1));
    return messages.filter(Boolean).join('; ');
  }
  if (!isObject(error)) return '';
  for (const key of messageKeys) {
    const message = messageIn(error[key], depth + 1);
    if (message !== '') return `${fieldOf(error['loc'])}${message}`;
  }
  return '';
}

/** The field that a message of FastAPI is about: its message does not name it. */
function fieldOf(loc: unknown): string {
  const steps = Array.isArray(loc) ? loc.filter((step) => typeof step === 'string' || typeof step === 'number') : [];
  return steps.length === 0 ? '' : `${steps.join('.')}: `;
}

/** Whether the text is a web page: a proxy, a firewall or a wrong path sent it, not the API. */
export function isPage(text: string): boolean {
  return /^\s*<(!doctype|html|head|body|title|h1|center)\b/i.test(text);
}

type ProviderCode = Extract<ErrorCode, `provider_${string}`>;

/** The first matching rule decides. Without a match it is `provider_failed`. `model`: the model asked for. */
export function classify(complaint: ProviderError, model: string): ProviderCode {
  return rules.find((rule) => rule.holds(complaint, model))?.code ?? 'provider_failed';
}

const contextMessages =
  /context[ _](length|window|size|limit)|maximum (context|(allowed )?input|prompt|model) length|too many (input )?tokens|token count\b.{0,60}\b(exceeds|supports)\b|tokens? exceeds? the configured limit|(prompt|input) (is )?too long|longer than the maximum model length|\btoo large for model with\b|range of input length|tokens.{0,30}must be <=|tokens in the prompt cannot exceed|(reduce|shorten) (the|your) (length|message|prompt)|exceeded model token limit|(prompt|message|input)( length)? exceeds (the )?max|exceeded max(imum)? prompt length|must have less than \d+ tokens|maximum supported sequence length/i;
const modelMessages =
  /\bmodel\b.{0,120}(does not exist|not found|not a valid|not supported|decommissioned|no access)|not a valid model|(no such|unknown) model|no endpoints found/i;
const modelAccessMessages = /\bmodel\b.{0,120}(blocked|not (available|allowed|enabled))|access to (the )?model\b/i;
/** Azure, Moonshot: `content_filter`. OpenAI: `content_policy_violation`. Qwen: `data_inspection_failed`. */
const contentLabels = /content_?(?:filter|policy)|data_?inspection|sensitive_?content/;
const keyMessages =
  /\b(api|access|secret)[ _-]?(key|token)|\b(invalid|missing|bearer) (key|token)|credential|authenticat/i;

/** A proxy sends 499 if the connection behind it was closed. */
const TRANSIENT: ReadonlySet<number> = new Set([408, 409, 425, 499]);

const wrongKeyMessages =
  /\b(?:incorrect|invalid) api[ _-]?key|\bapi[ _-]?key (?:is )?(?:not valid|invalid|incorrect|expired)/i;

const rules: readonly { code: ProviderCode; holds(complaint: ProviderError, model: string): boolean }[] = [
  {
    code: 'provider_context_length',
    holds: ({ label }) => /context_(?:length|size|exceeded)|prompt_too_long/.test(label),
  },
  // Waiting does not refill an account; OpenAI reports this with 429.
  { code: 'provider_request', holds: ({ label }) => /insufficient_quota|billing/.test(label) },
  {
    code: 'provider_model',
    holds: ({ label }) => /model_not_found|model_decommissioned|model_permission|deploymentnotfound/.test(label),
  },
  {
    code: 'provider_auth',
    holds: ({ status, label }) => status === 401 || /invalid_api_key|authentication_error|permission_error/.test(label),
  },
  {
    code: 'provider_content_filter',
    holds: ({ status, label, message }) =>
      (status === null || (status >= 400 && status < 500)) &&
      (contentLabels.test(label) ||
        ((isRejection(status) || status === 403) && !isPage(message) && isContentRefusal(message))),
  },
  // Gemini and xAI reject a wrong key with 400.
  { code: 'provider_auth', holds: ({ status, message }) => status === 400 && isAbout(message, wrongKeyMessages) },
  // A 403 is also the answer to a country, a moderated text, a private network or a firewall's rule.
  { code: 'provider_auth', holds: ({ status, message }) => status === 403 && isAbout(message, keyMessages) },
  { code: 'provider_model', holds: ({ status, message }) => status === 403 && isAbout(message, modelAccessMessages) },
  // Groq's answer to a prompt above the account's tokens per minute: a retry does not help.
  { code: 'provider_context_length', holds: ({ status }) => status === 413 },
  // OpenAI's answer to the same.
  {
    code: 'provider_context_length',
    holds: ({ status, message }) => status === 429 && /^request too large\b/i.test(message),
  },
  {
    code: 'provider_rate_limit',
    holds: ({ status, label }) => status === 429 || (status === null && label.includes('rate_limit')),
  },
  // A 404 that does not name the model comes from a wrong path.
  {
    code: 'provider_model',
    holds: ({ status, message }, model) =>
      status === 404 && (isAbout(message, modelMessages) || (message.includes(model) && !isPage(message))),
  },
  {
    code: 'provider_context_length',
    // Ollama and older llama.cpp: 500.
    holds: ({ status, message }) =>
      (isRejection(status) || (status === 500 && /exceed/i.test(message))) && contextMessages.test(message),
  },
  { code: 'provider_model', holds: ({ status, message }) => isRejection(status) && modelMessages.test(message) },
  { code: 'provider_failed', holds: ({ status }) => status !== null && TRANSIENT.has(status) },
  {
    code: 'provider_request',
    holds: ({ status, label }) => (status !== null && status < 500) || label.includes('invalid_request'),
  },
];

/** The words of a web page are not the provider's. */
function isAbout(message: string, pattern: RegExp): boolean {
  return !isPage(message) && pattern.test(message);
}

function isRejection(status: number | null): boolean {
  return status === null || status === 400 || status === 422;
}

const maxMessageChars = 300;

/** The keys of providers begin with these letters. */
const KEY = /\b(?:(?:sk|gsk|xai|key|pplx|nvapi|csk|fw|hf|r8|tgp)[-_]|AIza)[\w*.-]{6,}/gi;

/**
 * Sanitizes a provider's message for people: one line without markup, at most 300 characters, without secrets (some providers
 * quote the rejected key) and anything that looks like a key.
 */
export function sanitizeMessage(message: string, withoutSecrets: (text: string) => string): string {
  // Cuts before the replacements, at a distance where no partial secret can remain in the result.
  const line = withoutSecrets(sanitizeText(message.slice(0, 8 * maxMessageChars)))
    .replaceAll(/<(script|style)\b[^]*?<\/\1>/gi, ' ')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(KEY, '[secret]')
    .replaceAll(/[\p{Cc}\s]+/gu, ' ')
    .trim();
  return cutText(line, maxMessageChars);
}

/**
 * Wraps `fetch` so that the openai package understands every error body: it expects one object with an `error`. Gemini sends
 * a list of them (https://github.com/Gitlawb/openclaude/issues/393), and many servers no `error` at all. Reads the body of a
 * failure whole. If that fails, the response keeps its status and headers, without a body. Other responses pass unchanged.
 */
export function withPlainErrors(fetch: Fetch): Fetch {
  return async (input, init) => {
    const response = await fetch(input, init);
    if (response.status < 400) return response;
    const text = await response.text().catch(() => '');
    const body = parseJson(text);
    const first: unknown = Array.isArray(body) ? body[0] : body;
    const readable = isDeeperThan(first, maxLevels) ? '' : text;
    return new Response(isObject(first) && readable !== '' ? JSON.stringify({ error: errorOf(first) }) : readable, {
      status: response.status,
      headers: response.headers,
    });
  };
}
