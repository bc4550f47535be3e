/**
 * Every way in which asking a provider fails, as a fault that says who failed and what to change.
 * Messages may hold the provider's name, host, model and cleaned words; never a key, a path or a
 * stack. Whether to ask again is the caller's decision: a fault only says if that may help.
 */
import { APIConnectionTimeoutError, APIError } from 'openai';
import { fault, QUOTE_KEY, withQuote, type ErrorCode } from '../../errors.ts';
import type { StreamError } from './accumulator.ts';
import { classify, sanitizeMessage, readProviderError, type ProviderError } from './provider-error.ts';
import { isObject, textOf } from '../../json.ts';
import type { AnswerEnd } from '../port.ts';
import type { Provider } from '../providers/provider.ts';
import { readRetryAfter } from './retry-after.ts';
import type { Silence } from './watchdog.ts';

export type FailedAnswer = Extract<AnswerEnd, { status: 'failed' }>;

/** Whom the failure is about. */
export interface Target {
  provider: Provider;
  /** The model asked for. */
  model: string;
}

/** A request that was answered with an error status, or not at all. */
export function requestFailed(asked: Target, error: unknown): FailedAnswer {
  if (error instanceof APIError && error.status !== undefined) {
    const ownWords = error.error === undefined ? error.message.replace(/^\d+ (status code \(no body\))?/, '') : '';
    return rejected(asked, readProviderError(error.error, error.status, ownWords), readRetryAfter(error.headers));
  }
  const { provider } = asked;
  const reason = rootCode(error);
  const host = new URL(provider.baseUrl).host;
  if (reason === 'ETIMEDOUT' || error instanceof APIConnectionTimeoutError) {
    return failed(
      asked,
      'provider_timeout',
      `could not be connected to in time (${host}). Check llm.providers.${provider.name}.base_url and the network, or raise llm.connect_timeout.`,
    );
  }
  const sanitized = connectionErrors[reason] ?? 'the connection failed';
  return failed(
    asked,
    'provider_unreachable',
    `cannot be reached at ${host}: ${sanitized}. Check llm.providers.${provider.name}.base_url and the network.`,
  );
}

/** A stream that said something no answer can go on after. */
export function streamFailed(asked: Target, reason: StreamError): FailedAnswer {
  switch (reason.kind) {
    case 'error':
      return rejected(asked, readProviderError(reason.error, null), null);
    case 'garbage':
      return failed(asked, 'provider_failed', 'sent something that is no part of an answer.', {
        says: words(asked, reason.sample),
      });
    case 'oversized':
      return failed(asked, 'provider_failed', 'sent more than any answer may hold.');
  }
}

/** A 200 that is no answer, e.g. the page of a proxy or of a wrong path. */
export function notACompletion(asked: Target, contentType: string): FailedAnswer {
  const [what] = /^[\w.+-]{1,60}\/[\w.+-]{1,60}/.exec(contentType) ?? ['no content type'];
  return failed(
    asked,
    'provider_failed',
    `answered with something that is no chat completion (${what}). Check llm.providers.${asked.provider.name}.base_url.`,
  );
}

/** Bytes stayed out for `limitMs`. */
export function timedOut(asked: Target, silence: Silence, limitMs: number): FailedAnswer {
  const seconds = `${limitMs / 1_000} s`;
  return silence === 'first_byte'
    ? failed(asked, 'provider_timeout', `sent nothing within ${seconds}. Try again, or raise llm.first_byte_timeout.`)
    : failed(
        asked,
        'provider_timeout',
        `fell silent in the middle of an answer for ${seconds}. Try again, or raise llm.stall_timeout.`,
      );
}

/** The stream ended before the answer did. */
export function cutOff(asked: Target): FailedAnswer {
  return failed(asked, 'provider_cut', 'ended the stream before its answer was finished. Ask again.');
}

function rejected(asked: Target, complaint: ProviderError, retryAfterMs: number | null): FailedAnswer {
  const code = classify(complaint);
  const said = words(asked, complaint.message);
  const number = complaint.status === null ? '' : ` (${complaint.status})`;
  const { keyVariable } = asked.provider;
  return failed(asked, code, `${explainRejection(code, asked, complaint.status)}${number}.`, {
    says: said,
    retryAfterMs,
    data: {
      ...(complaint.status === null ? {} : { status: complaint.status }),
      ...(code === 'provider_auth' && keyVariable !== null ? { variable: keyVariable } : {}),
    },
  });
}

/** Goes on from the provider's name: what it did, and what to change. */
function explainRejection(code: ErrorCode, { provider, model }: Target, status: number | null): string {
  const block = `llm.providers.${provider.name}`;
  switch (code) {
    case 'provider_auth':
      return provider.keyVariable === null
        ? `refused the request for want of a key; name its variable in ${block}.api_key_env`
        : `refused the API key; check the key in ${provider.keyVariable}`;
    case 'provider_model':
      return `does not offer the model "${model}"; set ${block}.${provider.modelKey} (or, if that is right, ${block}.base_url)`;
    case 'provider_context_length':
      return `finds the conversation too long for "${model}"; lower chat.service.context.max_tokens or shorten the message`;
    case 'provider_rate_limit':
      return 'is limiting the rate of requests; wait, or raise the limit there';
    case 'provider_request':
      return status !== null && status < 400
        ? `redirects to another address; set that address as ${block}.base_url`
        : `refused the request; check ${block} and the account`;
    default:
      return 'had a fault of its own; ask again';
  }
}

interface Details {
  /** The provider's own words, cleaned; '' for none. Kept apart from Parley's, because they may quote people. */
  says?: string;
  retryAfterMs?: number | null;
  data?: Record<string, unknown>;
}

function failed(
  { provider, model }: Target,
  code: ErrorCode,
  message: string,
  { says = '', retryAfterMs = null, data = {} }: Details = {},
): FailedAnswer {
  const wait = retryAfterMs === null ? {} : { retry_after_ms: retryAfterMs };
  const own = `Provider "${provider.name}" ${message}`;
  return {
    status: 'failed',
    fault: fault(code, withQuote(own, says), {
      provider: provider.name,
      model,
      ...data,
      ...wait,
      ...(says === '' ? {} : { [QUOTE_KEY]: says }),
    }),
    retryAfterMs,
  };
}

function words({ provider }: Target, raw: string): string {
  const secrets = [provider.key ?? '', ...Object.values(provider.headers)];
  // Short header values are flags, not secrets, and would tear holes into ordinary words.
  return sanitizeMessage(
    raw,
    secrets.filter((secret) => secret.length >= 8),
  );
}

/** Node's error codes in words. */
const connectionErrors: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'the host name is unknown',
  EAI_AGAIN: 'the host name could not be looked up',
  ECONNRESET: 'the connection was closed',
  EPIPE: 'the connection was closed',
  EHOSTUNREACH: 'there is no route to the host',
  ENETUNREACH: 'there is no network',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is self-signed',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate cannot be verified',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another host',
  EPROTO: 'it does not speak TLS',
};

/** The code nearest the root of a chain of causes, '' if none has one. */
function rootCode(error: unknown): string {
  let code = '';
  let cause = error;
  for (let depth = 0; depth < 5 && isObject(cause); depth += 1) {
    code = textOf(cause['code']) ?? code;
    cause = cause['cause'];
  }
  return code;
}
