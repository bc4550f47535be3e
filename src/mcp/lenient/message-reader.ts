/**
 * Reads JSON-RPC messages of servers leniently, before the SDK's client parses them: the one place below its strict
 * schemas. A result is read by the method of its request. Arguments, the members of structured content and the schemas
 * of tools are data and stay as they are.
 */
import { PROTOCOL_VERSION_META_KEY } from '@modelcontextprotocol/client';
import { isObject, textOf, type JsonObject } from '../../json.ts';
import { writtenOut } from './content-blocks.ts';
import { objectOf, withoutMisfits } from './members.ts';
import { readRequest } from './requests.ts';
import { readResult, type Asked } from './results.ts';

/** The reader of one connection. */
export interface MessageReader {
  /** Remembers the method of a request that is sent. */
  sent(message: unknown): void;
  /**
   * Returns a message that the SDK's schemas accept, if there is one; else the value unchanged. `answers`: the id of the
   * request whose HTTP response has the message, for an error without an id.
   */
  read(received: unknown, answers?: string | number): unknown;
}

/** Requests that were given up may never be answered. */
const MAX_PENDING = 10_000;

interface Pending extends Asked {
  id: string | number;
}

/** JSON-RPC's first code for errors of an implementation. */
const SERVER_ERROR = -32_000;

/** Creates the reader. `report` gets a line for each thing that was changed. */
export function createMessageReader(report: (line: string) => void): MessageReader {
  /** By the id as text: some servers answer a number with a text. */
  const pending = new Map<string, Pending>();

  const take = (id: unknown): Pending | null => {
    const key = String(id);
    const found = pending.get(key) ?? null;
    pending.delete(key);
    return found;
  };

  const readResponse = (received: JsonObject, answers: string | number | undefined): unknown => {
    const stated = received['id'] ?? answers;
    const asked = take(stated);
    const id = asked?.id ?? stated;
    const error = received['error'] ?? null;
    if (error !== null && (received['result'] ?? null) === null)
      return { jsonrpc: '2.0', ...(id === undefined ? {} : { id }), error: readError(error) };
    if (asked === null && !('result' in received)) return received;
    const result = received['result'];
    return { jsonrpc: '2.0', id, result: asked === null ? clean(result) : readResult(asked, result, report) };
  };

  return {
    sent(message) {
      if (!isObject(message) || typeof message['method'] !== 'string') return;
      const id = message['id'];
      if (typeof id !== 'string' && typeof id !== 'number') return;
      const params = objectOf(message['params']);
      const isStateless = objectOf(params['_meta'])[PROTOCOL_VERSION_META_KEY] !== undefined;
      pending.set(String(id), { id, method: message['method'], uri: textOf(params['uri']) ?? '', isStateless });
      const [oldest] = pending.keys();
      if (pending.size > MAX_PENDING && oldest !== undefined) pending.delete(oldest);
    },
    read(received, answers) {
      if (!isObject(received)) return received;
      if (typeof received['method'] === 'string') return { jsonrpc: '2.0', ...readRequest(received) };
      return readResponse(received, answers);
    },
  };
}

function clean(result: unknown): JsonObject {
  return withoutMisfits(objectOf(result), { _meta: isObject });
}

function readError(error: unknown): JsonObject {
  if (!isObject(error)) return { code: SERVER_ERROR, message: writtenOut(error) };
  const { code, message, data } = error;
  return {
    code: Number.isInteger(Number(code ?? SERVER_ERROR)) ? Number(code ?? SERVER_ERROR) : SERVER_ERROR,
    message: textOf(message) ?? (writtenOut(message) || 'the server gave no reason'),
    ...(data === undefined || data === null ? {} : { data }),
  };
}
