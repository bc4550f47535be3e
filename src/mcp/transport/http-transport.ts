/**
 * The SDK's Streamable HTTP transport, with what it leaves open closed: it settles a request
 * whose stream ended without an answer, says when the event stream shows that the server is gone,
 * and bounds what one answer may weigh. It decides nothing about reconnecting.
 */
import { StreamableHTTPClientTransport, isJSONRPCRequest } from '@modelcontextprotocol/client';
import type { FetchLike, JSONRPCMessage } from '@modelcontextprotocol/client';
import { bounded } from './bounded-response.ts';
import type { HttpServer } from '../config/server-block.ts';

export interface HttpOptions {
  /** An answer that grows beyond it is cut off, and its call is lost. */
  maxMessageBytes: number;
  /** The event stream shows that the server is gone, which no call has found yet; `reason` is fit for people. */
  gone(reason: string): void;
  /** How requests are made; for a server that asks for OAuth, with its token. */
  fetch: FetchLike;
}

/** The `data` of the error that settles a request whose stream ended early. Compared by identity, so no server can send it. */
export const STREAM_ENDED = Object.freeze({ reason: 'the stream ended before the answer' });

/** Failures of a connect: not one byte of the request was sent. Names are those of Node and undici. */
const UNSENT_CODES = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** The code of a connect that failed, or null if the request may have reached the server. */
export function unsentCode(error: unknown): string | null {
  // `fetch` wraps the system's error, and the SDK wraps what `fetch` threw while it negotiates.
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause && typeof cause.code === 'string' && UNSENT_CODES.has(cause.code)) return cause.code;
  }
  return null;
}

/** 404 is the specification's answer to an unknown session; many servers built from the SDK's examples say 400. */
export function sessionIsUnknown(status: number, hadSession: boolean): boolean {
  return status === 404 || (status === 400 && hadSession);
}

/** The same answer, whose body fails where it grows beyond `maxBytes`. */
export type SendOptions = NonNullable<Parameters<StreamableHTTPClientTransport['send']>[1]>;

/** A transport for the SDK's client. */
export function createHttpTransport(server: HttpServer, options: HttpOptions): StreamableHTTPClientTransport {
  let hasEventStream = false;

  const openEventStream: FetchLike = async (url, init) => {
    try {
      const response = await options.fetch(url, init);
      // A server that offers no event stream says so once, with 405 or less politely; one that
      // had one and refuses it now is another process under the same address.
      if (hasEventStream && response.status >= 400) options.gone(`refused its event stream (${response.status})`);
      hasEventStream ||= response.ok;
      return bounded(response, options.maxMessageBytes);
    } catch (error) {
      const code = unsentCode(error);
      if (code !== null) options.gone(`cannot be reached (${code})`);
      throw error;
    }
  };

  const transport = new StreamableHTTPClientTransport(new URL(server.url), {
    requestInit: { headers: server.headers },
    fetch: async (url, init) =>
      init?.method === 'GET'
        ? openEventStream(url, init)
        : bounded(await options.fetch(url, init), options.maxMessageBytes),
  });

  // The SDK's client does not ask to hear of a stream that ended early, and would wait for its
  // timeout. The SDK reports the end of every stream, so who was answered is remembered here.
  const unanswered = new Set<string | number>();
  transport.onmessage = (message) => {
    if ('id' in message && message.id !== undefined && !('method' in message)) unanswered.delete(message.id);
  };
  const observed = (message: JSONRPCMessage, sendOptions: SendOptions = {}): SendOptions => {
    // A caller with an ear of its own is a subscription, which is no call to settle.
    if (!isJSONRPCRequest(message) || sendOptions.onRequestStreamEnd !== undefined) return sendOptions;
    const { id } = message;
    const error = { code: -32_000, message: STREAM_ENDED.reason, data: STREAM_ENDED };
    unanswered.add(id);
    sendOptions.requestSignal?.addEventListener('abort', () => unanswered.delete(id), { once: true });
    return {
      ...sendOptions,
      onRequestStreamEnd: () => {
        if (unanswered.delete(id)) transport.onmessage?.({ jsonrpc: '2.0', id, error });
      },
    };
  };

  const send = transport.send.bind(transport);
  transport.send = async (message: JSONRPCMessage, sendOptions?: SendOptions) => {
    try {
      await send(message, observed(message, sendOptions));
    } catch (failure) {
      if (isJSONRPCRequest(message)) unanswered.delete(message.id);
      throw failure;
    }
  };
  return transport;
}
