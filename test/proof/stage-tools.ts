/**
 * The tools of a proof: a real MCP server over HTTP in the proof's own process, which outlives the server that it
 * judges. Counts every effect by the key of its call, and ends a call when it is told to, or at once when it is free.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { text as readText } from 'node:stream/consumers';
import { McpServer, createMcpHandler } from '@modelcontextprotocol/server';
import { z } from 'zod';
import type { Bell } from './bell.ts';
import type { ToolName } from './vocabulary.ts';

export interface StageTools {
  readonly url: string;
  /** How often the call with a key took effect, and whether its tool declares a repeat to be harmless. */
  readonly effects: ReadonlyMap<string, { times: number; harmless: boolean }>;
  /** Effects in all. */
  calls(): number;
  /** Ends the oldest open call of this tool; `lost`: its connection is cut. */
  end(tool: ToolName, how: 'ok' | 'error' | 'lost'): void;
  /** Says of the oldest open call of this tool that it gets on. */
  getOn(tool: ToolName): Promise<void>;
  /** From now on every call ends at once. */
  free(): void;
  close(): Promise<void>;
}

interface OpenCall {
  tool: string;
  response: ServerResponse | undefined;
  end(how: 'ok' | 'error'): void;
  getOn(): Promise<void>;
}

const keyed = z.object({ key: z.string() });
const toolCall = z.object({ method: z.literal('tools/call'), params: z.object({ arguments: keyed }) });

export async function startStageTools(bell: Bell): Promise<StageTools> {
  const effects = new Map<string, { times: number; harmless: boolean }>();
  /** The newest response under which a call with that key is waiting. */
  const responses = new Map<string, ServerResponse>();
  const open: OpenCall[] = [];
  let calls = 0;
  let isFree = false;

  const create = () => {
    const server = new McpServer({ name: 'desk', version: '1.0.0' }, { capabilities: { tools: {} } });
    for (const tool of ['book', 'look', 'pay'] as const) {
      const harmless = tool === 'look';
      server.registerTool(tool, { inputSchema: keyed, annotations: { readOnlyHint: harmless } }, async ({ key }, { mcpReq }) => {
        calls += 1;
        effects.set(key, { times: (effects.get(key)?.times ?? 0) + 1, harmless });
        const ended = Promise.withResolvers<'ok' | 'error'>();
        if (isFree) ended.resolve('ok');
        else open.push({ tool, response: responses.get(key), end: ended.resolve, getOn: () => mcpReq.notify({ method: 'notifications/progress', params: { progressToken: mcpReq._meta?.progressToken ?? 'none', progress: 1 } }) });
        bell.ring();
        return { content: [{ type: 'text', text: `${tool} is done` }], isError: (await ended.promise) === 'error' };
      });
    }
    return server;
  };
  const handler = createMcpHandler(create);

  const receive = async (request: IncomingMessage, response: ServerResponse) => {
    const body = await readText(request);
    const called = toolCall.safeParse(body === '' ? null : JSON.parse(body));
    if (called.success) responses.set(called.data.params.arguments.key, response);
    const left = new AbortController();
    response.once('close', () => left.abort());
    const headers = new Headers();
    for (const [name, value] of Object.entries(request.headers)) headers.set(name, String(value));
    const { method = 'GET' } = request;
    const answered = await handler.fetch(new Request(`http://${request.headers.host}${request.url}`, { method, headers, body: method === 'POST' ? body : null, signal: left.signal }));
    if (response.destroyed) return;
    response.writeHead(answered.status, Object.fromEntries(answered.headers));
    response.flushHeaders();
    if (answered.body === null) response.end();
    else Readable.fromWeb(answered.body).on('error', () => response.destroy()).pipe(response);
  };
  // A server that is killed leaves in the middle of anything.
  const http = createServer((request, response) => void receive(request, response).catch(() => response.destroy()));
  await once(http.listen(0, '127.0.0.1'), 'listening');
  const address = http.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;

  // Whoever was killed waits no more.
  const oldest = (tool: ToolName) => open.find((call) => call.tool === tool && call.response?.closed === false);

  return {
    url: `http://127.0.0.1:${port}/mcp`,
    effects,
    calls: () => calls,
    end(tool, how) {
      const call = oldest(tool);
      if (!call) throw new Error(`no call of ${tool} is open`);
      open.splice(open.indexOf(call), 1);
      if (how === 'lost') call.response?.destroy();
      else call.end(how);
    },
    getOn: async (tool) => oldest(tool)?.getOn(),
    free() {
      isFree = true;
    },
    async close() {
      http.close();
      http.closeAllConnections();
    },
  };
}
