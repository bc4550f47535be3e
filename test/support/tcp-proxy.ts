/**
 * A TCP relay between a client and a server that fails on command: connections torn between any two
 * bytes, a wire that goes dead without a word, a server that moved. Knows nothing of what passes.
 */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import type { TestContext } from 'node:test';

export interface TcpProxy {
  /** The target's URL with the proxy's address. */
  readonly url: string;
  /** Connections accepted so far. */
  readonly accepted: number;
  /** Tears all connections at once. */
  cut(): void;
  /** Tears each connection to come after so many bytes from the server; null: none. */
  cutEachAfter(bytes: number | null): void;
  /** While false, connections are torn as they are accepted. */
  acceptConnections(does: boolean): void;
  /** From now on nothing passes on the connections there are; they stay open. */
  freeze(): void;
  /** Connections to come lead to this server. */
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
      // Flushed by `end`, unlike `destroy`: exactly these bytes arrive.
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
