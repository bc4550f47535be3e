/**
 * Serves HTTP pages. Liveness, readiness and the start page need no token. Metrics, and the state of providers and MCP
 * servers, need a token that may chat. The pages are read-only and contain no secrets.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { StorageProblem } from '../../machines/writer-types.ts';
import type { Verify } from '../auth/verifier.ts';
import type { ProviderStatus } from '../llm/port.ts';
import type { ServerStatus } from '../mcp/port.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { Refusal } from '../refusal.ts';
import { credentialOf } from './admission/credential.ts';
import type { ReportRefusal } from './admission/refusal-report.ts';
import { refusals } from './admission/refusals.ts';
import { serializeServerStatus } from './server-status.ts';

/** Longest path that a response shows. */
const MAX_SHOWN_CHARS = 200;

/** What the pages show. */
export interface HttpDeps {
  endpoint: string;
  version: string;
  /** True while chats are accepted. */
  isServing(): boolean;
  /** Why the event log cannot be written now, as a word and as a sentence without paths. Null if it can. */
  storage(): { problem: StorageProblem; message: string } | { problem: null; message: null };
  servers(): readonly ServerStatus[];
  providers(): readonly ProviderStatus[];
  /** How the last reload of the configuration ended. */
  reload(): { successful: boolean; succeededAtMs: number };
  metrics: Pick<Metrics, 'text' | 'contentType'>;
  verify: Verify;
  /** False under a Host that a foreign page may have chosen, see `Access`. */
  isOwnHost(request: IncomingMessage): boolean;
  /** Serves the start page, its files and the documentation. Resolves with false for other paths. */
  home(request: IncomingMessage, response: ServerResponse, path: string): Promise<boolean>;
  /** Serves the pages of inspection. Returns false for other paths. Null if inspection is off. */
  inspection: ((request: IncomingMessage, response: ServerResponse, path: string) => boolean) | null;
  /** Null, or why the request is rejected. Not called for the pages of inspection, which have stricter rules. */
  refusalOf(request: IncomingMessage): Refusal | null;
  onRefused: ReportRefusal;
  onError(error: unknown): void;
}

/**
 * Responds to GET and HEAD, else 405; 400 without a Host; the refusal's status if `refusalOf` returns one. `/health`
 * omits providers and MCP servers unless the client may chat. `/ready` is 503 unless chats are accepted
 * and can be stored. `/metrics` is
 * 401 without a token that may chat, and 500 if the metrics cannot be read. The WebSocket endpoint is 426 without an
 * upgrade. A page with a trailing slash is 308 to the page. Any other path is 404. Errors are JSON for clients that
 * accept JSON, else text.
 */
export function createHttpHandler(deps: HttpDeps): (request: IncomingMessage, response: ServerResponse) => void {
  const startedMs = performance.now();
  const pages = ['/', '/health', '/ready', '/metrics', ...(deps.inspection ? ['/inspect'] : [])];
  const send = (response: ServerResponse, status: number, type: string, body: string) => {
    response.writeHead(status, {
      'content-type': type,
      'content-length': Buffer.byteLength(body),
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
    response.end(body);
  };
  const sendJson = (response: ServerResponse, status: number, body: object) =>
    send(response, status, 'application/json', `${JSON.stringify(body)}\n`);
  const refuse = (
    request: IncomingMessage,
    response: ServerResponse,
    status: number,
    error: string,
    more: object = {},
  ) =>
    /\bapplication\/json\b/i.test(request.headers.accept ?? '')
      ? sendJson(response, status, { error, ...more })
      : send(response, status, 'text/plain; charset=utf-8', `${error}\n`);

  /** Requires a token also on loopback: behind a proxy on this machine, every client has a loopback address. */
  const mayChat = async (request: IncomingMessage) =>
    deps.isOwnHost(request) && (await deps.verify(credentialOf(request.headers))) !== null;

  const configuration = () => {
    const { successful, succeededAtMs } = deps.reload();
    return { last_reload_successful: successful, last_reload_success: new Date(succeededAtMs).toISOString() };
  };

  const sendReady = (response: ServerResponse) => {
    if (!deps.isServing()) return sendJson(response, 503, { status: 'draining' });
    const storage = deps.storage();
    return storage.problem === null
      ? sendJson(response, 200, { status: 'ready' })
      : sendJson(response, 503, { status: 'storage_failed', storage });
  };

  const sendHealth = async (request: IncomingMessage, response: ServerResponse) => {
    const storage = deps.storage();
    const health = {
      // The process lives, so the status of the response stays 200.
      status: storage.problem === null ? 'ok' : 'degraded',
      version: deps.version,
      uptime_seconds: Math.round((performance.now() - startedMs) / 1000),
      storage,
    };
    // The names and errors of providers and MCP servers would show an attacker possible targets.
    sendJson(
      response,
      200,
      (await mayChat(request))
        ? {
            ...health,
            configuration: configuration(),
            providers: deps.providers(),
            mcp_servers: deps.servers().map(serializeServerStatus),
          }
        : health,
    );
  };

  const sendMetrics = async (request: IncomingMessage, response: ServerResponse) => {
    if (await mayChat(request)) return send(response, 200, deps.metrics.contentType, await deps.metrics.text());
    if (!deps.isOwnHost(request))
      return refuse(
        request,
        response,
        421,
        'Without a token, metrics are served under an IP address, localhost, or a host in chat.websocket.allowed_hosts.',
      );
    deps.onRefused(credentialOf(request.headers) === null ? refusals.noToken : refusals.unknownToken, request);
    response.setHeader('www-authenticate', 'Bearer');
    return refuse(
      request,
      response,
      401,
      'Metrics need a token, as the WebSocket does. Send Authorization: Bearer TOKEN.',
    );
  };

  const sendOther = async (request: IncomingMessage, response: ServerResponse, path: string) => {
    if (await deps.home(request, response, path)) return undefined;
    if (path === deps.endpoint) {
      response.setHeader('upgrade', 'websocket');
      return refuse(request, response, 426, 'This is the WebSocket endpoint. Use a WebSocket client.');
    }
    const page = path.replace(/\/$/, '');
    if (page !== path && page !== '/' && (pages.includes(page) || page === deps.endpoint)) {
      response.setHeader('location', `${page}${request.url?.slice(path.length) ?? ''}`);
      return refuse(request, response, 308, `This page has moved to ${page}.`);
    }
    const error = `No page at ${path.length > MAX_SHOWN_CHARS ? 'this path' : path}. The WebSocket endpoint is ${deps.endpoint}; the pages are ${pages.join(', ')}.`;
    return refuse(request, response, 404, error, { websocket: deps.endpoint, pages });
  };

  const respond = (request: IncomingMessage, response: ServerResponse, responding: Promise<void>) =>
    void responding.catch((error: unknown) => {
      deps.onError(error);
      if (response.headersSent) response.destroy();
      else refuse(request, response, 500, 'This page failed. The log of the server has the reason.');
    });

  return (request, response) => {
    const path = pathOf(request);
    const hasOwnRules = deps.inspection !== null && isInspection(path);
    const refusal = hasOwnRules ? null : deps.refusalOf(request);
    if (refusal) {
      deps.onRefused(refusal, request);
      return refuse(request, response, refusal.status, refusal.message);
    }
    if (!hasOwnRules && request.headers.host === undefined && request.httpVersion === '1.1')
      return refuse(request, response, 400, 'The request has no Host header. HTTP/1.1 requires it.');
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD');
      return refuse(request, response, 405, 'Pages are read-only. Use GET or HEAD, or the WebSocket to chat.');
    }
    switch (path) {
      case '/health':
        return respond(request, response, sendHealth(request, response));
      case '/ready':
        return sendReady(response);
      case '/metrics':
        return respond(request, response, sendMetrics(request, response));
      default:
        return deps.inspection?.(request, response, path)
          ? undefined
          : respond(request, response, sendOther(request, response, path));
    }
  };
}

function isInspection(path: string): boolean {
  return path === '/inspect' || path.startsWith('/inspect/');
}

/**
 * The path of a request as the client sent it: without the query, not decoded. `URL` is not used, because it throws on
 * some paths (`//` is enough), and an exception in a request handler ends the process.
 */
export function pathOf({ url = '/' }: Pick<IncomingMessage, 'url'>): string {
  return url.split('?', 1)[0] ?? url;
}
