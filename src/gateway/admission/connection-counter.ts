/** Counts the open connections of each address or subject, up to a limit. */

/** Stores nothing for those without connections. */
export interface ConnectionCounter {
  /** Counts a connection until it closes. False if the limit is reached; then it is not counted. */
  countUntilClosed(key: string, connection: Closing): boolean;
}

/** A WebSocket or a TCP socket. */
interface Closing {
  once(event: 'close', listener: () => void): unknown;
}

/** `limit` is called for each connection. */
export function createConnectionCounter(limit: () => number): ConnectionCounter {
  const counts = new Map<string, number>();
  const add = (key: string, change: number) => {
    const count = (counts.get(key) ?? 0) + change;
    if (count === 0) counts.delete(key);
    else counts.set(key, count);
  };
  return {
    countUntilClosed(key, connection) {
      if ((counts.get(key) ?? 0) >= limit()) return false;
      add(key, 1);
      connection.once('close', () => add(key, -1));
      return true;
    },
  };
}
