/**
 * Implements `fetch` for model endpoints over node:http, because the built-in fetch has no connect timeout and sends secret
 * headers along with redirects.
 */
import { Agent as HttpAgent, request as requestHttp, type ClientRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import type { Readable } from 'node:stream';
import { isLoopbackName } from '../../loopback.ts';
import { startPatientTimer } from '../../patient-timer.ts';
import { plainBody } from './decompress.ts';

/** The part of `fetch` that the openai package uses. */
export type Fetch = typeof globalThis.fetch;

/** Idle connections are closed after this time. It is below the usual 60 s of servers, to avoid a race with their close. */
const idleConnectionMs = 15_000;

/** Limit of error bodies: the package reads them whole. */
const maxErrorBytes = 64 * 1024;

/** Sends requests and returns responses. */
export interface Transport {
  fetch: Fetch;
  /**
   * The body of a success that comes from a socket; the response itself then has none. Null for other responses. Without this
   * function, every response has its own body.
   */
  bodyOf?(response: Response): Readable | null;
}

/** Read for each request. */
export interface TransportOptions {
  /** Timeout of TCP, TLS and the tunnel of a proxy. */
  readonly connectTimeoutMs: number;
  /** The environment variables with the proxies. */
  readonly env: NodeJS.ProcessEnv;
}

/**
 * Returns redirects without following them. Rejects with a Node error (`code`), with `ETIMEDOUT` if the connection takes
 * longer than `connectTimeoutMs` (read for each request), or with the signal's reason. Idle connections do not keep the
 * process alive. Uses the proxies of `env` (HTTP_PROXY, HTTPS_PROXY, NO_PROXY), but never for this machine: local models
 * would be lost behind a proxy that serves the internet.
 */
export function createTransport(options: TransportOptions): Transport {
  const direct = createAgents({});
  const proxied = createAgents(options.env);
  const bodies = new WeakMap<Response, Readable>();

  const fetch: Fetch = (input, init = {}) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const secure = url.protocol === 'https:';
    const { http, https } = isLoopbackName(url.hostname) ? direct : proxied;
    const { promise, resolve, reject } = Promise.withResolvers<Response>();
    const request = (secure ? requestHttps : requestHttp)(url, {
      method: init.method ?? 'GET',
      headers: { ...Object.fromEntries(new Headers(init.headers)), 'accept-encoding': 'identity' },
      agent: secure ? https : http,
    });
    request.on('error', reject);
    const { signal } = init;
    // Not the option `signal`: it destroys the socket with an error, and a socket that has just become idle has no listener.
    const onAbort = () => {
      reject(signal?.reason);
      request.destroy();
    };
    // A listener that stays keeps the answer in memory after its end: the fuzz run saw the heap grow without bound.
    const forget = () => signal?.removeEventListener('abort', onAbort);
    request.once('close', forget);
    // While a proxy opens its tunnel, a destroyed request emits nothing.
    promise.catch(forget);
    if (signal?.aborted) onAbort();
    else signal?.addEventListener('abort', onAbort);
    request.on('response', (message) => {
      // The reader gets the error. A body that has been read to its end has no reader.
      message.on('error', () => {});
      toResponse(message, bodies).then(resolve, (error: unknown) => {
        // Response rejects the status or a header.
        message.destroy();
        reject(Object.assign(new Error('invalid response', { cause: error }), { code: 'ERR_INVALID_RESPONSE' }));
      });
    });
    limitConnect(request, secure ? 'secureConnect' : 'connect', options.connectTimeoutMs, reject);
    request.end(init.body);
    return promise;
  };
  return { fetch, bodyOf: (response) => bodies.get(response) ?? null };
}

function createAgents(proxyEnv: NodeJS.ProcessEnv): { http: HttpAgent; https: HttpsAgent } {
  const pool = { keepAlive: true, timeout: idleConnectionMs, proxyEnv };
  return { http: new HttpAgent(pool), https: new HttpsAgent(pool) };
}

/** Sets a timer for a new connection. A reused one is connected already, and so is the tunnel of a proxy. */
function limitConnect(
  request: ClientRequest,
  connected: 'connect' | 'secureConnect',
  timeoutMs: number,
  onTimeout: (error: Error) => void,
): void {
  const timer = startPatientTimer(() => {
    const late = Object.assign(new Error(`no connection within ${timeoutMs} ms`), { code: 'ETIMEDOUT' });
    onTimeout(late);
    request.destroy(late);
  }, timeoutMs);
  request.once('socket', (socket) => {
    if (request.reusedSocket || !socket.connecting) timer.stop();
    else socket.once(connected, () => timer.stop());
  });
  request.once('close', () => timer.stop());
}

async function toResponse(message: IncomingMessage, bodies: WeakMap<Response, Readable>): Promise<Response> {
  const status = message.statusCode ?? 0;
  const headers = new Headers();
  for (const [name, lines] of Object.entries(message.headersDistinct)) {
    for (const line of lines ?? []) headers.append(name, line);
  }
  // Response allows no body for these statuses.
  if (status === 204 || status === 205 || status === 304) {
    message.resume();
    return new Response(null, { status, headers });
  }
  const isSuccess = status >= 200 && status < 300;
  const body = await plainBody(message);
  const response = new Response(isSuccess ? null : toStream(body), { status, headers });
  if (isSuccess) bodies.set(response, body);
  return response;
}

/** The body of a failure, as a stream for the package. */
function toStream(message: Readable): ReadableStream<Uint8Array> {
  let bytes = 0;
  return new ReadableStream({
    start(controller) {
      // The look at the first bytes may have met the end, and its events are not emitted again.
      if (message.readableEnded) return controller.close();
      if (message.destroyed) return controller.error(message.errored ?? new Error('the error answer was cut'));
      message.on('data', (chunk: Buffer) => {
        controller.enqueue(chunk);
        bytes += chunk.length;
        if (bytes > maxErrorBytes) message.destroy(new Error('the error answer is too long'));
      });
      message.once('end', () => controller.close());
      message.once('error', (error) => controller.error(error));
    },
    cancel() {
      message.destroy();
    },
  });
}
