/**
 * Creates the SDK's transport for HTTP with server-sent events (revision 2024-11-05, before Streamable HTTP): one stream
 * for all messages of the server, and requests beside it. The session ends with the stream, so the SDK's reconnect is
 * useless. The transport reports the loss instead, and does not reconnect.
 */
import { SSEClientTransport, SdkErrorCode, SdkHttpError, SseError } from '@modelcontextprotocol/client';
import { bounded } from './bounded-response.ts';
import { readLeniently } from './lenient-response.ts';
import type { HttpOptions } from './http-transport.ts';
import type { HttpServer } from '../config/server-block.ts';

/** Statuses of servers without Streamable HTTP, from the specification of 2025-06-18 on backwards compatibility. */
const UNKNOWN = new Set([400, 404, 405]);

/** True if this error of the handshake may come from a server of the older kind. */
export function mayKnowOnlySse(error: unknown): boolean {
  return error instanceof SdkHttpError && UNKNOWN.has(error.status);
}

/** The SDK has the status in its message only. */
const STATUS = /\(HTTP (\d{3})\)/;

/** Creates the transport without connecting it. */
export function createSseTransport(
  server: HttpServer,
  { maxMessageBytes, gone, fetch, reader }: HttpOptions,
): SSEClientTransport {
  const transport = new SSEClientTransport(new URL(server.url), {
    requestInit: { headers: server.headers },
    fetch: async (url, init) => readLeniently(bounded(await fetch(url, init), maxMessageBytes), reader.read),
  });
  transport.onerror = (error) => {
    if (error instanceof SseError) gone('ended its event stream');
  };
  const send = transport.send.bind(transport);
  transport.send = async (message) => {
    reader.sent(message);
    try {
      await send(message);
    } catch (error) {
      const status = error instanceof Error ? STATUS.exec(error.message)?.[1] : undefined;
      if (status === undefined) throw error;
      throw new SdkHttpError(SdkErrorCode.ClientHttpNotImplemented, `the server answered HTTP ${status}`, {
        status: Number(status),
        statusText: '',
      });
    }
  };
  return transport;
}
