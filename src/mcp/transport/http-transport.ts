/**
 * Extends the SDK's Streamable HTTP transport: settles a request whose stream ended without an answer, reports a lost
 * server that the event stream reveals, limits the size of a response, and reads it leniently. It does not reconnect.
 */
import { StreamableHTTPClientTransport, isJSONRPCRequest } from '@modelcontextprotocol/client';
import type { FetchLike, JSONRPCMessage } from '@modelcontextprotocol/client';
import { isObject, parseJson } from '../../json.ts';
import type { MessageReader } from '../lenient/message-reader.ts';
import { bounded } from './bounded-response.ts';
import { readLeniently } from './lenient-response.ts';
import type { HttpServer } from '../config/server-block.ts';

/** What the transports over HTTP need. */
export interface HttpOptions {
  /** A larger response is cut off, and its call is lost. */
  maxMessageBytes: number;
  /** Called if the event stream reveals that the server is lost. `reason` is fit for people. */
  gone(reason: string): void;
  /** For a server with OAuth, it adds the token. */
  fetch: FetchLike;
  reader: MessageReader;
}

/** The `data` of the error that settles a request whose stream ended early. Compared by identity, so a server cannot forge it. */
export const STREAM_ENDED = Object.freeze({ reason: 'the stream ended before the answer' });

/** Codes of a failed connect: no byte of the request was sent. Names are those of Node and undici. */
const UNSENT_CODES = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** Returns the code of a failed connect, or null if the request may have reached the server. */
export function unsentCode(error: unknown): string | null {
  // `fetch` wraps the system's error, and the SDK wraps what `fetch` threw while it negotiates.
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause && typeof cause.code === 'string' && UNSENT_CODES.has(cause.code)) return cause.code;
  }
  return null;
}

/** The specification's status for an unknown session is 404. Many servers built from the SDK's examples send 400. */
export function sessionIsUnknown(status: number, hadSession: boolean): boolean {
  return status === 404 || ((status === 400 || status === 410) && hadSession);
}

/** Returns the id of the request in a body; undefined if it has none. */
function idIn(body: unknown): string | number | undefined {
  const message = typeof body === 'string' ? parseJson(body) : undefined;
  const id = isObject(message) ? message['id'] : undefined;
  return typeof id === 'string' || typeof id === 'number' ? id : undefined;
}

/** The options of one message, as the SDK declares them. */
export type SendOptions = NonNullable<Parameters<StreamableHTTPClientTransport['send']>[1]>;

/** Creates the transport without connecting it. */
export function createHttpTransport(server: HttpServer, options: HttpOptions): StreamableHTTPClientTransport {
  let hasEventStream = false;
  const readable = (response: Response, answers?: string | number) =>
    readLeniently(bounded(response, options.maxMessageBytes), (received) => options.reader.read(received, answers));

  const openEventStream: FetchLike = async (url, init) => {
    try {
      const response = await options.fetch(url, init);
      // A server without an event stream rejects the first request, with 405 or another status. A server that had one
      // and rejects it now is another process at the same address.
      if (hasEventStream && response.status >= 400) options.gone(`refused its event stream (HTTP ${response.status})`);
      hasEventStream ||= response.ok;
      return readable(response);
    } catch (error) {
      const code = unsentCode(error);
      if (code !== null) options.gone(`cannot be reached (${code})`);
      throw error;
    }
  };

  const transport = new StreamableHTTPClientTransport(new URL(server.url), {
    requestInit: { headers: server.headers },
    fetch: async (url, init) =>
      init?.method === 'GET' ? openEventStream(url, init) : readable(await options.fetch(url, init), idIn(init?.body)),
  });

  // The SDK's client does not notice a stream that ended early, and would wait for its timeout. The transport reports
  // the end of every stream, so this set keeps the requests without an answer.
  const unanswered = new Set<string | number>();
  transport.onmessage = (message) => {
    if ('id' in message && message.id !== undefined && !('method' in message)) unanswered.delete(message.id);
  };
  const observed = (message: JSONRPCMessage, sendOptions: SendOptions = {}): SendOptions => {
    // A caller with its own handler is a subscription, not a request to settle.
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
    options.reader.sent(message);
    try {
      await send(message, observed(message, sendOptions));
    } catch (failure) {
      if (isJSONRPCRequest(message)) unanswered.delete(message.id);
      throw failure;
    }
  };
  return transport;
}
