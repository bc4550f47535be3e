/** Serves the start page, its files, the documentation, and what browsers and crawlers ask every server for. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { writeHomePage, type Answering } from './home-page.ts';
import type { PageFiles } from './page-files.ts';

export interface HomeDeps {
  files: PageFiles;
  version: string;
  /** Path of the WebSocket. */
  endpoint: string;
  isServing(): boolean;
  /** The model that answers now. */
  answering(): Answering;
  /** Whether chats need a token. */
  asksForToken: boolean;
  /** Whether the sender may chat: has sent a token, where one is needed. */
  mayChat(request: IncomingMessage): Promise<boolean>;
  /** Whether the sender may open the inspection page. */
  mayInspect(request: IncomingMessage): boolean;
}

const COMMON_HEADERS = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
} as const;
/** No script at all. Its console may reach this server's WebSocket, as the example on it does. */
const POLICY =
  "default-src 'none'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const DOCS = '/docs/';

/** A host that may be shown as it was sent. */
const PLAIN_HOST = /^(?:[a-z\d](?:[a-z\d.-]{0,252})|\[[\da-f:.]{2,45}\])(?::\d{1,5})?$/i;

/** Answers GET and HEAD for a path of its own. Resolves with false for any other path. Rejects if a file cannot be read. */
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
        const { version, asksForToken } = deps;
        const answering = (await deps.mayChat(request)) ? deps.answering() : null;
        const page = writeHomePage(files, {
          version,
          asksForToken,
          answering,
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

/** The address of the WebSocket by the name that the sender knows this server by. A proxy says if it speaks TLS. */
function addressFor({ headers, socket }: IncomingMessage, endpoint: string): string {
  const host = PLAIN_HOST.test(headers.host ?? '') ? headers.host : `localhost:${socket.localPort}`;
  return `${headers['x-forwarded-proto'] === 'https' ? 'wss' : 'ws'}://${host}${endpoint}`;
}
