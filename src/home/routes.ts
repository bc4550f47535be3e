/** Serves the start page, its files, the documentation, the icon and robots.txt. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { writeHomePage, type ActiveModel } from './home-page.ts';
import type { PageFiles } from './page-files.ts';

/** What the page shows. */
export interface HomeDeps {
  files: PageFiles;
  version: string;
  /** Path of the WebSocket. */
  endpoint: string;
  isServing(): boolean;
  /** The model that answers chats now. */
  activeModel(): ActiveModel;
  /** Whether chats need a token. */
  requiresToken: boolean;
  /** Whether the client may chat: no token is required, or it sent a valid one. */
  mayChat(request: IncomingMessage): Promise<boolean>;
  /** Whether the client may open the inspection page. */
  mayInspect(request: IncomingMessage): boolean;
}

const COMMON_HEADERS = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
} as const;
/** Allows no script. The browser's console may open this server's WebSocket, for the example on the page. */
const POLICY =
  "default-src 'none'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const DOCS = '/docs/';

/** A Host header that can be shown unchanged. */
const PLAIN_HOST = /^(?:[a-z\d](?:[a-z\d.-]{0,252})|\[[\da-f:.]{2,45}\])(?::\d{1,5})?$/i;

/** Responds to GET and HEAD for its own paths. Resolves with false for other paths. Rejects if a file cannot be read. */
export function createHomeRoutes(
  deps: HomeDeps,
): (request: IncomingMessage, response: ServerResponse, path: string) => Promise<boolean> {
  const { files } = deps;
  const send = (response: ServerResponse, type: string, body: string, headers: Record<string, string> = {}): true => {
    response.writeHead(200, {
      ...COMMON_HEADERS,
      'content-type': type,
      'content-length': Buffer.byteLength(body),
      ...headers,
    });
    response.end(body);
    return true;
  };

  return async (request, response, path) => {
    switch (path) {
      case '/': {
        const { version, requiresToken: asksForToken } = deps;
        const answering = (await deps.mayChat(request)) ? deps.activeModel() : null;
        const page = writeHomePage(files, {
          version,
          requiresToken: asksForToken,
          activeModel: answering,
          isServing: deps.isServing(),
          address: addressFor(request, deps.endpoint),
          port: request.socket.localPort ?? 0,
          mayInspect: deps.mayInspect(request),
        });
        return send(response, 'text/html; charset=utf-8', page, { 'content-security-policy': POLICY });
      }
      case '/home.css':
        return send(response, 'text/css; charset=utf-8', files.css);
      case '/colors.css':
        return send(response, 'text/css; charset=utf-8', files.colors);
      case '/icon.svg':
      case '/favicon.ico':
        return send(response, 'image/svg+xml', files.icon);
      case '/robots.txt':
        return send(response, 'text/plain; charset=utf-8', 'User-agent: *\nDisallow: /\n');
      default: {
        const doc = path.startsWith(DOCS) ? await files.readDoc(path.slice(DOCS.length)) : null;
        return doc !== null && send(response, 'text/plain; charset=utf-8', doc);
      }
    }
  };
}

/** The URL of the WebSocket, with the host of the request. A proxy reports TLS in `x-forwarded-proto`. */
function addressFor({ headers, socket }: IncomingMessage, endpoint: string): string {
  const host = PLAIN_HOST.test(headers.host ?? '') ? headers.host : `localhost:${socket.localPort}`;
  return `${headers['x-forwarded-proto'] === 'https' ? 'wss' : 'ws'}://${host}${endpoint}`;
}
