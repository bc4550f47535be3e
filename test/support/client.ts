/**
 * Connects a plain WebSocket client for whole-server tests. It checks every frame against the protocol, records it, and
 * waits for the frames that a test names. A wait that fails reports the last frames received.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { WebSocket, type ClientOptions } from 'ws';
import { createFrameCheck } from './frame-check.ts';

/** A frame as a test reads it, with all fields that the server sent. */
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
  /** All text chunks, concatenated. */
  text: string;
}

export interface Client {
  readonly frames: Received[];
  readonly socket: WebSocket;
  /** Sends any request; returns its id. */
  send(action: string, payload?: object, requestId?: string): string;
  /** Resolves with the first matching frame, received already or later. */
  waitFor(fits: (frame: Received) => boolean, what?: string): Promise<Received>;
  /** Sends a request and resolves with its `result` or `error`. */
  ask(action: string, payload?: object): Promise<Received>;
  /** Sends a chat and resolves with its whole turn. */
  chat(text: string, payload?: object, requestId?: string): Promise<Turn>;
  /** Resolves with the turn of a request that has been sent already. */
  turn(requestId: string): Promise<Turn>;
  close(): Promise<void>;
}

/** A wait for a frame fails after this time. */
const TIMEOUT_MS = 180_000;

/** Options of the handshake; `localAddress` is the client's own IP address. */
export type ConnectOptions = Pick<ClientOptions, 'headers' | 'localAddress'> & { protocols?: string[] };

export async function connect(url: string, { protocols = [], ...options }: ConnectOptions = {}): Promise<Client> {
  const socket = new WebSocket(url, protocols, options);
  const frames: Received[] = [];
  const waiting = new Set<() => void>();
  const check = createFrameCheck();
  socket.on('message', (data) => {
    frames.push(JSON.parse(data.toString()));
    for (const look of waiting) look();
    // This throws in an event handler, so a violation fails the test.
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

/**
 * Connects where the server must reject the client. Returns the frames and the close code. Fails if the server keeps
 * the socket open.
 */
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

/** The text chunks of a turn, concatenated. */
export function textOf(frames: readonly Received[]): string {
  return frames
    .filter((frame) => frame.chunk?.type === 'text')
    .map((frame) => frame.chunk?.data)
    .join('');
}

/** The kinds of frames and chunks in order, with repeats merged. */
export function shapeOf(frames: readonly { status: string; chunk?: { type: string } }[]): string[] {
  const kinds = frames.map((frame) => (frame.status === 'chunk' ? (frame.chunk?.type ?? '') : frame.status));
  return kinds.filter((kind, index) => kind !== kinds[index - 1]);
}
