/**
 * Runs the task server of a proof: a real MCP server of 2026-07-28 over HTTP, in the messages of the specification. A
 * call waits for an order, which may be to run it as a task. The task then waits for the next order. It outlives the
 * server under test, as tasks do.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text as readText } from 'node:stream/consumers';
import { z } from 'zod';
import type { Notifier } from './notifier.ts';

export type TaskOrder = 'ok' | 'error' | 'lost' | 'asks' | 'task';

interface Task {
  key: string;
  /** `lost`: the server does not say how the task stands. */
  state: 'working' | 'asking' | 'ok' | 'error' | 'lost' | 'cancelled';
  /** Null if no person was asked. */
  isAccepted: boolean | null;
  /** An order that came before the answer of a person: the server under test may just have restarted. */
  next: TaskOrder | null;
}

const POLL_INTERVAL_MS = 20;
const FAILED = 500;

const message = z.object({
  id: z.union([z.string(), z.number()]).optional(),
  method: z.string(),
  params: z
    .looseObject({ arguments: z.object({ key: z.string() }).optional(), taskId: z.string().optional() })
    .optional(),
});
const answers = z.object({ seats: z.object({ action: z.string() }) });

export async function startControlledTasks(notifier: Notifier, takeEffect: (key: string) => void) {
  const tasks = new Map<string, Task>();
  /** Calls that wait for their first order. */
  const open: { key: string; response: ServerResponse; reply(result: object): void }[] = [];
  let calls = 0;
  let steps = 0;
  let isReleased = false;

  const resultOf = (isError: boolean) => ({ content: [{ type: 'text', text: 'brew is done' }], isError });
  const seed = (id: string, status: string) => ({
    taskId: id,
    status,
    statusMessage: `step ${steps}`,
    createdAt: '2026-12-01T10:00:00Z',
    lastUpdatedAt: '2026-12-01T10:00:00Z',
    ttlMs: null,
    pollIntervalMs: POLL_INTERVAL_MS,
  });
  const finish = (task: Task, how: 'ok' | 'error') => {
    // A call that asked takes effect only with an answer.
    if (task.isAccepted !== false) takeEffect(task.key);
    task.state = how;
  };

  function order(task: Task, how: TaskOrder): void {
    if (task.state === 'asking') task.next = how;
    else if (how === 'ok' || how === 'error') finish(task, how);
    else if (how === 'asks') Object.assign(task, { state: 'asking', isAccepted: false });
    else if (how === 'lost') task.state = 'lost';
  }

  function stateOf(id: string, task: Task): object {
    switch (task.state) {
      case 'asking':
        return {
          ...seed(id, 'input_required'),
          inputRequests: {
            seats: {
              method: 'elicitation/create',
              params: { mode: 'form', message: 'Where?', requestedSchema: { type: 'object', properties: {} } },
            },
          },
        };
      case 'ok':
      case 'error':
        return { ...seed(id, 'completed'), result: resultOf(task.state === 'error') };
      default:
        return seed(id, task.state);
    }
  }

  function receive(body: string, response: ServerResponse): void {
    const { id, method, params } = message.parse(JSON.parse(body));
    if (id === undefined) return void response.writeHead(202).end();
    const send = (answer: object) =>
      void response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify({ jsonrpc: '2.0', id, ...answer }));
    const reply = (result: object) =>
      send({ result: { resultType: 'complete', ttlMs: 0, cacheScope: 'private', ...result } });
    const taskId = params?.taskId ?? '';
    const task = tasks.get(taskId);
    switch (method) {
      case 'server/discover':
        return reply({
          supportedVersions: ['2026-07-28'],
          capabilities: { tools: {}, extensions: { 'io.modelcontextprotocol/tasks': {} } },
          serverInfo: { name: 'works', version: '1.0.0' },
        });
      case 'tools/list':
        return reply({
          tools: [{ name: 'brew', inputSchema: { type: 'object', properties: { key: { type: 'string' } } } }],
        });
      case 'tools/call': {
        const key = params?.arguments?.key ?? '';
        calls += 1;
        if (isReleased) {
          takeEffect(key);
          reply(resultOf(false));
        } else open.push({ key, response, reply });
        return notifier.notify();
      }
      case 'tasks/get':
        if (!task) return send({ error: { code: -32_602, message: 'no such task' } });
        if (task.state === 'lost') return void response.writeHead(FAILED).end();
        if (isReleased && task.state === 'working') finish(task, 'ok');
        return reply(stateOf(taskId, task));
      case 'tasks/update': {
        const { data } = answers.safeParse(params?.['inputResponses']);
        if (task?.state === 'asking' && data) {
          task.isAccepted = data.seats.action === 'accept';
          task.state = 'working';
          if (task.next !== null) order(task, task.next);
        }
        return reply({});
      }
      case 'tasks/cancel':
        if (task?.state === 'working' || task?.state === 'asking') task.state = 'cancelled';
        return reply({});
      default:
        return send({ error: { code: -32_601, message: `no method ${method}` } });
    }
  }

  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    if (request.method === 'POST') receive(await readText(request), response);
    else response.writeHead(405).end();
  };
  // A server that is killed may leave at any moment.
  const http = createServer((request, response) => void handle(request, response).catch(() => response.destroy()));
  await once(http.listen(0, '127.0.0.1'), 'listening');
  const address = http.address();

  return {
    url: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/mcp`,
    calls: () => calls,
    /** Gives the order to the oldest open call, else to the oldest task at work. */
    end(how: TaskOrder): void {
      const call = open.find(({ response }) => !response.closed);
      if (call) {
        open.splice(open.indexOf(call), 1);
        if (how === 'lost') call.response.destroy();
        else if (how === 'task') {
          const id = `task of ${call.key}`;
          tasks.set(id, { key: call.key, state: 'working', isAccepted: null, next: null });
          call.reply({ ...seed(id, 'working'), resultType: 'task' });
        } else if (how !== 'asks') {
          takeEffect(call.key);
          call.reply(resultOf(how === 'error'));
        }
        return;
      }
      const task = [...tasks.values()].find(({ state }) => state === 'working' || state === 'asking');
      if (!task) throw new Error('no call of brew is open');
      order(task, how);
    },
    reportProgress: () => void (steps += 1),
    /** Ends every call and every task at once from now on. */
    releaseAll: () => void (isReleased = true),
    async close() {
      http.close();
      http.closeAllConnections();
    },
  };
}
