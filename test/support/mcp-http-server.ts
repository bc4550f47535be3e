/**
 * Serves MCP over Streamable HTTP on a loopback port, with the SDK's v2 server package. The server can be stopped,
 * restarted at its address, and made to lose its sessions.
 */
import { randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { McpServer, WebStandardStreamableHTTPServerTransport, createMcpHandler } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { STATELESS, createPagedServer } from './mcp-paged-server.ts';

export interface HttpServerOptions {
  /** `sessions`: the revisions up to 2025-11-25, with a session each; `stateless`: 2026-07-28. */
  era: 'sessions' | 'stateless';
  /** The response to a request with an unknown session. */
  unknownSession?: () => Response;
  /** 0 for any free port. */
  port?: number;
  /** Registers what each new server offers. */
  offer?(server: McpServer): void;
  /** Sent with the handshake. */
  instructions?: string;
  /** Called first for every request. Returns true if it has answered. */
  gate?(request: IncomingMessage, response: ServerResponse): boolean;
}

/** Passes a request to `handle`, and its response to the client. */
export async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  handle: (request: Request) => Promise<Response>,
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  const abort = new AbortController();
  response.once('close', () => abort.abort());
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers)) headers.set(name, String(value));
  const { method = 'GET' } = request;
  const body = method === 'POST' ? Buffer.concat(chunks) : null;
  const answered = await handle(
    new Request(`http://${request.headers.host}${request.url}`, { method, headers, body, signal: abort.signal }),
  );
  response.writeHead(answered.status, Object.fromEntries(answered.headers));
  response.flushHeaders();
  if (answered.body === null) return void response.end();
  Readable.fromWeb(answered.body)
    .on('error', () => response.destroy())
    .pipe(response);
}

/** Listens on a loopback port; 0 for any free port. */
async function listen(port: number, handle: (request: IncomingMessage, response: ServerResponse) => void) {
  const http = createServer(handle);
  http.listen(port, '127.0.0.1');
  await once(http, 'listening');
  const address = http.address();
  const actualPort = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${actualPort}/mcp`,
    port: actualPort,
    cutStreams: () => http.closeAllConnections(),
    async stop() {
      const closed = once(http, 'close');
      http.close();
      http.closeAllConnections();
      await closed;
    },
  };
}

/** The response that the specification has for an unknown session. */
const noSuchSession = () => new Response('no such session', { status: 404 });

/** Passes each request to the transport of its session. `initialize` opens one. */
export function createSessions(
  create: () => { connect(transport: WebStandardStreamableHTTPServerTransport): Promise<void> },
  unknownSession: () => Response,
) {
  const sessions = new Map<string, WebStandardStreamableHTTPServerTransport>();
  const handle = async (request: Request): Promise<Response> => {
    const known = request.headers.get('mcp-session-id');
    const session = known === null ? undefined : sessions.get(known);
    if (session !== undefined) return session.handleRequest(request);
    if (known !== null) return unknownSession();
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void sessions.set(id, transport),
      onsessionclosed: (id) => void sessions.delete(id),
    });
    await create().connect(transport);
    return transport.handleRequest(request);
  };
  return { sessions, handle };
}

/** The paged server of one revision. `endless`: its list of tools has no last page. */
export async function startPagedServer(revision: string, { endless = false } = {}) {
  const grown: string[] = [];
  const stateless = createMcpHandler(
    () => createPagedServer(revision, grown, async () => stateless.notify.toolsChanged(), endless),
    { legacy: 'reject' },
  );
  const { handle } = createSessions(
    () => createPagedServer(revision, grown, (server) => server.sendToolListChanged(), endless),
    noSuchSession,
  );
  const { url, stop } = await listen(
    0,
    (request, response) => void answer(request, response, revision === STATELESS ? stateless.fetch : handle),
  );
  return { url, stop };
}

export async function startHttpServer({
  era,
  unknownSession = noSuchSession,
  port = 0,
  offer,
  instructions,
  gate,
}: HttpServerOptions) {
  const seen: string[] = [];
  const headersSeen: IncomingMessage['headers'][] = [];
  const steps = new EventEmitter();
  const held: { key: string; end: () => void }[] = [];
  let refusal: number | null = null;
  const note = (word: string) => {
    seen.push(word);
    steps.emit('step');
  };

  const create = () => {
    const server = new McpServer(
      { name: 'http-test', version: '1.0.0' },
      {
        capabilities: { tools: { listChanged: true }, logging: {} },
        ...(instructions === undefined ? {} : { instructions }),
      },
    );
    server.registerTool('count', { inputSchema: z.object({}) }, () => {
      note('count');
      return { content: [{ type: 'text', text: `${seen.length}` }] };
    });
    server.registerTool('hang', { inputSchema: z.object({}) }, (_args, context) => {
      context.mcpReq.signal.addEventListener('abort', () => note('cancelled'));
      note('hang');
      return new Promise(() => undefined);
    });
    server.registerTool('hold', { inputSchema: z.object({ key: z.string() }) }, async ({ key }) => {
      const ended = Promise.withResolvers<void>();
      held.push({ key, end: ended.resolve });
      note(key);
      await ended.promise;
      return { content: [{ type: 'text', text: key }] };
    });
    server.registerTool('talk', { inputSchema: z.object({}) }, async (_args, context) => {
      await context.mcpReq.log('warning', { low: true }, 'talker');
      return { content: [{ type: 'text', text: 'said' }] };
    });
    server.registerTool('big', { inputSchema: z.object({}) }, () => ({
      content: [{ type: 'text', text: 'x'.repeat(200_000) }],
    }));
    offer?.(server);
    return server;
  };

  const { sessions, handle } = createSessions(create, unknownSession);
  const handler = createMcpHandler(create);
  const listening = await listen(port, (request, response) => {
    headersSeen.push(request.headers);
    if (refusal !== null) return void response.writeHead(refusal).end('not today');
    if (gate?.(request, response) === true) return;
    void answer(request, response, era === 'sessions' ? handle : handler.fetch);
  });

  return {
    ...listening,
    seen,
    headersSeen,
    sessions,
    /** Resolves when `word` is in the journal. */
    sees: async (word: string) => {
      while (!seen.includes(word)) await once(steps, 'step');
    },
    /** Ends the call of `hold` with this key, or the oldest one. */
    letGo(key = held[0]?.key) {
      const at = held.findIndex((call) => call.key === key);
      held.splice(at, 1)[0]?.end();
    },
    announceTools: () => handler.notify.toolsChanged(),
    /** Notifies the clients of the stateless era. */
    announce: handler.notify,
    /** Answers every request with this status. Null for normal operation. */
    refuse: (status: number | null) => {
      refusal = status;
    },
  };
}
