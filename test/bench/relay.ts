/**
 * Runs the baseline: a chat server without any guarantee. A WebSocket in, one fetch of the model's stream, each delta
 * out as a frame. With `--log FILE` the message is stored before `processing` and the answer before `complete`,
 * group-committed. Supports as much of Parley's protocol as the load needs.
 */
import { parseArgs } from 'node:util';
import { createParser } from 'eventsource-parser';
import { WebSocketServer, type WebSocket } from 'ws';
import { openRelayLog } from './relay-log.ts';

interface Asked {
  request_id: string;
  payload: { conversation_id: string; text: string };
}

interface ModelChunk {
  choices: { delta: { content?: string } }[];
}

const { values } = parseArgs({ options: { model: { type: 'string', default: '' }, log: { type: 'string' } } });
const log = values.log === undefined ? null : openRelayLog(values.log);

function ask(text: string): Promise<Response> {
  return fetch(`${values.model}/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer none' },
    body: JSON.stringify({
      model: 'scripted-model',
      messages: [{ role: 'user', content: text }],
      stream: true,
      stream_options: { include_usage: true },
    }),
  });
}

async function turn(socket: WebSocket, { request_id, payload: { conversation_id, text } }: Asked): Promise<void> {
  const send = (frame: object) => socket.send(JSON.stringify({ request_id, conversation_id, ...frame }));
  await log?.append({ conversation: conversation_id, role: 'user', text });
  send({ status: 'processing' });
  let whole = '';
  const parser = createParser({
    onEvent({ data }) {
      if (data === '[DONE]') return;
      const chunk: ModelChunk = JSON.parse(data);
      const delta = chunk.choices[0]?.delta.content;
      if (!delta) return;
      whole += delta;
      send({ status: 'chunk', chunk: { type: 'text', data: delta } });
    },
  });
  const response = await ask(text);
  const decoder = new TextDecoder();
  for await (const bytes of response.body ?? []) parser.feed(decoder.decode(bytes, { stream: true }));
  await log?.append({ conversation: conversation_id, role: 'assistant', text: whole });
  send({ status: 'complete' });
}

const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
server.on('connection', (socket) => {
  socket.on('message', (data) => {
    // The load counts a turn without an end as a failure of the bench.
    turn(socket, JSON.parse(data.toString())).catch((error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
      socket.terminate();
    });
  });
});
server.on('listening', () => {
  const address = server.address();
  process.stdout.write(
    `the relay listens at ws://127.0.0.1:${typeof address === 'object' ? address?.port : address}/\n`,
  );
});
