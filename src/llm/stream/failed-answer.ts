/**
 * Describes every failure of a request to a provider as a fault: the cause and the remedy. Messages may hold the provider's
 * name, host, model and sanitized message, but never a key, a path or a stack. The caller decides about retries; the fault
 * says whether one may help.
 */
import { APIConnectionTimeoutError, APIError } from 'openai/error';
import { fault, QUOTE_KEY, withQuote, type ErrorCode } from '../../errors.ts';
import type { StreamError } from './accumulator.ts';
import { classify, isPage, sanitizeMessage, readProviderError, type ProviderError } from './provider-error.ts';
import { isObject, ownValue, textOf } from '../../json.ts';
import { isLoopbackName } from '../../loopback.ts';
import type { AnswerEnd } from '../port.ts';
import type { ContextSizes } from '../../../machines/context-window/context-sizes.ts';
import type { Provider } from '../providers/provider.ts';
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
    return rejected(asked, readProviderError(error.error, error.status, ownWords), readRetryAfter(error.headers));
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

function explainConnection(reason: string): string {
  const cause =
    ownValue(connectionErrors, reason) ??
    (reason === '' ? 'the connection failed' : `the connection failed (${reason})`);
  return untrustedCertificates.has(reason)
    ? `${cause}. If a private CA issued it, set NODE_EXTRA_CA_CERTS to the file of that CA's certificate and restart`
    : cause;
}

/** Names the target without its query, and without the path of the base URL: both may hold secrets. */
function redirected(asked: Target, status: number, location: string): FailedAnswer {
  const { baseUrl, chatPath, name } = asked.provider;
  const base = new URL(baseUrl);
  const target = location === '' ? null : URL.parse(location, base.href);
  const path = (target?.pathname ?? '').replace(chatPath, '');
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
      return rejected(asked, readProviderError(reason.error, null), null);
    case 'malformed':
      return failed(asked, 'provider_failed', 'sent invalid data instead of a chunk of an answer.', {
        says: words(asked, reason.sample),
      });
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

function rejected(asked: Target, complaint: ProviderError, retryAfterMs: number | null): FailedAnswer {
  const code = classify(complaint, asked.model);
  const said = words(asked, complaint.message);
  const number = complaint.status === null ? '' : ` (${complaint.status})`;
  const { keyVariable } = asked.provider;
  return failed(asked, code, `${explainRejection(code, asked, complaint)}${number}.`, {
    says: said,
    retryAfterMs,
    data: {
      ...(complaint.status === null ? {} : { status: complaint.status }),
      ...(code === 'provider_context_length' ? limitData(complaint) : {}),
      ...(code === 'provider_auth' && keyVariable !== null ? { variable: keyVariable } : {}),
    },
  });
}

/** The numbers that the provider names. */
function limitData({ namedLimit }: ProviderError): Record<string, unknown> {
  if (namedLimit === null) return {};
  const { limit, input } = namedLimit;
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
      return explainTooLong(provider, model, sizes);
    case 'provider_content_filter':
      return 'refused the request with its content filter; this turn is left out of later requests, so send another message, or replace an earlier one (rewind_to) if that is refused too';
    case 'provider_rate_limit':
      return 'limits the rate of requests; wait, or raise the limit at the provider';
    case 'provider_request':
      return explainRequest(block, status, message);
    default:
      return 'had an internal error; try again';
  }
}

function explainRequest(block: string, status: number | null, message: string): string {
  if (status === 404) return `does not know the address of the request; check ${block}.base_url`;
  if (status === 407) return 'is behind a proxy that asks for a user and password; check HTTP_PROXY';
  if (status !== 403) return `rejected the request; check ${block} and the account`;
  return isPage(message)
    ? `answered with a web page, perhaps of a firewall that blocks the request; check the network and ${block}.base_url`
    : 'does not allow the request; check the account, its region and its permissions';
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
  const { username, password, searchParams } = new URL(provider.baseUrl);
  const inAddress = [username, password, ...searchParams.values()].flatMap((value) => [
    value,
    encodeURIComponent(value),
  ]);
  const secrets = [provider.key ?? '', ...Object.values(provider.headers), ...inAddress];
  // Short header values are flags, not secrets, and would remove parts of ordinary words.
  return sanitizeMessage(
    raw,
    secrets.filter((secret) => secret.length >= 8),
  );
}

/** Descriptions of Node's error codes. */
const connectionErrors: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'no server listens there',
  ENOTFOUND: 'the host name is unknown',
  EAI_AGAIN: 'the host name could not be looked up',
  ECONNRESET: 'the connection was closed',
  EPIPE: 'the connection was closed',
  EHOSTUNREACH: 'the host has no route',
  ENETUNREACH: 'the network is unreachable',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is self-signed',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate cannot be verified',
  UNABLE_TO_GET_ISSUER_CERT: 'the issuer of its certificate is unknown',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'the issuer of its certificate is unknown',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another host',
  ERR_PROXY_TUNNEL: 'the proxy did not connect to it',
  EPROTO: 'the server does not use TLS',
  ERR_SSL_WRONG_VERSION_NUMBER: 'the server does not use TLS',
};

/** Codes of certificates that a further CA may make valid. */
const untrustedCertificates: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
]);

/** The innermost error code in a chain of causes, '' if none has a code. */
function rootCode(error: unknown): string {
  let code = '';
  let cause = error;
  for (let depth = 0; depth < 5 && isObject(cause); depth += 1) {
    code = textOf(cause['code']) ?? code;
    cause = cause['cause'];
  }
  return code;
}
