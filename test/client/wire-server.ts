/**
 * Serves a WebSocket that sends any frames: close codes, faults and broken streams that the real server does not
 * produce on demand.
 */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { TestContext } from 'node:test';
import { WebSocketServer, type WebSocket } from 'ws';

/** A request as received. */
export interface Asked {
  action: string;
  request_id: string;
  payload: Record<string, unknown>;
}

export interface Wire {
  readonly url: string;
  /** All requests of all sockets. */
  readonly asked: readonly Asked[];
  /** Sockets accepted so far. */
  readonly sockets: number;
  /** Closes every socket, as a restarting server does. */
  closeAll(code: number): void;
}

/** `answer` gets each request and a function that sends a frame; `greet` gets each socket. */
export async function startWire(
  test: TestContext,
  {
    answer = () => {},
    greet = () => {},
  }: {
    answer?: (asked: Asked, send: (frame: object) => void, count: number) => void;
    greet?: (socket: WebSocket, count: number, request: IncomingMessage) => void;
  },
): Promise<Wire> {
  const asked: Asked[] = [];
  let sockets = 0;
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  server.on('connection', (socket, request) => {
    sockets += 1;
    greet(socket, sockets, request);
    socket.on('message', (data) => {
      const request: Asked = JSON.parse(data.toString());
      asked.push(request);
      answer(request, (frame) => socket.send(JSON.stringify(frame)), asked.length);
    });
  });
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the wire has no port');
  test.after(() => {
    for (const socket of server.clients) socket.terminate();
    server.close();
  });
  return {
    url: `ws://127.0.0.1:${address.port}`,
    asked,
    get sockets() {
      return sockets;
    },
    closeAll(code) {
      for (const socket of server.clients) socket.close(code);
    },
  };
}
