/**
 * Runs the scripted model: a very cheap OpenAI-compatible server in its own process. The path selects the answer:
 * /CHUNKS/DELAY_MS/chat/completions, and with `tool` before CHUNKS one call of the demo server's `add` first. The bytes
 * are built once; only the send time is filled in.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { deltaLength, skipDelay, nowMicros, stampedDelta } from './script.ts';

/** A chunk as the large providers send it: some 270 bytes around a few characters. */
function chunkOf(delta: object, rest: object = {}): string {
  return `data: ${JSON.stringify({
    id: 'chatcmpl-BkXqVn3J0nQ5uYdZr7T2sLwHc9aE1',
    object: 'chat.completion.chunk',
    created: 1_790_000_000,
    model: 'scripted-model-2026-01-01',
    service_tier: 'default',
    system_fingerprint: 'fp_51db84afab',
    choices: [{ index: 0, delta, logprobs: null, finish_reason: null }],
    ...rest,
  })}\n\n`;
}

function closing(reason: 'stop' | 'tool_calls', chunks: number): string {
  const finish = chunkOf({}, { choices: [{ index: 0, delta: {}, logprobs: null, finish_reason: reason }] });
  const usage = chunkOf(
    {},
    { choices: [], usage: { prompt_tokens: 40, completion_tokens: chunks, total_tokens: 40 + chunks } },
  );
  return `${finish}${usage}data: [DONE]\n\n`;
}

const opening = chunkOf({ role: 'assistant', content: '' });
const contentChunk = Buffer.from(chunkOf({ content: '#'.repeat(deltaLength) }));
const stampAt = contentChunk.indexOf('#');
const toolCall = chunkOf({
  tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: { name: 'add', arguments: '{"a":2,"b":3}' } }],
});

/** Returns a copy, because the one sent before may still wait in a socket. */
function stampedChunk(): Buffer {
  const chunk = Buffer.from(contentChunk);
  chunk.write(stampedDelta(nowMicros()), stampAt, 'latin1');
  return chunk;
}

interface Answering {
  response: ServerResponse;
  left: number;
  end: string;
}

/** Writes the next chunk. Returns false when that was the last. */
function advance(answer: Answering, chunk: Buffer): boolean {
  answer.response.write(chunk);
  answer.left -= 1;
  if (answer.left > 0) return true;
  answer.response.end(answer.end);
  return false;
}

/** Answers without delay. In each turn of the event loop each of them gets one chunk, as its own packet. */
let undelayed: Answering[] = [];

function pump(): void {
  const chunk = stampedChunk();
  undelayed = undelayed.filter((answer) => advance(answer, chunk));
  if (undelayed.length > 0) setImmediate(pump);
}

function stream(response: ServerResponse, chunks: number, delayMs: number): void {
  const answer = { response, left: chunks, end: closing('stop', chunks) };
  response.write(opening);
  if (delayMs === 0) {
    undelayed.push(answer);
    if (undelayed.length === 1) setImmediate(pump);
    return;
  }
  const timer = setInterval(() => {
    if (!advance(answer, stampedChunk())) clearInterval(timer);
  }, delayMs);
  response.on('close', () => clearInterval(timer));
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts);
}

/** Whether the last message is the result of the requested call. */
function hasToolResult(body: Buffer): boolean {
  const { messages }: { messages: { role: string }[] } = JSON.parse(body.toString());
  return messages.at(-1)?.role === 'tool';
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [, tool, chunks, delayMs] = /^\/(tool\/)?(\d+)\/(\d+)\//.exec(request.url ?? '') ?? [];
  const body = await bodyOf(request);
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
  if (tool !== undefined && !hasToolResult(body)) response.end(toolCall + closing('tool_calls', 12));
  else stream(response, Number(chunks), body.includes(skipDelay) ? 0 : Number(delayMs));
}

const server = createServer((request, response) => {
  // A client that has left is no failure of the bench.
  answer(request, response).catch(() => response.destroy());
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => {
  const address = server.address() satisfies AddressInfo | string | null;
  const port = typeof address === 'object' ? address?.port : address;
  process.stdout.write(`the scripted model listens at http://127.0.0.1:${port}\n`);
});
process.once('disconnect', () => process.exit());
