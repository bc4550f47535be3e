/**
 * Runs the tools of a proof: real MCP servers over HTTP in the process of the proof, which outlives the server under
 * test. Counts every effect by the key of its call. Ends a call on command, or at once after `releaseAll`.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { text as readText } from 'node:stream/consumers';
import {
  McpServer,
  WebStandardStreamableHTTPServerTransport,
  createMcpHandler,
  inputRequired,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { z } from 'zod';
import type { Notifier } from './notifier.ts';
import type { ToolName } from './moves.ts';
import { startControlledTasks, type TaskOrder } from './controlled-tasks.ts';

export interface ControlledTools {
  readonly url: string;
  /** URL of the older server. */
  readonly hallUrl: string;
  /** URL of the server that runs tasks. */
  readonly worksUrl: string;
  /** How often the call with a key took effect, and whether its tool is declared idempotent. */
  readonly effects: ReadonlyMap<string, { times: number; idempotent: boolean }>;
  /** Total number of calls. */
  calls(): number;
  /** Ends the oldest open call of this tool, or makes it ask people. `lost` cuts its connection. */
  end(tool: ToolName, how: TaskOrder): void;
  /** Sends progress for the oldest open call of this tool. */
  reportProgress(tool: ToolName): Promise<void>;
  /** Ends every call at once from now on. */
  releaseAll(): void;
  close(): Promise<void>;
}

interface OpenCall {
  tool: string;
  response: ServerResponse | undefined;
  order(order: Order): void;
  reportProgress(): Promise<void>;
}

type Order = 'ok' | 'error' | 'asks';

const HALL = '/hall';
const form = {
  message: 'Where?',
  requestedSchema: { type: 'object' as const, properties: { where: { type: 'string' as const } } },
};
const keyed = z.object({ key: z.string() });
const toolCall = z.object({ method: z.literal('tools/call'), params: z.object({ arguments: keyed }) });

export async function startControlledTools(notifier: Notifier): Promise<ControlledTools> {
  const effects = new Map<string, { times: number; idempotent: boolean }>();
  /** The newest response of each waiting call, by key. */
  const responses = new Map<string, ServerResponse>();
  const open: OpenCall[] = [];
  let calls = 0;
  let isReleased = false;

  const takeEffect = (key: string, idempotent = false) =>
    effects.set(key, { times: (effects.get(key)?.times ?? 0) + 1, idempotent });
  /** Registers a running call. It waits for one or more orders from the proof. */
  const waitIn = (tool: ToolName, key: string, { mcpReq }: ServerContext): (() => Promise<Order>) => {
    calls += 1;
    const orders = createOrders();
    const reportProgress = () =>
      mcpReq.notify({
        method: 'notifications/progress',
        params: { progressToken: mcpReq._meta?.progressToken ?? 'none', progress: 1 },
      });
    if (isReleased) orders.give('ok');
    else open.push({ tool, response: responses.get(key), order: orders.give, reportProgress });
    notifier.notify();
    return orders.next;
  };
  const works = await startControlledTasks(notifier, takeEffect);
  const done = (tool: ToolName, order: Order) => ({
    content: [{ type: 'text' as const, text: `${tool} is done` }],
    isError: order === 'error',
  });

  const create = () => {
    const server = new McpServer({ name: 'desk', version: '1.0.0' }, { capabilities: { tools: {} } });
    for (const tool of ['book', 'look', 'pay'] as const) {
      const idempotent = tool === 'look';
      server.registerTool(
        tool,
        { inputSchema: keyed, annotations: { readOnlyHint: idempotent } },
        async ({ key }, context) => {
          takeEffect(key, idempotent);
          return done(tool, await waitIn(tool, key, context)());
        },
      );
    }
    server.registerTool('table', { inputSchema: keyed }, async ({ key }, context) => {
      const { seats } = Object(context.mcpReq.inputResponses ?? {});
      const order = await waitIn('table', key, context)();
      if (order === 'asks')
        return inputRequired({ inputRequests: { seats: inputRequired.elicit(form) }, requestState: `of ${key}` });
      if (seats === undefined || (seats.action === 'accept' && context.mcpReq.requestState() === `of ${key}`))
        takeEffect(key);
      return done('table', order);
    });
    return server;
  };
  const handler = createMcpHandler(create);

  /** Creates an older server, which holds a call open while people answer. */
  const createHall = () => {
    const server = new McpServer({ name: 'house', version: '1.0.0' }, { capabilities: { tools: {} } });
    server.registerTool('hall', { inputSchema: keyed }, async ({ key }, context) => {
      const next = waitIn('hall', key, context);
      let order = await next();
      if (order === 'asks') {
        // The server under test may no longer wait for the answer.
        context.mcpReq.elicitInput(form).then(
          ({ action }) => action === 'accept' && takeEffect(key),
          () => undefined,
        );
        order = await next();
      } else {
        takeEffect(key);
      }
      return done('hall', order);
    });
    return server;
  };
  const sessions = new Map<string, WebStandardStreamableHTTPServerTransport>();
  const inHall = async (request: Request): Promise<Response> => {
    const session = sessions.get(request.headers.get('mcp-session-id') ?? '');
    if (session) return session.handleRequest(request);
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void sessions.set(id, transport),
    });
    await createHall().connect(transport);
    return transport.handleRequest(request);
  };

  const receive = async (request: IncomingMessage, response: ServerResponse) => {
    const body = await readText(request);
    const called = toolCall.safeParse(body === '' ? null : JSON.parse(body));
    if (called.success) responses.set(called.data.params.arguments.key, response);
    const left = new AbortController();
    response.once('close', () => left.abort());
    const headers = new Headers();
    for (const [name, value] of Object.entries(request.headers)) headers.set(name, String(value));
    const { method = 'GET' } = request;
    const handle = request.url === HALL ? inHall : handler.fetch;
    const answered = await handle(
      new Request(`http://${request.headers.host}${request.url}`, {
        method,
        headers,
        body: method === 'POST' ? body : null,
        signal: left.signal,
      }),
    );
    if (response.destroyed) return;
    response.writeHead(answered.status, Object.fromEntries(answered.headers));
    response.flushHeaders();
    if (answered.body === null) response.end();
    else
      Readable.fromWeb(answered.body)
        .on('error', () => response.destroy())
        .pipe(response);
  };
  // A server that is killed may leave at any moment.
  const http = createServer((request, response) => void receive(request, response).catch(() => response.destroy()));
  await once(http.listen(0, '127.0.0.1'), 'listening');
  const address = http.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;

  // Calls of a killed server do not count.
  const oldest = (tool: ToolName) => open.find((call) => call.tool === tool && call.response?.closed === false);

  return {
    url: `http://127.0.0.1:${port}/mcp`,
    worksUrl: works.url,
    hallUrl: `http://127.0.0.1:${port}${HALL}`,
    effects,
    calls: () => calls + works.calls(),
    end(tool, how) {
      if (tool === 'brew') return works.end(how);
      if (how === 'task') throw new Error(`${tool} does not run as a task`);
      const call = oldest(tool);
      if (!call) throw new Error(`no call of ${tool} is open`);
      // The older server's call stays open while it asks.
      if (how !== 'asks' || tool !== 'hall') open.splice(open.indexOf(call), 1);
      if (how === 'lost') call.response?.destroy();
      else call.order(how);
    },
    reportProgress: async (tool) => (tool === 'brew' ? works.reportProgress() : oldest(tool)?.reportProgress()),
    releaseAll() {
      isReleased = true;
      works.releaseAll();
    },
    async close() {
      await works.close();
      http.close();
      http.closeAllConnections();
    },
  };
}

/** Creates a queue of orders, which may arrive before a call waits for them. */
function createOrders() {
  const given: Order[] = [];
  let take: ((order: Order) => void) | null = null;
  return {
    give(order: Order) {
      if (take) take(order);
      else given.push(order);
      take = null;
    },
    next: () =>
      new Promise<Order>((resolve) => {
        const order = given.shift();
        if (order === undefined) take = resolve;
        else resolve(order);
      }),
  };
}
