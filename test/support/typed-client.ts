/**
 * The client that ships, for tests: quick to come back, closed when the test ends, and with its
 * changes of status written down.
 */
import type { TestContext } from 'node:test';
import { connect, type Client, type ClientOptions } from '../../src/client/client.ts';
import type { ConnectionStatus } from '../../src/client/connection.ts';
import { ParleyError } from '../../src/client/errors.ts';
import type { Chunk } from '../../src/protocol.ts';

export interface WatchedClient extends Client {
  readonly statuses: readonly ConnectionStatus[];
  /** The next change to this status, or the last if it is the present one. */
  until(status: ConnectionStatus['status']): Promise<ConnectionStatus>;
}

export function connectClient(test: TestContext, url: string, options: ClientOptions = {}): WatchedClient {
  const statuses: ConnectionStatus[] = [];
  const watchers = new Set<(status: ConnectionStatus) => void>();
  const client = connect(url, {
    reconnect: { minMs: 5, maxMs: 50 },
    ...options,
    onStatus(status) {
      statuses.push(status);
      for (const watch of watchers) watch(status);
    },
  });
  test.after(client.close);
  return {
    ...client,
    statuses,
    until: (wanted) =>
      new Promise((resolve) => {
        const watch = (status: ConnectionStatus) => {
          if (status.status !== wanted) return;
          watchers.delete(watch);
          resolve(status);
        };
        watchers.add(watch);
        const present = statuses.at(-1);
        if (present) watch(present);
      }),
  };
}

/** Reads a stream to its end. */
export async function readAll<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const read: Item[] = [];
  for await (const item of items) read.push(item);
  return read;
}

/** What is shown of an answer, as a page would do it: text appended, and taken back by `reset`. */
export function shownText(chunks: readonly Chunk[]): string {
  const messages = new Map<string, string>();
  for (const chunk of chunks) {
    if (chunk.type === 'reset') messages.delete(chunk.message_id);
    if (chunk.type === 'text') messages.set(chunk.message_id, (messages.get(chunk.message_id) ?? '') + chunk.data);
  }
  return [...messages.values()].join('');
}

/** For `assert.rejects`: a ParleyError with this code. */
export const withCode = (code: string) => (error: unknown) => error instanceof ParleyError && error.code === code;
