/**
 * A real WebSocket client for whole-server tests: holds every frame against the protocol, remembers it, and
 * waits for the ones a test names. Waiting fails with what did arrive, so that a broken test tells its story.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { WebSocket, type ClientOptions } from 'ws';
import { createFrameCheck } from './frame-check.ts';

/** A frame as a test reads it: whatever the server sent. */
export interface Received {
  request_id: string | null;
  status: string;
  conversation_id?: string;
  seq?: number;
  chunk?: Record<string, unknown> & { type: string; data?: string };
  metadata?: Record<string, unknown>;
  error?: { code: string; message: string; retryable: boolean; data: Record<string, unknown> };
  result?: Record<string, unknown>;
}

export interface Turn {
  requestId: string;
  frames: Received[];
  /** The last frame: `complete` or `error`. */
  end: Received;
  /** All text chunks put together. */
  text: string;
}

export interface Client {
  readonly frames: Received[];
  readonly socket: WebSocket;
  /** Sends any request; returns its id. */
  send(action: string, payload?: object, requestId?: string): string;
  /** Resolves with the first frame, past or to come, that fits. */
  waitFor(fits: (frame: Received) => boolean, what?: string): Promise<Received>;
  /** Sends a request and resolves with its `result` or `error`. */
  ask(action: string, payload?: object): Promise<Received>;
  /** Sends a chat and resolves with its whole turn. */
  chat(text: string, payload?: object, requestId?: string): Promise<Turn>;
  /** Resolves with the turn of a request that was sent already. */
  turn(requestId: string): Promise<Turn>;
  close(): Promise<void>;
}

/** A test that waits longer than this for a frame has failed. */
const TIMEOUT_MS = 60_000;

/** How a socket presents itself; `localAddress` is where it comes from. */
export type ConnectOptions = Pick<ClientOptions, 'headers' | 'localAddress'> & { protocols?: string[] };

export async function connect(url: string, { protocols = [], ...options }: ConnectOptions = {}): Promise<Client> {
  const socket = new WebSocket(url, protocols, options);
  const frames: Received[] = [];
  const waiting = new Set<() => void>();
  const check = createFrameCheck();
  socket.on('message', (data) => {
    frames.push(JSON.parse(data.toString()));
    for (const look of waiting) look();
    // Nobody catches what this throws, so the test fails.
    check.check(data.toString());
  });
  socket.on('close', () => waiting.forEach((look) => look()));
  await once(socket, 'open');

  const waitFor = (fits: (frame: Received) => boolean, what = 'a frame') =>
    new Promise<Received>((resolve, reject) => {
      const fail = (why: string) =>
        done(() =>
          reject(new Error(`${why} while waiting for ${what}; got ${JSON.stringify(frames.slice(-12), null, 1)}`)),
        );
      const done = (settle: () => void) => {
        clearTimeout(timer);
        waiting.delete(look);
        settle();
      };
      const look = () => {
        const found = frames.find(fits);
        if (found) done(() => resolve(found));
        else if (socket.readyState === socket.CLOSED) fail('the socket closed');
      };
      const timer = setTimeout(() => fail('time ran out'), TIMEOUT_MS);
      waiting.add(look);
      look();
    });

  const client: Client = {
    frames,
    socket,
    send(action, payload = {}, requestId = randomUUID()) {
      const text = JSON.stringify({ action, request_id: requestId, payload });
      check.recordRequest(text);
      socket.send(text);
      return requestId;
    },
    waitFor,
    ask(action, payload = {}) {
      const id = client.send(action, payload);
      return waitFor(
        (frame) => frame.request_id === id && (frame.status === 'result' || frame.status === 'error'),
        `the answer to ${action}`,
      );
    },
    chat: (text, payload = {}, requestId = randomUUID()) =>
      client.turn(client.send('chat', { text, ...payload }, requestId)),
    async turn(requestId) {
      const end = await waitFor(
        (frame) => frame.request_id === requestId && (frame.status === 'complete' || frame.status === 'error'),
        `the end of ${requestId}`,
      );
      const own = frames.filter((frame) => frame.request_id === requestId);
      return { requestId, frames: own, end, text: textOf(own) };
    },
    async close() {
      if (socket.readyState === socket.CLOSED) return;
      socket.close();
      await once(socket, 'close');
    },
  };
  return client;
}

/** A socket that is not let in: what it is told. Fails if the server keeps it. */
export async function rejectedConnection(
  url: string,
  { protocols = [], ...options }: ConnectOptions = {},
): Promise<{ frames: Received[]; code: number; reason: string }> {
  const socket = new WebSocket(url, protocols, options);
  const frames: Received[] = [];
  const check = createFrameCheck();
  socket.on('message', (data) => {
    frames.push(JSON.parse(data.toString()));
    check.check(data.toString());
  });
  const [code, reason] = await once(socket, 'close', { signal: AbortSignal.timeout(TIMEOUT_MS) });
  return { frames, code: Number(code), reason: String(reason) };
}

/** The text that a turn's chunks add up to. */
export function textOf(frames: readonly Received[]): string {
  return frames
    .filter((frame) => frame.chunk?.type === 'text')
    .map((frame) => frame.chunk?.data)
    .join('');
}

/** Kinds of frames and chunks in order, runs of the same kind as one: the shape of a turn. */
export function shapeOf(frames: readonly { status: string; chunk?: { type: string } }[]): string[] {
  const kinds = frames.map((frame) => (frame.status === 'chunk' ? (frame.chunk?.type ?? '') : frame.status));
  return kinds.filter((kind, index) => kind !== kinds[index - 1]);
}
