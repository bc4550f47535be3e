/**
 * Finds sockets whose other end is gone: a ping at an interval, and an end for those that answer
 * nothing in time. Two timers for all sockets together.
 */
import type { WebSocket } from 'ws';

export interface Heartbeat {
  watch(socket: WebSocket): void;
  stop(): void;
}

/**
 * Its timers run from now until `stop`. `sockets` is walked anew at each interval, so pass the live set;
 * `timeoutMs` must not exceed `intervalMs`, or a round would end on the pings of the next.
 */
export function createHeartbeat(sockets: Iterable<WebSocket>, intervalMs: number, timeoutMs: number): Heartbeat {
  const silent = new Set<WebSocket>();
  let deadline: NodeJS.Timeout | undefined;

  const interval = setInterval(() => {
    silent.clear();
    for (const socket of sockets) {
      if (socket.readyState !== socket.OPEN) continue;
      silent.add(socket);
      socket.ping();
    }
    deadline = setTimeout(() => {
      for (const socket of silent) socket.terminate();
      silent.clear();
    }, timeoutMs);
  }, intervalMs);

  return {
    watch(socket) {
      socket.on('pong', () => silent.delete(socket));
      // Whoever sends is alive, even if its pong waits behind a large frame.
      socket.on('message', () => silent.delete(socket));
      socket.on('close', () => silent.delete(socket));
    },
    stop() {
      clearInterval(interval);
      clearTimeout(deadline);
    },
  };
}
