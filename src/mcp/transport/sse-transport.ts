/**
 * The SDK's transport for HTTP with server-sent events, as it was before Streamable HTTP (revision 2024-11-05): one
 * stream for all that the server says, and requests beside it. A stream that ends takes its session with it, so the
 * SDK's own reconnect is of no use: the loss is told instead. It decides nothing about reconnecting.
 */
import { SSEClientTransport, SdkErrorCode, SdkHttpError, SseError } from '@modelcontextprotocol/client';
import { bounded } from './bounded-response.ts';
import type { HttpOptions } from './http-transport.ts';
import type { HttpServer } from '../config/server-block.ts';

/** What Streamable HTTP is answered with by servers that do not know it; so says the specification of 2025-06-18 on backwards compatibility. */
const UNKNOWN = new Set([400, 404, 405]);

/** Whether a server that failed like this while it was greeted may be one of the older kind. */
export function mayKnowOnlySse(error: unknown): boolean {
  return error instanceof SdkHttpError && UNKNOWN.has(error.status);
}

/** The SDK tells the status in words only. */
const STATUS = /\(HTTP (\d{3})\)/;

/** A transport for the SDK's client. */
export function createSseTransport(
  server: HttpServer,
  { maxMessageBytes, gone, fetch }: HttpOptions,
): SSEClientTransport {
  const transport = new SSEClientTransport(new URL(server.url), {
    requestInit: { headers: server.headers },
    fetch: async (url, init) => bounded(await fetch(url, init), maxMessageBytes),
  });
  transport.onerror = (error) => {
    if (error instanceof SseError) gone('ended its event stream');
  };
  const send = transport.send.bind(transport);
  transport.send = async (message) => {
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
