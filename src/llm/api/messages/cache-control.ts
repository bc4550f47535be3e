/**
 * Marks the points up to which Anthropic keeps a request in its cache: the tools, the system prompt, and the last two
 * messages of the user, so that the next hop and the next turn find what this one has written.
 * Source: https://platform.claude.com/docs/en/build-with-claude/prompt-caching
 */
import { isObject, type JsonObject } from '../../../json.ts';
import type { RequestBody } from '../../stream/adapted-request.ts';

/** The marker to write. Null, or `never`: no caching. */
export function cacheMarker(stated: unknown): JsonObject | null {
  return isObject(stated) ? stated : null;
}

/** The request with at most four markers, the API's limit. */
export function marked(request: RequestBody, marker: JsonObject | null): RequestBody {
  if (marker === null) return request;
  const { tools, system, messages } = request;
  return {
    ...request,
    ...(Array.isArray(tools) ? { tools: withMarker(tools, marker) } : {}),
    ...(Array.isArray(system) ? { system: withMarker(system, marker) } : {}),
    ...(Array.isArray(messages) ? { messages: markedMessages(messages, marker) } : {}),
  };
}

/** The list with a marker at its last block. */
function withMarker(blocks: readonly unknown[], marker: JsonObject): unknown[] {
  return blocks.map((block, at) =>
    at === blocks.length - 1 && isObject(block) ? { ...block, cache_control: marker } : block,
  );
}

function markedMessages(messages: readonly unknown[], marker: JsonObject): unknown[] {
  const ofUser = messages.flatMap((message, at) => (isObject(message) && message['role'] === 'user' ? [at] : []));
  const places = new Set(ofUser.slice(-2));
  return messages.map((message, at) =>
    places.has(at) && isObject(message) && Array.isArray(message['content'])
      ? { ...message, content: withMarker(message['content'], marker) }
      : message,
  );
}
