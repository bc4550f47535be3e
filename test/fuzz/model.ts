/**
 * The model of a fuzz run: an OpenAI-compatible endpoint that answers every message by the script, a chunk at
 * a time, and holds every history to the rules of strict providers. Remembers nothing but what it objects to.
 */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { text as readText } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { historyViolations, requestBody, type RequestBody } from '../support/model-history.ts';
import { answerTo } from './script.ts';

export interface FuzzModel {
  /** Base URL for a provider's configuration. */
  readonly url: string;
  /** Broken rules of all histories, the first few. */
  readonly violations: readonly string[];
  close(): Promise<void>;
}

/** Between two chunks: long enough that turns meet cancels, interrupts and drops. */
const chunkDelayMs = 4;
const mostViolations = 10;

export async function startFuzzModel(): Promise<FuzzModel> {
  const violations: string[] = [];
  const server = createServer((message, response) => {
    const answer = async () => {
      const body = requestBody.parse(JSON.parse(await readText(message)));
      violations.push(...historyViolations(body).slice(0, mostViolations - violations.length));
      await say(answerTo(lastMessage(body)), response);
    };
    // The server leaves whenever a turn is stopped; what is no request would end its turn, and be seen there.
    answer().catch(() => response.destroy());
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the model has no port');
  return {
    url: `http://127.0.0.1:${address.port}/v1`,
    violations,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function lastMessage({ messages }: RequestBody): string {
  const content = messages.at(-1)?.content;
  return typeof content === 'string' ? content : JSON.stringify(content);
}

async function say(words: readonly string[], response: ServerResponse): Promise<void> {
  const send = (fields: object) => response.write(`data: ${JSON.stringify({ id: 'chatcmpl-fuzz', object: 'chat.completion.chunk', created: 1, model: 'scripted-model', ...fields })}\n\n`);
  // Connections that wait for the next request would count as the server's open sockets.
  response.writeHead(200, { 'content-type': 'text/event-stream', connection: 'close' });
  for (const content of words) {
    await pause(chunkDelayMs);
    if (response.destroyed) return;
    send({ choices: [{ index: 0, delta: { content }, finish_reason: null }] });
  }
  send({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] });
  send({ choices: [], usage: { prompt_tokens: 10, completion_tokens: words.length, total_tokens: 10 + words.length } });
  response.end('data: [DONE]\n\n');
}
