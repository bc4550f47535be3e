/**
 * Finds sockets whose other end is gone: a ping at an interval, and an end for those that answer
 * nothing in time. Two timers for all sockets together.
 */
import type { WebSocket } from 'ws';

export interface Heartbeat {
  watch(socket: WebSocket): void;
  /** To be called when the times have changed: the next ping comes after the new interval. */
  restart(): void;
  stop(): void;
}

export interface HeartbeatTimes {
  readonly pingIntervalMs: number;
  readonly pingTimeoutMs: number;
}

/**
 * Its timers run from now until `stop`. `sockets` is walked anew at each interval, so pass the live set;
 * the timeout must not exceed the interval, or a round would end on the pings of the next.
 */
export function createHeartbeat(sockets: Iterable<WebSocket>, times: HeartbeatTimes): Heartbeat {
  const silent = new Set<WebSocket>();
  let interval: NodeJS.Timeout | undefined;
  let deadline: NodeJS.Timeout | undefined;

  const round = () => {
    silent.clear();
    for (const socket of sockets) {
      if (socket.readyState !== socket.OPEN) continue;
      silent.add(socket);
      socket.ping();
    }
    deadline = setTimeout(() => {
      for (const socket of silent) socket.terminate();
      silent.clear();
    }, times.pingTimeoutMs);
  };
  const stop = () => {
    clearInterval(interval);
    clearTimeout(deadline);
  };
  const restart = () => {
    stop();
    interval = setInterval(round, times.pingIntervalMs);
  };

  restart();

  return {
    watch(socket) {
      socket.on('pong', () => silent.delete(socket));
      // Whoever sends is alive, even if its pong waits behind a large frame.
      socket.on('message', () => silent.delete(socket));
      socket.on('close', () => silent.delete(socket));
    },
    restart,
    stop,
  };
}
