/**
 * Answers over HTTP, held to a size: a server that sends more than a message may weigh gets its answer cut off, and
 * memory stays what it was. A stream of events may last for ever; each of its events may not.
 */

/** The same answer, which fails when it, or one of its events, has more than `maxBytes`. */
export function bounded(response: Response, maxBytes: number): Response {
  if (response.body === null) return response;
  const isStream = response.headers.get('content-type')?.includes('text/event-stream') === true;
  let bytes = 0;
  const count = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      const end = isStream ? endOfEvent(chunk) : null;
      bytes = end === null ? bytes + chunk.byteLength : chunk.byteLength - end;
      if (bytes > maxBytes)
        controller.error(new Error(`${isStream ? 'an event' : 'the answer'} has more than ${maxBytes} bytes`));
      else controller.enqueue(chunk);
    },
  });
  const { status, statusText, headers } = response;
  return new Response(response.body.pipeThrough(count), { status, statusText, headers });
}

const LF = 10;
const CR = 13;

/**
 * Where the last event that ends in this chunk does, or null. An empty line that lies across two chunks is missed: what
 * follows then counts to the event before, so the bound is met early, never late.
 */
function endOfEvent(chunk: Uint8Array): number | null {
  for (let at = chunk.length - 1; at > 0; at -= 1) {
    if (chunk[at] === LF && (chunk[at - 1] === LF || (chunk[at - 1] === CR && chunk[at - 2] === LF))) return at + 1;
    if (chunk[at] === CR && chunk[at - 1] === CR) return at + 1;
  }
  return null;
}
