/**
 * Limits the size of HTTP responses, so that a server cannot fill the memory. An event stream has no limit as a whole;
 * each of its events has.
 */

/** Returns the response with a body that fails if it, or one of its events, exceeds `maxBytes`. */
export function bounded(response: Response, maxBytes: number): Response {
  if (response.body === null) return response;
  const isStream = response.headers.get('content-type')?.includes('text/event-stream') === true;
  let bytes = 0;
  const count = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      const end = isStream ? endOfEvent(chunk) : null;
      bytes = end === null ? bytes + chunk.byteLength : chunk.byteLength - end;
      if (bytes > maxBytes)
        controller.error(new Error(`${isStream ? 'an event' : 'the response'} has more than ${maxBytes} bytes`));
      else controller.enqueue(chunk);
    },
  });
  const { status, statusText, headers } = response;
  return new Response(response.body.pipeThrough(count), { status, statusText, headers });
}

const LF = 10;
const CR = 13;

/**
 * Returns the end of the last event that ends in this chunk, or null. It misses an empty line across two chunks. The
 * next event then counts as part of the one before, so the limit applies too early, never too late.
 */
function endOfEvent(chunk: Uint8Array): number | null {
  for (let at = chunk.length - 1; at > 0; at -= 1) {
    if (chunk[at] === LF && (chunk[at - 1] === LF || (chunk[at - 1] === CR && chunk[at - 2] === LF))) return at + 1;
    if (chunk[at] === CR && chunk[at - 1] === CR) return at + 1;
  }
  return null;
}
