/**
 * Serves the inspector over HTTP: the page, its files, and the API under /inspect/api. The page itself contains no user's
 * data; the API requires a viewer. Read-only. Live events come over the WebSocket.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { AppError } from '../errors.ts';
import type { Api } from './api.ts';
import type { Asset } from './page-sources.ts';
import type { ViewerAuthorizer } from './access.ts';
import type { Refusal } from '../refusal.ts';

/** What the routes serve, and who checks access. */
export interface InspectRoutesDeps {
  assets: ReadonlyMap<string, Asset>;
  api: Api;
  authorizer: ViewerAuthorizer;
  credentialOf(headers: IncomingMessage['headers']): string | null;
  /** Called for each refusal. */
  onRefused(refusal: Refusal, request: IncomingMessage): void;
  onError(error: unknown): void;
}

/** Origin of Stately's inspector, the only foreign page. It runs in its own frame. */
const STATELY_ORIGIN = 'https://stately.ai';

const COMMON_HEADERS = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
} as const;

/** Content security policy: own files only. Only the page for Stately's inspector contains a frame. */
const policy = (frames: string) =>
  `default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; frame-src ${frames}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

const PAGES: Readonly<Record<string, { file: string; policy: string }>> = {
  '/inspect': { file: 'inspect.html', policy: policy("'none'") },
  '/inspect/stately': { file: 'stately.html', policy: policy(STATELY_ORIGIN) },
};

const ASSETS = '/inspect/assets/';
const API = '/inspect/api/';

/** Returns a handler. It returns true if it serves the path, and false for any other path. */
export function createInspectRoutes(
  deps: InspectRoutesDeps,
): (request: IncomingMessage, response: ServerResponse, path: string) => boolean {
  const send = (response: ServerResponse, status: number, headers: Record<string, string>, body: string | Buffer) => {
    response.writeHead(status, { ...COMMON_HEADERS, ...headers });
    response.end(body);
  };
  const sendJson = (response: ServerResponse, status: number, body: object) =>
    send(response, status, { 'content-type': 'application/json' }, JSON.stringify(body));

  const serveApi = async (request: IncomingMessage, response: ServerResponse, name: string) => {
    const viewer = await deps.authorizer.authorize(request, deps.credentialOf(request.headers));
    if ('refusal' in viewer) {
      deps.onRefused(viewer.refusal, request);
      return sendJson(response, viewer.refusal.status, { error: viewer.refusal.message });
    }
    const found =
      Object.hasOwn(deps.api, name) &&
      (await deps.api[name]?.(new URLSearchParams(request.url?.split('?', 2)[1]), viewer.subject));
    return found ? sendJson(response, 200, found) : sendJson(response, 404, { error: 'Not found.' });
  };

  return (request, response, path) => {
    const page = PAGES[path];
    const asset = page
      ? deps.assets.get(page.file)
      : path.startsWith(ASSETS)
        ? deps.assets.get(path.slice(ASSETS.length))
        : undefined;
    if (asset) {
      const refusal = deps.authorizer.checkPage(request);
      if (refusal) {
        deps.onRefused(refusal, request);
        send(response, refusal.status, { 'content-type': 'text/plain' }, `${refusal.message}\n`);
      } else
        send(
          response,
          200,
          // Also for the files: the address of a file may be opened as a page.
          { 'content-type': asset.type, 'content-security-policy': page?.policy ?? policy("'none'") },
          asset.content,
        );
      return true;
    }
    if (!path.startsWith(API)) return false;
    serveApi(request, response, path.slice(API.length)).catch((error: unknown) => {
      // The page keeps polling while the server drains.
      if (error instanceof AppError && error.code === 'shutting_down')
        return sendJson(response, 503, { error: 'The server is shutting down. Try again in a moment.' });
      deps.onError(error);
      sendJson(response, 500, { error: 'The read failed; see the server log.' });
    });
    return true;
  };
}
