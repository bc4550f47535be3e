/**
 * Connects the shipped client for tests. It reconnects fast, closes when the test ends, and records its status changes
 * and all frames.
 */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { connect, type Client, type ClientOptions } from '../../src/client/client.ts';
import type { ConnectionStatus, SocketConstructor } from '../../src/client/connection.ts';
import { ParleyError } from '../../src/client/errors.ts';
import { parseFrame } from '../../src/client/frames.ts';
import type { Frame } from '../../src/protocol/frames.ts';
import type { Turn } from '../../src/client/turn.ts';
import type { Chunk } from '../../src/protocol/chunks.ts';
import { createFrameCheck } from './frame-check.ts';
import type { ModelServer } from './model/server.ts';
import { serveScripted, type Parley, type ParleyOptions } from './parley.ts';

export interface RecordedClient extends Client {
  readonly statuses: readonly ConnectionStatus[];
  /** Every frame of all sockets as received, including those that the client ignores. */
  readonly frames: readonly Frame[];
  /** Resolves with the next change to this status, or with the present status if it is this one. */
  whenStatus(status: ConnectionStatus['status']): Promise<ConnectionStatus>;
}

/** Starts a scripted model and a server that uses it, and connects the shipped client. */
export async function startTyped(
  test: TestContext,
  options: Omit<ParleyOptions, 'modelUrl'> = {},
): Promise<{ parley: Parley; model: ModelServer; client: RecordedClient }> {
  const { parley, model } = await serveScripted(test, options);
  return { parley, model, client: connectClient(test, parley.url) };
}

export function connectClient(test: TestContext, url: string, options: ClientOptions = {}): RecordedClient {
  const statuses: ConnectionStatus[] = [];
  const frames: Frame[] = [];
  const watchers = new Set<(status: ConnectionStatus) => void>();
  const check = createFrameCheck();
  // A wire-server.ts has no endpoint and may send invalid frames.
  const isReal = new URL(url).pathname !== '/';
  const Socket: SocketConstructor = options.WebSocket ?? WebSocket;
  class RecordedSocket extends Socket {
    constructor(url: string, protocols: string[]) {
      super(url, protocols);
      this.addEventListener('message', ({ data }) => {
        const frame = parseFrame(String(data));
        if (frame) frames.push(frame);
        if (isReal) check.check(String(data));
      });
    }

    override send(text: string): void {
      check.recordRequest(text);
      super.send(text);
    }
  }
  const client = connect(url, {
    reconnect: { minMs: 5, maxMs: 50 },
    ...options,
    WebSocket: RecordedSocket,
    onStatus(status) {
      statuses.push(status);
      for (const watch of watchers) watch(status);
    },
  });
  test.after(client.close);
  return {
    ...client,
    statuses,
    frames,
    whenStatus: (wanted) =>
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

/** Reads a turn until this text has come, then stops reading. Throws if the turn ends before. */
export async function readUntilText(turn: Turn, text: string): Promise<void> {
  let received = '';
  for await (const chunk of turn) if (chunk.type === 'text' && (received += chunk.data) === text) return;
  throw new Error(`it ended after "${received}"`);
}

/** The text of an answer as a page shows it: chunks appended, removed by `reset`. */
export function shownText(chunks: readonly Chunk[]): string {
  const messages = new Map<string, string>();
  for (const chunk of chunks) {
    if (chunk.type === 'reset') messages.delete(chunk.message_id);
    if (chunk.type === 'text') messages.set(chunk.message_id, (messages.get(chunk.message_id) ?? '') + chunk.data);
  }
  return [...messages.values()].join('');
}

/** The chunks received of a turn so far, also of a turn that fails. */
export const chunksOf = ({ frames }: RecordedClient, { requestId }: Turn): Chunk[] =>
  frames.flatMap((frame) => (frame.status === 'chunk' && frame.request_id === requestId ? [frame.chunk] : []));

/** For `assert.rejects`: a ParleyError with this code. */
export const withCode = (code: string) => (error: unknown) => error instanceof ParleyError && error.code === code;

/** The end of a turn: its last frame, its text, and whether the client marks it as replayed. */
export async function endOf({ frames }: RecordedClient, turn: Turn) {
  const [outcome] = await Promise.allSettled([turn.end]);
  const isEnd = (frame: Frame) => frame.status === 'complete' || frame.status === 'error';
  const frame = frames.filter(isEnd).findLast(({ request_id: requestId }) => requestId === turn.requestId);
  assert.ok(frame, `no end came: ${JSON.stringify(outcome)}`);
  const { replayed } = outcome.status === 'fulfilled' ? outcome.value.metadata : outcome.reason;
  return { frame, text: await turn.text().catch(() => ''), replayed: replayed === true };
}
