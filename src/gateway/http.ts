/**
 * The few plain HTTP pages beside the WebSocket: liveness and readiness for everybody, metrics, providers and MCP
 * servers for those who may also chat. Read-only, no secrets.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Verify } from '../auth/verifier.ts';
import type { ProviderStatus } from '../llm/port.ts';
import type { ServerStatus } from '../mcp/port.ts';
import type { Metrics } from '../metrics.ts';
import type { Refusal } from '../refusal.ts';
import { credentialOf } from './credential.ts';
import { pathOf } from './path.ts';
import type { ReportRefusal } from './refusal-report.ts';
import { refusals } from './refusals.ts';
import { toldServer } from './server-status.ts';

export interface HttpDeps {
  endpoint: string;
  version: string;
  /** True while chats are accepted. */
  isServing(): boolean;
  servers(): readonly ServerStatus[];
  providers(): readonly ProviderStatus[];
  metrics: Pick<Metrics, 'text' | 'contentType'>;
  verify: Verify;
  /** The pages of inspection, where they are served: true if the path was one of theirs. */
  inspection: ((request: IncomingMessage, response: ServerResponse, path: string) => boolean) | null;
  /** Null, or why a request from there is refused. Not asked about the pages of inspection, which have stricter rules of their own. */
  refusalOf(request: IncomingMessage): Refusal | null;
  onRefused: ReportRefusal;
  onError(error: unknown): void;
}

/**
 * Answers GET and HEAD, else 405; 400 without a Host; with the refusal's status where `refusalOf` has one. `/health` leaves providers and MCP servers out for strangers. `/ready` is 503 unless chats are accepted, `/metrics` 401 for strangers and
 * 500 if they cannot be read, the WebSocket endpoint 426 without an upgrade, any other path 404.
 */
export function createHttpHandler(deps: HttpDeps): (request: IncomingMessage, response: ServerResponse) => void {
  const startedMs = performance.now();
  const send = (response: ServerResponse, status: number, type: string, body: string) => {
    response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
    response.end(body);
  };
  const sendJson = (response: ServerResponse, status: number, body: object) => send(response, status, 'application/json', `${JSON.stringify(body)}\n`);

  /** Also on loopback: a proxy on this machine makes all the world come from there. */
  const isStranger = async (request: IncomingMessage) => (await deps.verify(credentialOf(request.headers))) === null;

  const sendHealth = async (request: IncomingMessage, response: ServerResponse) => {
    const health = { status: 'ok', version: deps.version, uptime_seconds: Math.round((performance.now() - startedMs) / 1000) };
    // Names of neighbours, and what is wrong with them, tell strangers what could be attacked.
    sendJson(response, 200, (await isStranger(request)) ? health : { ...health, providers: deps.providers(), mcp_servers: deps.servers().map(toldServer) });
  };

  const sendMetrics = async (request: IncomingMessage, response: ServerResponse) => {
    if (await isStranger(request)) {
      deps.onRefused(credentialOf(request.headers) === null ? refusals.noToken : refusals.unknownToken, request);
      response.setHeader('www-authenticate', 'Bearer');
      return send(response, 401, 'text/plain', 'Metrics ask for a token, like the WebSocket: Authorization: Bearer TOKEN.\n');
    }
    return send(response, 200, deps.metrics.contentType, await deps.metrics.text());
  };

  const answer = (response: ServerResponse, answering: Promise<void>, apology: string) =>
    void answering.catch((error: unknown) => {
      deps.onError(error);
      send(response, 500, 'text/plain', apology);
    });

  return (request, response) => {
    const path = pathOf(request);
    const hasOwnRules = deps.inspection !== null && isInspection(path);
    const refusal = hasOwnRules ? null : deps.refusalOf(request);
    if (refusal) {
      deps.onRefused(refusal, request);
      return send(response, refusal.status, 'text/plain', `${refusal.message}\n`);
    }
    if (!hasOwnRules && request.headers.host === undefined && request.httpVersion === '1.1') return send(response, 400, 'text/plain', 'The request has no Host header. HTTP/1.1 asks for one.\n');
    if (request.method !== 'GET' && request.method !== 'HEAD') return sendJson(response, 405, { error: 'GET only' });
    switch (path) {
      case deps.endpoint:
        response.setHeader('upgrade', 'websocket');
        return send(response, 426, 'text/plain', 'This is the WebSocket endpoint: connect to it with a WebSocket client.\n');
      case '/health':
        return answer(response, sendHealth(request, response), 'The health could not be told; the log says why.\n');
      case '/ready':
        return deps.isServing() ? sendJson(response, 200, { status: 'ready' }) : sendJson(response, 503, { status: 'draining' });
      case '/metrics':
        return answer(response, sendMetrics(request, response), 'The metrics could not be read; the log says why.\n');
      default:
        if (deps.inspection?.(request, response, path)) return undefined;
        return send(response, 404, 'text/plain', `Parley speaks WebSocket at ${deps.endpoint}; beside it there are /health, /ready, /metrics${deps.inspection ? ' and /inspect' : ''}.\n`);
    }
  };
}

function isInspection(path: string): boolean {
  return path === '/inspect' || path.startsWith('/inspect/');
}
