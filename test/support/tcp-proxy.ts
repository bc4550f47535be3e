/**
 * Relays TCP between a client and a server, and fails on command: cuts connections between any two bytes, freezes them,
 * or moves to another server. It does not interpret the bytes.
 */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import type { TestContext } from 'node:test';

export interface TcpProxy {
  /** The target's URL with the proxy's address. */
  readonly url: string;
  /** Connections accepted so far. */
  readonly accepted: number;
  /** Cuts all connections at once. */
  cut(): void;
  /** Cuts each later connection after this number of bytes from the server; null disables it. */
  cutEachAfter(bytes: number | null): void;
  /** While false, the proxy cuts connections as it accepts them. */
  acceptConnections(does: boolean): void;
  /** From now on no bytes pass on the present connections; they stay open. */
  freeze(): void;
  /** Later connections go to this server. */
  retarget(url: string): void;
}

export async function startProxy(test: TestContext, target: string): Promise<TcpProxy> {
  const pairs = new Set<{ near: Socket; far: Socket }>();
  let goal = new URL(target);
  let accepted = 0;
  let admits = true;
  let bytesLeft: number | null = null;

  const server = createServer((near) => {
    near.on('error', () => {});
    if (!admits) {
      near.destroy();
      return;
    }
    accepted += 1;
    let left = bytesLeft ?? Infinity;
    const far = connect(Number(goal.port), goal.hostname);
    const pair = { near, far };
    pairs.add(pair);
    far.on('error', () => near.destroy());
    far.on('data', (data) => {
      near.write(data.subarray(0, left));
      left -= data.length;
      // `end` flushes, unlike `destroy`: exactly these bytes arrive.
      if (left <= 0) near.end(() => near.destroy());
    });
    near.on('data', (data) => far.write(data));
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
    near.on('close', () => pairs.delete(pair));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');

  const cut = () => pairs.forEach(({ near }) => near.destroy());
  test.after(() => {
    cut();
    server.close();
  });
  return {
    get url() {
      return `ws://127.0.0.1:${address.port}${goal.pathname}`;
    },
    get accepted() {
      return accepted;
    },
    cut,
    cutEachAfter(bytes) {
      bytesLeft = bytes;
    },
    acceptConnections(does) {
      admits = does;
    },
    freeze() {
      for (const { near, far } of pairs) {
        near.pause();
        far.pause();
      }
    },
    retarget(url) {
      goal = new URL(url);
    },
  };
}
