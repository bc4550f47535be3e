/** How many sockets each address or subject has at once, up to a limit. Keeps nothing of those that have none. */
import type { WebSocket } from 'ws';

export interface Tally {
  /** Counts a socket until it closes; false, and not counted, when there are `most` already. */
  enter(key: string, socket: Pick<WebSocket, 'once'>): boolean;
}

/** `most` is read for each socket. */
export function createTally(most: () => number): Tally {
  const counts = new Map<string, number>();
  const add = (key: string, change: number) => {
    const count = (counts.get(key) ?? 0) + change;
    if (count === 0) counts.delete(key);
    else counts.set(key, count);
  };
  return {
    enter(key, socket) {
      if ((counts.get(key) ?? 0) >= most()) return false;
      add(key, 1);
      socket.once('close', () => add(key, -1));
      return true;
    },
  };
}
