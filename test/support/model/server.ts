/**
 * Serves a scripted model on loopback: chat completions, and by its path also the Responses and the Messages API.
 *
 *   const model = await startModelServer();
 *   model.script(asks([{ name: 'add', arguments: { a: 2, b: 3 } }]), says('Five.'));   // one reply a request
 *   model.script((request) => (request.body.tools ? says('I have tools') : fails(500, 'no tools')));
 *   ... point a provider's base_url at model.url ...
 *   assert.deepEqual(model.violations, []);
 *   await model.close();
 *
 * replies.ts and tool-calls.ts build replies. The server records every request and checks its history (history.ts).
 */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { text as readText } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { fails, says, type Part, type Reply } from './replies.ts';
import type { Dialect } from './spoken.ts';
import { createMessagesDialect } from './speak-messages.ts';
import { createResponsesDialect } from './speak-responses.ts';
import { historyViolations, requestBody, type RequestBody } from './history.ts';

/** A received request, and how its answer ended. */
export interface ModelRequest {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** The body as it was sent, in the form of its API. */
  readonly sent: unknown;
  /** The body in the form of chat completions. */
  readonly body: RequestBody;
  /**
   * `answered`: the reply was played to its end (also if that cut the socket); `aborted`: the client disconnected
   * before.
   */
  readonly end: Promise<'answered' | 'aborted'>;
}

type Decide = (request: ModelRequest) => Reply;

export interface ModelServer {
  /** Base URL for a provider's configuration; ends in `/v1`. */
  readonly url: string;
  readonly requests: readonly ModelRequest[];
  /** The violations in all histories received so far. */
  readonly violations: readonly string[];
  /**
   * Queues replies, one a request. A single function answers every later request that finds the queue empty. Without a
   * function such a request gets "Hello from the scripted model."
   */
  script(...replies: Reply[] | [Decide]): void;
  /** Resolves with the request number `count` (from 1) as soon as it is received. */
  request(count: number): Promise<ModelRequest>;
  /** Drops the requests, violations and replies, for the next test. Returns the number of replies that were left. */
  reset(): number;
  close(): Promise<void>;
}

export async function startModelServer(): Promise<ModelServer> {
  const queue: Reply[] = [];
  const requests: ModelRequest[] = [];
  const violations: string[] = [];
  const waiting: { count: number; resolve(request: ModelRequest): void }[] = [];
  const dialects = [createResponsesDialect(), createMessagesDialect()];
  let decide: Decide = () => says('Hello from the scripted model.');

  async function receive(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const end = Promise.withResolvers<'answered' | 'aborted'>();
    const sent: unknown = JSON.parse(await readText(message));
    const dialect = dialects.find(({ path }) => path === message.url);
    const spoken = dialect?.read(sent);
    const body = requestBody.safeParse(spoken?.body ?? sent);
    if (!body.success || spoken?.body === null) {
      violations.push(`a request is malformed: ${spoken?.violations.join() ?? body.error?.message}`);
      return play(fails(400, 'malformed request'), response, end.resolve);
    }
    violations.push(...(spoken?.violations ?? []).map((problem) => `request ${requests.length + 1}: ${problem}`));
    const request: ModelRequest = {
      path: message.url ?? '',
      headers: message.headers,
      sent,
      body: body.data,
      end: end.promise,
    };
    requests.push(request);
    violations.push(...historyViolations(request.body).map((problem) => `request ${requests.length}: ${problem}`));
    if (request.path !== '/v1/chat/completions' && dialect === undefined)
      violations.push(`request ${requests.length}: unknown path ${request.path}`);
    for (const waiter of waiting) if (waiter.count === requests.length) waiter.resolve(request);
    const reply = queue.shift() ?? decide(request);
    return play(dialect === undefined ? reply : spokenReply(reply, dialect, request.body.model), response, end.resolve);
  }

  const server = createServer((message, response) => {
    // A client that disconnects while its request is read does not fail the test.
    receive(message, response).catch(() => response.destroy());
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the scripted model has no port');

  return {
    url: `http://127.0.0.1:${address.port}/v1`,
    requests,
    violations,
    script(...replies) {
      for (const reply of replies) {
        if (typeof reply === 'function') decide = reply;
        else queue.push(reply);
      }
    },
    request(count) {
      const known = requests[count - 1];
      if (known) return Promise.resolve(known);
      return new Promise((resolve) => waiting.push({ count, resolve }));
    },
    reset() {
      const left = queue.length;
      for (const list of [queue, requests, violations, waiting]) list.length = 0;
      decide = () => says('Hello from the scripted model.');
      return left;
    },
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** The reply in the form of the API. An error has the same body in all. */
function spokenReply(reply: Reply, dialect: Dialect, model: string): Reply {
  if (reply.status !== 200) return reply;
  const { head, write } = dialect.answer(model);
  return { ...reply, parts: [...head, ...reply.parts.flatMap(write)] };
}

/** Plays a reply to its end, or until the client disconnects. */
async function play(
  reply: Reply,
  response: ServerResponse,
  ended: (how: 'answered' | 'aborted') => void,
): Promise<void> {
  const left = once(response, 'close');
  const leaving = left.then(() => 'left' as const);
  let torn = false;
  void leaving.then(() => ended(torn || response.writableFinished ? 'answered' : 'aborted'));
  if (reply.status === null) {
    await left;
    return;
  }
  response.writeHead(reply.status, reply.headers);
  // Sends the headers at once, so that a reply may stall before its first byte.
  response.flushHeaders();
  for (const part of reply.parts) {
    if (response.destroyed) return;
    if (part.play === 'tear') {
      torn = true;
      response.destroy();
      return;
    }
    if ((await Promise.race([leaving, step(part, response)])) === 'left') return;
  }
  response.end();
}

async function step(part: Exclude<Part, { play: 'tear' }>, response: ServerResponse): Promise<void> {
  switch (part.play) {
    case 'bytes':
      // Flushes before the next part, so that a cut socket never loses earlier bytes.
      return new Promise((flushed) => response.write(part.text, () => flushed()));
    case 'pause':
      return sleep(part.ms);
    case 'gate':
      part.gate.arrive();
      return part.gate.opened;
    case 'stall':
      // The disconnect ends this; the caller races against it.
      return new Promise(() => {});
  }
}
