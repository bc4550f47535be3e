/**
 * Detects dead connections: pings all sockets at an interval, and terminates those that send nothing in time. Uses two
 * timers for all sockets.
 */
import type { WebSocket } from 'ws';
import { startPatientTimer, type PatientTimer } from '../patient-timer.ts';

/** The heartbeat of all sockets. */
export interface Heartbeat {
  watch(socket: WebSocket): void;
  /** Applies changed times. The next ping is sent after the new interval. */
  restart(): void;
  stop(): void;
}

/** Read at each use, in ms. */
export interface HeartbeatTimes {
  readonly pingIntervalMs: number;
  readonly pingTimeoutMs: number;
}

/**
 * Its timers run from now until `stop`. `sockets` is read at each interval, so pass the live set. The timeout must not
 * exceed the interval; otherwise the next pings would start before the timeout of the last ones. `onSilence` is called for
 * each socket that is terminated.
 */
export function createHeartbeat(
  sockets: Iterable<WebSocket>,
  times: HeartbeatTimes,
  onSilence: () => void = () => undefined,
): Heartbeat {
  const silent = new Set<WebSocket>();
  let interval: NodeJS.Timeout | undefined;
  let deadline: PatientTimer | undefined;

  const round = () => {
    // The deadline of the last round may still wait for input.
    if (deadline) return;
    silent.clear();
    for (const socket of sockets) {
      if (socket.readyState !== socket.OPEN) continue;
      silent.add(socket);
      socket.ping();
    }
    deadline = startPatientTimer(() => {
      for (const socket of silent) {
        onSilence();
        socket.terminate();
      }
      silent.clear();
      deadline = undefined;
    }, times.pingTimeoutMs);
  };
  const stop = () => {
    clearInterval(interval);
    deadline?.stop();
    deadline = undefined;
  };
  const restart = () => {
    stop();
    interval = setInterval(round, times.pingIntervalMs);
  };

  restart();

  return {
    watch(socket) {
      socket.on('pong', () => silent.delete(socket));
      // A client that sends is alive, even if its pong waits behind a large frame.
      socket.on('message', () => silent.delete(socket));
      socket.on('close', () => silent.delete(socket));
    },
    restart,
    stop,
  };
}
