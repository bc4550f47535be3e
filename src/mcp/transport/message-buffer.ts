/**
 * Splits the output of a stdio server into JSON-RPC messages, one a line. Lines that are no JSON are skipped: some
 * programs print to stdout. Unlike the SDK's buffer, it lets a reader change a message before it is parsed strictly.
 */
import { parseJSONRPCMessage } from '@modelcontextprotocol/client';
import type { JSONRPCMessage } from '@modelcontextprotocol/client';
import { parseJson } from '../../json.ts';

/** The output of one program that is not read yet. */
export interface MessageBuffer {
  /** Throws if a line without an end is longer than the limit. */
  append(chunk: Buffer): void;
  /** Returns the next message, or null. Throws on JSON that is no JSON-RPC; the line is consumed. */
  next(): JSONRPCMessage | null;
}

const LF = 10;

/** Creates an empty buffer. `append` throws for a line above `maxBytes`. */
export function createMessageBuffer(maxBytes: number, read: (received: unknown) => unknown): MessageBuffer {
  const lines: string[] = [];
  let open: Buffer[] = [];
  let openBytes = 0;

  return {
    append(chunk) {
      let start = 0;
      for (let end = chunk.indexOf(LF); end !== -1; end = chunk.indexOf(LF, start)) {
        if (openBytes + end - start > maxBytes) throw new Error(`a message has more than ${maxBytes} bytes`);
        lines.push(Buffer.concat([...open, chunk.subarray(start, end)]).toString('utf8'));
        open = [];
        openBytes = 0;
        start = end + 1;
      }
      open.push(chunk.subarray(start));
      openBytes += chunk.length - start;
      if (openBytes > maxBytes) throw new Error(`a message has more than ${maxBytes} bytes`);
    },
    next() {
      for (let line = lines.shift(); line !== undefined; line = lines.shift()) {
        const received = parseJson(line);
        if (received !== undefined) return parseJSONRPCMessage(read(received));
      }
      return null;
    },
  };
}
