/**
 * HTTP for model endpoints as a `fetch`: over node:http, because the built-in fetch has no
 * connect timeout to set and takes secret headers along where a redirect leads. Knows nothing of
 * chat: one request out, a status and a stream of bytes back.
 */
import { Agent as HttpAgent, request as requestHttp, type ClientRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';

/** The part of `fetch` that the openai package uses. */
export type Fetch = typeof globalThis.fetch;

/** Idle connections are closed after this long: below the usual 60 s of servers, who would win the race. */
const idleConnectionMs = 15_000;

/** What may wait to be read before the socket is paused: pausing for every packet costs more than holding a few. */
const queueBytes = 64 * 1024;

/** How long the rest of an answer nobody reads any more may take before its connection is closed. */
const lingerMs = 1_000;

/** Error answers are read whole by the package before it looks at them. */
const maxErrorBytes = 64 * 1024;

/**
 * Redirects come back as they are. The promise rejects with a Node error (`code`), with `ETIMEDOUT`
 * if the connection did not stand within `connectTimeoutMs`, or with the signal's reason.
 * Idle connections do not keep the process alive.
 */
export function createTransport({ connectTimeoutMs }: { connectTimeoutMs: number }): Fetch {
  const pool = { keepAlive: true, timeout: idleConnectionMs };
  const http = new HttpAgent(pool);
  const https = new HttpsAgent(pool);

  return (input, init = {}) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const secure = url.protocol === 'https:';
    const { promise, resolve, reject } = Promise.withResolvers<Response>();
    const request = (secure ? requestHttps : requestHttp)(url, {
      method: init.method ?? 'GET',
      headers: { ...Object.fromEntries(new Headers(init.headers)), 'accept-encoding': 'identity' },
      agent: secure ? https : http,
      ...(init.signal ? { signal: init.signal } : {}),
    });
    request.on('error', reject);
    request.on('response', (message) => {
      try {
        resolve(toResponse(message));
      } catch (unspeakable) {
        // A status or header that Response refuses, in a listener whose throw would end the process.
        message.destroy();
        reject(unspeakable);
      }
    });
    limitConnect(request, secure ? 'secureConnect' : 'connect', connectTimeoutMs);
    request.end(init.body);
    return promise;
  };
}

/** A reused connection stands already; a new one gets a timer until it does. */
function limitConnect(request: ClientRequest, stands: 'connect' | 'secureConnect', timeoutMs: number): void {
  request.once('socket', (socket) => {
    if (request.reusedSocket) return;
    const timer = setTimeout(() => {
      const late = new Error(`no connection within ${timeoutMs} ms`);
      request.destroy(Object.assign(late, { code: 'ETIMEDOUT' }));
    }, timeoutMs);
    socket.once(stands, () => clearTimeout(timer));
    request.once('close', () => clearTimeout(timer));
  });
}

function toResponse(message: IncomingMessage): Response {
  const status = message.statusCode ?? 0;
  const headers = new Headers();
  for (const [name, lines] of Object.entries(message.headersDistinct)) {
    for (const line of lines ?? []) headers.append(name, line);
  }
  // The statuses that Response allows no body for.
  if (status === 204 || status === 205 || status === 304) {
    message.resume();
    return new Response(null, { status, headers });
  }
  return new Response(toStream(message, status < 400 ? Infinity : maxErrorBytes), { status, headers });
}

/** Leaner than Readable.toWeb. Backpressure is kept: a full queue pauses the socket. */
function toStream(message: IncomingMessage, maxBytes: number): ReadableStream<Uint8Array> {
  const strategy = new ByteLengthQueuingStrategy({ highWaterMark: queueBytes });
  let bytes = 0;
  // A cancelled stream takes nothing more, and says so by throwing.
  let cancelled = false;
  const source = {
    start(controller: ReadableStreamDefaultController<Uint8Array>) {
      message.on('data', (chunk: Buffer) => {
        if (cancelled) return;
        controller.enqueue(chunk);
        bytes += chunk.length;
        if (bytes > maxBytes) message.destroy(new Error('the error answer is too long'));
        else if ((controller.desiredSize ?? 0) <= 0) message.pause();
      });
      message.once('end', () => {
        if (!cancelled) controller.close();
      });
      message.once('error', (error) => controller.error(error));
      message.pause();
    },
    pull() {
      message.resume();
    },
    cancel() {
      cancelled = true;
      linger(message);
    },
  };
  return new ReadableStream(source, strategy);
}

/** An answer left after its `[DONE]` is all but over: read to its end, the connection serves again. */
function linger(message: IncomingMessage): void {
  message.resume();
  const timer = setTimeout(() => message.destroy(), lingerMs);
  message.once('close', () => clearTimeout(timer));
}
