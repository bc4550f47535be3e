/**
 * Describes every failure of a request to a provider as a fault: the cause and the remedy. Messages may hold the provider's
 * name, host, model and sanitized message, but never a key, a path or a stack. The caller decides about retries; the fault
 * says whether one may help.
 */
import { APIConnectionTimeoutError, APIError } from 'openai/error';
import { fault, QUOTE_KEY, withQuote, type ErrorCode } from '../../errors.ts';
import type { StreamError } from './accumulator.ts';
import { readNamedLimit } from './context-limit.ts';
import { classify, isPage, sanitizeMessage, readProviderError, type ProviderError } from './provider-error.ts';
import { isLoopbackName } from '../../loopback.ts';
import type { AnswerEnd } from '../port.ts';
import type { ContextSizes } from '../../../machines/context-window/context-sizes.ts';
import type { Provider } from '../providers/provider.ts';
import { secretsOfEndpoint } from '../../mcp/secrets/block-secrets.ts';
import { createSecretFilter } from '../../mcp/secrets/secret-filter.ts';
import { explainFailure, explainRequest } from './explain-status.ts';
import { explainConnection, rootCode } from './explain-connection.ts';
import { explainTooLong } from './explain-too-long.ts';
import { readRetryAfter } from './retry-after.ts';
import type { Silence } from './watchdog.ts';

/** The end of an answer by a fault. */
export type FailedAnswer = Extract<AnswerEnd, { status: 'failed' }>;

/** The provider and the model of the request. */
export interface Target {
  provider: Provider;
  /** The model asked for. */
  model: string;
  /** The sizes of the request. Null if unknown. */
  sizes: ContextSizes | null;
}

/** The request got an error status, or no response. */
export function requestFailed(asked: Target, error: unknown): FailedAnswer {
  if (error instanceof APIError && error.status !== undefined) {
    if (error.status < 400) return redirected(asked, error.status, error.headers?.get('location') ?? '');
    const ownWords = error.error === undefined ? error.message.replace(/^\d+ (status code \(no body\))?/, '') : '';
    return rejected(asked, readProviderError(error.error, error.status, ownWords), error.headers);
  }
  const { provider } = asked;
  const reason = rootCode(error);
  const host = new URL(provider.baseUrl).host;
  if (reason === 'ETIMEDOUT' || error instanceof APIConnectionTimeoutError) {
    return failed(
      asked,
      'provider_timeout',
      `did not accept a connection in time (${host}). Check llm.providers.${provider.name}.base_url and the network, or raise llm.connect_timeout.`,
    );
  }
  const block = `llm.providers.${provider.name}`;
  if (/^HPE_|^ERR_INVALID_RESPONSE$/.test(reason)) {
    return failed(
      asked,
      'provider_failed',
      `sent no valid HTTP response (${host}, ${reason}). Check ${block}.base_url.`,
    );
  }
  const proxies = isLoopbackName(new URL(provider.baseUrl).hostname)
    ? ''
    : ' (also HTTP_PROXY, HTTPS_PROXY and NO_PROXY)';
  return failed(
    asked,
    'provider_unreachable',
    `cannot be reached at ${host}: ${explainConnection(reason)}. Check ${block}.base_url and the network${proxies}.`,
  );
}

/** Names the target without its query, and without the path of the base URL: both may hold secrets. */
function redirected(asked: Target, status: number, location: string): FailedAnswer {
  const { baseUrl, path: apiPath, name } = asked.provider;
  const base = new URL(baseUrl);
  const target = location === '' ? null : URL.parse(location, base.href);
  const path = (target?.pathname ?? '').replace(apiPath, '');
  const ownPath = base.pathname.replace(/\/$/, '');
  const where =
    target === null ? 'another address' : `${target.protocol}//${target.host}${path === ownPath ? '' : path}`;
  return failed(
    asked,
    'provider_request',
    `redirects to ${words(asked, where)}; set that address in llm.providers.${name}.base_url (${status}).`,
    { data: { status } },
  );
}

/** The stream contained an error or invalid data. */
export function streamFailed(asked: Target, reason: StreamError): FailedAnswer {
  switch (reason.kind) {
    case 'error':
      return rejected(asked, readProviderError(reason.error, null));
    case 'malformed':
      return failed(asked, 'provider_failed', 'sent invalid data instead of a chunk of an answer.', {
        says: words(asked, reason.sample),
      });
    case 'unfinished':
      return failed(
        asked,
        'provider_failed',
        `did not finish its answer, which ended with "${words(asked, reason.reason)}". Try again.`,
      );
    case 'oversized':
      return failed(asked, 'provider_failed', 'sent more than an answer may hold.');
  }
}

/** A 200 that is no chat completion, for example the page of a proxy or of a wrong path. */
export function notACompletion(asked: Target, contentType: string): FailedAnswer {
  const [what] = /^[\w.+-]{1,60}\/[\w.+-]{1,60}/.exec(contentType) ?? ['no content type'];
  return failed(
    asked,
    'provider_failed',
    `answered with something other than a chat completion (${what}). Check llm.providers.${asked.provider.name}.base_url.`,
  );
}

/** No byte came for `limitMs`. */
export function timedOut(asked: Target, silence: Silence, limitMs: number): FailedAnswer {
  const seconds = `${limitMs / 1_000} s`;
  return silence !== 'within_answer'
    ? failed(
        asked,
        'provider_timeout',
        `sent nothing of an answer within ${seconds}. Try again, or raise llm.first_byte_timeout.`,
      )
    : failed(
        asked,
        'provider_timeout',
        `stopped sending in the middle of an answer for ${seconds}. Try again, or raise llm.stall_timeout.`,
      );
}

/** The stream ended before the answer. */
export function cutOff(asked: Target): FailedAnswer {
  return failed(asked, 'provider_cut', 'ended the stream before its answer was finished. Try again.');
}

function rejected(asked: Target, complaint: ProviderError, headers?: Headers): FailedAnswer {
  const code = classify(complaint, asked.model);
  const said = words(asked, complaint.message);
  const number = complaint.status === null ? '' : ` (${complaint.status})`;
  const { keyVariable } = asked.provider;
  return failed(asked, code, `${explainRejection(code, asked, complaint)}${number}.`, {
    says: said,
    retryAfterMs: readRetryAfter(headers, complaint),
    data: {
      ...(complaint.status === null ? {} : { status: complaint.status }),
      ...(code === 'provider_context_length' ? limitData(complaint) : {}),
      ...(code === 'provider_auth' && keyVariable !== null ? { variable: keyVariable } : {}),
    },
  });
}

/** The numbers that the provider names. */
function limitData({ body, message }: ProviderError): Record<string, unknown> {
  const named = readNamedLimit(body, message);
  if (named === null) return {};
  const { limit, input } = named;
  return { context_tokens: limit, ...(input === null ? {} : { request_tokens: input }) };
}

/** Continues a sentence after the provider's name: the cause and the remedy. */
function explainRejection(
  code: ErrorCode,
  { provider, model, sizes }: Target,
  { status, message }: ProviderError,
): string {
  const block = `llm.providers.${provider.name}`;
  switch (code) {
    case 'provider_auth':
      return provider.keyVariable === null
        ? `rejected the request without an API key; name its variable in ${block}.api_key_env`
        : `rejected the API key; check the key in ${provider.keyVariable}`;
    case 'provider_model':
      return status === 403
        ? `does not let this account use the model "${model}"; allow it at the provider, or set ${block}.${provider.modelKey}`
        : `does not offer the model "${model}"; set ${block}.${provider.modelKey} (or, if that is right, ${block}.base_url)`;
    case 'provider_context_length':
      return status === 413 && (message === '' || isPage(message))
        ? 'is behind a proxy that refuses requests of this size; raise its limit (client_max_body_size of nginx)'
        : explainTooLong(provider, model, sizes);
    case 'provider_content_filter':
      return 'refused the request with its content filter; this turn is left out of later requests, so send another message, or replace an earlier one (rewind_to) if that is refused too';
    case 'provider_rate_limit':
      return 'limits the rate of requests; wait, or raise the limit at the provider';
    case 'provider_request':
      return explainRequest(block, status, message);
    default:
      return explainFailure(status);
  }
}

interface Details {
  /** The provider's message, sanitized; '' for none. Separate from Parley's text, because it may quote people. */
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
  const filter = createSecretFilter(secretsOfEndpoint(provider.key, provider.baseUrl, provider.headers));
  return sanitizeMessage(raw, filter.report);
}
