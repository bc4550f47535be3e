/**
 * Runs calls as tasks, in the messages of the specification and without an SDK: as the extension of 2026-07-28 and as
 * the experiment of 2025-11-25. Its tasks are in a file, so they outlive the process. One program serves stdio; `listen`
 * serves HTTP.
 */
import { once } from 'node:events';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { text as readText } from 'node:stream/consumers';
import { z } from 'zod';

export type TaskEra = '2026-07-28' | '2025-11-25';

const plan = z.object({
  /** Number of requests for the state that find the task at work. */
  polls: z.number().default(1),
  /** How it ends. `gone`: the server forgets it. `plain`: no task is created. */
  ends: z.enum(['ok', 'error', 'failed', 'cancelled', 'gone', 'plain']).default('ok'),
  /** Names of forms that people fill in before it ends. */
  asks: z.array(z.string()).default([]),
  pollIntervalMs: z.number().default(5),
  /** Over stdio: sends the state right after it has answered the call. */
  notifies: z.boolean().default(false),
});
const task = plan.extend({ left: z.number(), answers: z.record(z.string(), z.unknown()), isCancelled: z.boolean() });
const board = z.object({ tasks: z.record(z.string(), task), seen: z.array(z.string()) });
const request = z.object({
  id: z.union([z.string(), z.number()]).optional(),
  method: z.string(),
  params: z.looseObject({}).default({}),
});

type Task = z.infer<typeof task>;
type Outcome = { result: unknown } | { error: { code: number; message: string } };

const form = (name: string) => ({
  method: 'elicitation/create',
  params: {
    mode: 'form',
    message: `Which ${name}?`,
    requestedSchema: { type: 'object', properties: { [name]: { type: 'string' } }, required: [name] },
  },
});
const say = (text: string, isError = false) => ({ content: [{ type: 'text', text }], isError });
const refuse = (message: string, code = -32_602): Outcome => ({ error: { code, message } });

export function createTaskServer(file: string, era: TaskEra) {
  const isOlder = era === '2025-11-25';
  const read = () => board.parse(existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { tasks: {}, seen: [] });

  const resultOf = ({ ends, answers }: Task) =>
    ends === 'error' ? say('The job went wrong', true) : say(`The job is done: ${JSON.stringify(answers)}`);

  function stateOf(id: string, each: Task) {
    const now = '2026-12-01T10:00:00Z';
    const interval = isOlder
      ? { ttl: 60_000, pollInterval: each.pollIntervalMs }
      : { ttlMs: 60_000, pollIntervalMs: each.pollIntervalMs };
    const facts = { taskId: id, createdAt: now, lastUpdatedAt: now, ...interval };
    if (each.isCancelled) return { ...facts, status: 'cancelled' };
    const open = each.asks.filter((name) => !(name in each.answers));
    if (open.length > 0)
      return {
        ...facts,
        status: 'input_required',
        inputRequests: Object.fromEntries(open.map((name) => [name, form(name)])),
      };
    if (each.left > 0) return { ...facts, status: 'working', statusMessage: `${each.left} steps are left` };
    switch (each.ends) {
      case 'cancelled':
        return { ...facts, status: 'cancelled', statusMessage: 'The operator has cancelled it.' };
      case 'failed':
        return { ...facts, status: 'failed', error: { code: -32_603, message: 'The machine is on fire.' } };
      default:
        return { ...facts, status: 'completed', ...(isOlder ? {} : { result: resultOf(each) }) };
    }
  }

  function answer(method: string, params: Record<string, unknown>): Outcome {
    const kept = read();
    const id = String(params['taskId'] ?? '');
    const known = kept.tasks[id];
    kept.seen.push(id === '' ? method : `${method} ${id}`);
    const keep = () => {
      // Another process reads the file at any moment, and the server may be killed.
      writeFileSync(`${file}.new`, JSON.stringify(kept));
      renameSync(`${file}.new`, file);
    };
    keep();
    const own = { name: 'tasks', version: '1.0.0' };
    switch (method) {
      case 'server/discover':
        if (isOlder) return refuse('no such method', -32_601);
        return {
          result: {
            supportedVersions: [era],
            capabilities: { tools: {}, extensions: { 'io.modelcontextprotocol/tasks': {} } },
            serverInfo: own,
          },
        };
      case 'initialize':
        if (!isOlder) return refuse('no such method', -32_601);
        return {
          result: {
            protocolVersion: era,
            capabilities: { tools: {}, tasks: { cancel: {}, requests: { tools: { call: {} } } } },
            serverInfo: own,
          },
        };
      case 'ping':
        return { result: {} };
      case 'tools/list':
        return {
          result: {
            tools: [
              {
                name: 'job',
                inputSchema: { type: 'object' },
                ...(isOlder ? { execution: { taskSupport: 'required' } } : {}),
              },
            ],
          },
        };
      case 'tools/call': {
        const planned = plan.parse(params['arguments'] ?? {});
        if (planned.ends === 'plain') return { result: say('no task was needed') };
        if (isOlder && params['task'] === undefined) return refuse('this tool runs only as a task', -32_601);
        const created = `job-${Object.keys(kept.tasks).length + 1}`;
        const made = { ...planned, left: planned.polls, answers: {}, isCancelled: false };
        kept.tasks[created] = made;
        keep();
        const { inputRequests: _, ...seed } = {
          inputRequests: null,
          ...stateOf(created, { ...made, asks: [], left: 1 }),
        };
        return { result: isOlder ? { task: seed } : { resultType: 'task', ...seed } };
      }
      case 'tasks/get': {
        if (!known || (known.ends === 'gone' && known.left === 0))
          return refuse('Failed to retrieve task: Task has expired');
        const state = stateOf(id, known);
        known.left = Math.max(0, known.left - 1);
        keep();
        return { result: state };
      }
      case 'tasks/result':
        return known ? { result: resultOf(known) } : refuse('no such task');
      case 'tasks/update': {
        if (!known) return refuse('no such task');
        // A key that has an answer is ignored.
        known.answers = { ...Object(params['inputResponses']), ...known.answers };
        keep();
        return { result: {} };
      }
      case 'tasks/cancel':
        if (!known) return refuse('no such task');
        known.isCancelled = true;
        keep();
        return { result: isOlder ? stateOf(id, known) : {} };
      default:
        return refuse(`no method ${method}`, -32_601);
    }
  }

  return {
    read,
    /** The response to a message. Null for a notification. */
    handle(message: unknown): object | null {
      const { id, method, params } = request.parse(message);
      if (id === undefined) return null;
      const outcome = answer(method, params);
      const isTyped = !isOlder && 'result' in outcome;
      const typed = isTyped
        ? { result: { resultType: 'complete', ttlMs: 0, cacheScope: 'private', ...Object(outcome.result) } }
        : outcome;
      return { jsonrpc: '2.0', id, ...typed };
    },
  };
}

/** Serves HTTP on a loopback port. `headers`: those of each request, in order. */
export async function listenForTasks(file: string, era: TaskEra) {
  const server = createTaskServer(file, era);
  const headers: Record<string, unknown>[] = [];
  const http = createServer((incoming, response) => {
    void readText(incoming).then((body) => {
      if (incoming.method !== 'POST') return response.writeHead(405).end();
      headers.push(incoming.headers);
      const answered = server.handle(JSON.parse(body));
      if (answered === null) return response.writeHead(202).end();
      return response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answered));
    });
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const address = http.address();
  return {
    ...server,
    headers,
    url: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/mcp`,
    async stop() {
      http.close();
      http.closeAllConnections();
    },
  };
}

/** The client has stored the handle by then. */
const NOTIFIES_AFTER_MS = 200;

/** The notification that follows this message of the client. */
function notificationAfter(message: unknown, isOlder: boolean): object | null {
  const { method, params } = request.parse(message);
  const { success, data } = plan.safeParse(params['arguments']);
  if (method !== 'tools/call' || !success || !data.notifies) return null;
  const status = { taskId: 'job-1', status: 'working', createdAt: '', lastUpdatedAt: '', ttl: null, ttlMs: null };
  return { jsonrpc: '2.0', method: isOlder ? 'notifications/tasks/status' : 'notifications/tasks', params: status };
}

const { TASK_FILE, TASK_ERA } = process.env;
if (import.meta.main && TASK_FILE !== undefined) {
  const { handle } = createTaskServer(TASK_FILE, TASK_ERA === '2025-11-25' ? TASK_ERA : '2026-07-28');
  for await (const line of createInterface({ input: process.stdin })) {
    const answered = handle(JSON.parse(line));
    if (answered !== null) process.stdout.write(`${JSON.stringify(answered)}\n`);
    const note = notificationAfter(JSON.parse(line), TASK_ERA === '2025-11-25');
    if (note !== null) setTimeout(() => process.stdout.write(`${JSON.stringify(note)}\n`), NOTIFIES_AFTER_MS);
  }
}
