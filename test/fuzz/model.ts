/**
 * Runs the model of a fuzz run: an OpenAI-compatible endpoint that answers every message by the script, chunk by chunk,
 * sometimes after a tool call. Checks every history by the rules of strict providers. Keeps only violations.
 */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { text as readText } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { historyViolations, requestBody, type RequestBody } from '../support/model-history.ts';
import { answerTo, callsFirst, scriptedCall } from './script.ts';

export interface FuzzModel {
  /** Base URL for a provider's configuration. */
  readonly url: string;
  /** Violations of all histories, the first few. */
  readonly violations: readonly string[];
  close(): Promise<void>;
}

/** Delay between two chunks, long enough that turns meet cancels, interrupts and drops. */
const chunkDelayMs = 4;
const maxViolations = 10;

export async function startFuzzModel(): Promise<FuzzModel> {
  const violations: string[] = [];
  let calls = 0;
  const server = createServer((message, response) => {
    const answer = async () => {
      const body = requestBody.parse(JSON.parse(await readText(message)));
      violations.push(...historyViolations(body).slice(0, maxViolations - violations.length));
      const said = lastMessage(body);
      const isOffered = body.tools?.some((tool) => tool.function.name === scriptedCall.name) === true;
      if (isOffered && callsFirst(said) && body.messages.at(-1)?.role === 'user')
        await call(`call_${++calls}`, response);
      else await say(answerTo(said), response);
    };
    // The server aborts the request whenever a turn is stopped. An invalid request would end its turn and show up
    // there.
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

/** The last message of the user: after a call the turn is answered in the same way. */
function lastMessage({ messages }: RequestBody): string {
  const content = messages.findLast(({ role }) => role === 'user')?.content;
  return typeof content === 'string' ? content : JSON.stringify(content);
}

type Send = (fields: object) => void;

/** Writes the head of a stream and returns a function that writes its chunks. */
function begin(response: ServerResponse): Send {
  // Keep-alive connections would count as open sockets of the server.
  response.writeHead(200, { 'content-type': 'text/event-stream', connection: 'close' });
  return (fields) =>
    response.write(
      `data: ${JSON.stringify({ id: 'chatcmpl-fuzz', object: 'chat.completion.chunk', created: 1, model: 'scripted-model', ...fields })}\n\n`,
    );
}

function end(send: Send, response: ServerResponse, reason: 'stop' | 'tool_calls', tokens: number): void {
  send({ choices: [{ index: 0, delta: {}, finish_reason: reason }] });
  send({ choices: [], usage: { prompt_tokens: 10, completion_tokens: tokens, total_tokens: 10 + tokens } });
  response.end('data: [DONE]\n\n');
}

async function say(words: readonly string[], response: ServerResponse): Promise<void> {
  const send = begin(response);
  for (const content of words) {
    await pause(chunkDelayMs);
    if (response.destroyed) return;
    send({ choices: [{ index: 0, delta: { content }, finish_reason: null }] });
  }
  end(send, response, 'stop', words.length);
}

async function call(id: string, response: ServerResponse): Promise<void> {
  const send = begin(response);
  await pause(chunkDelayMs);
  if (response.destroyed) return;
  const asked = { name: scriptedCall.name, arguments: JSON.stringify(scriptedCall.arguments) };
  send({
    choices: [
      { index: 0, delta: { tool_calls: [{ index: 0, id, type: 'function', function: asked }] }, finish_reason: null },
    ],
  });
  end(send, response, 'tool_calls', 1);
}
