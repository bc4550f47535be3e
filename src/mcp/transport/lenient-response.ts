/**
 * Passes the JSON-RPC messages of an HTTP response through a reader, before the SDK's transport parses them strictly:
 * a JSON body, or the events of a stream. Everything else passes unchanged. It keeps at most one message in memory.
 */
import { createParser } from 'eventsource-parser';
import { parseJson } from '../../json.ts';

/** Returns the response with the messages that `read` returns. */
export function readLeniently(response: Response, read: (received: unknown) => unknown): Response {
  const type = response.headers.get('content-type') ?? '';
  if (response.body === null || !response.ok) return response;
  const { status, statusText, headers } = response;
  const changed = (text: string) => changedText(text, read);
  if (type.includes('text/event-stream'))
    return new Response(response.body.pipeThrough(eventStream(changed)), { status, statusText, headers });
  if (type.includes('application/json'))
    return new Response(response.body.pipeThrough(wholeBody(changed)), { status, statusText, headers });
  return response;
}

function changedText(text: string, read: (received: unknown) => unknown): string {
  const received = parseJson(text);
  if (received === undefined) return text;
  try {
    return JSON.stringify(Array.isArray(received) ? received.map((each: unknown) => read(each)) : read(received));
  } catch {
    // Writing recurses level by level, and overflows the stack on thousands of them.
    return text;
  }
}

function wholeBody(changed: (text: string) => string): TransformStream<Uint8Array, Uint8Array> {
  const chunks: Uint8Array[] = [];
  return new TransformStream({
    transform: (chunk) => void chunks.push(chunk),
    flush: (controller) => controller.enqueue(Buffer.from(changed(Buffer.concat(chunks).toString('utf8')))),
  });
}

function eventStream(changed: (text: string) => string): TransformStream<Uint8Array, Uint8Array> {
  const decoder = new TextDecoder();
  let send: (lines: string) => void = () => undefined;
  const parser = createParser({
    onEvent({ id, event, data }) {
      const lines = changed(data).split('\n');
      send(
        `${event === undefined ? '' : `event: ${event}\n`}${id === undefined ? '' : `id: ${id}\n`}${lines.map((line) => `data: ${line}\n`).join('')}\n`,
      );
    },
    onRetry: (ms) => send(`retry: ${ms}\n\n`),
    // Comments keep the connection alive.
    onComment: (comment) => send(`:${comment}\n\n`),
  });
  return new TransformStream({
    start(controller) {
      send = (lines) => controller.enqueue(Buffer.from(lines));
    },
    transform: (chunk) => parser.feed(decoder.decode(chunk, { stream: true })),
  });
}
