/**
 * What inspection serves over HTTP: the page and its files, and under /inspect/api what the page shows. The page
 * holds nothing of anybody's; the rest is for viewers alone. Read-only: what is live comes over the socket.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { AppError } from '../errors.ts';
import type { Api } from './api.ts';
import type { Asset } from './page-sources.ts';
import type { Doorkeeper } from './access.ts';
import type { Refusal } from '../refusal.ts';

export interface InspectRoutes {
  assets: ReadonlyMap<string, Asset>;
  api: Api;
  doorkeeper: Doorkeeper;
  credentialOf(headers: IncomingMessage['headers']): string | null;
  /** Called for each refusal. */
  onRefused(refusal: Refusal, request: IncomingMessage): void;
  onError(error: unknown): void;
}

/** Where Stately's own inspector is; its page is the one thing that is not ours, in a frame of its own. */
const STATELY_ORIGIN = 'https://stately.ai';

const COMMON_HEADERS = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
} as const;

/** Nothing but our own files; only the page that hands events on has a frame in it. */
const policy = (frames: string) =>
  `default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; frame-src ${frames}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

const PAGES: Readonly<Record<string, { file: string; policy: string }>> = {
  '/inspect': { file: 'inspect.html', policy: policy("'none'") },
  '/inspect/stately': { file: 'stately.html', policy: policy(STATELY_ORIGIN) },
};

const ASSETS = '/inspect/assets/';
const API = '/inspect/api/';

/** Answers what is inspection's, and says whether it was. */
export function createInspectRoutes(
  deps: InspectRoutes,
): (request: IncomingMessage, response: ServerResponse, path: string) => boolean {
  const send = (response: ServerResponse, status: number, headers: Record<string, string>, body: string | Buffer) => {
    response.writeHead(status, { ...COMMON_HEADERS, ...headers });
    response.end(body);
  };
  const sendJson = (response: ServerResponse, status: number, body: object) =>
    send(response, status, { 'content-type': 'application/json' }, JSON.stringify(body));

  const answer = async (request: IncomingMessage, response: ServerResponse, name: string) => {
    const visitor = await deps.doorkeeper.visitor(request, deps.credentialOf(request.headers));
    if ('refusal' in visitor) {
      deps.onRefused(visitor.refusal, request);
      return sendJson(response, visitor.refusal.status, { error: visitor.refusal.message });
    }
    const found =
      Object.hasOwn(deps.api, name) &&
      (await deps.api[name]?.(new URLSearchParams(request.url?.split('?', 2)[1]), visitor.subject));
    return found ? sendJson(response, 200, found) : sendJson(response, 404, { error: 'There is no such thing here.' });
  };

  return (request, response, path) => {
    const page = PAGES[path];
    const asset = page
      ? deps.assets.get(page.file)
      : path.startsWith(ASSETS)
        ? deps.assets.get(path.slice(ASSETS.length))
        : undefined;
    if (asset) {
      const refusal = deps.doorkeeper.page(request);
      if (refusal) {
        deps.onRefused(refusal, request);
        send(response, refusal.status, { 'content-type': 'text/plain' }, `${refusal.message}\n`);
      } else
        send(
          response,
          200,
          { 'content-type': asset.type, ...(page ? { 'content-security-policy': page.policy } : {}) },
          asset.content,
        );
      return true;
    }
    if (!path.startsWith(API)) return false;
    answer(request, response, path.slice(API.length)).catch((error: unknown) => {
      // The page goes on asking while the server drains.
      if (error instanceof AppError && error.code === 'shutting_down')
        return sendJson(response, 503, { error: 'The server is shutting down. Try again in a moment.' });
      deps.onError(error);
      sendJson(response, 500, { error: 'This could not be read; the log of the server says why.' });
    });
    return true;
  };
}
