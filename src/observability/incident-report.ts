/**
 * Counts and logs what a client did wrong: sockets that the server closed, and requests that got an error. Logs one line a
 * minute for each reason, so that an attack is visible and does not fill the disk.
 */
import type { Fault } from '../../machines/log.ts';

/** Why the server closed a socket that it had accepted. A fixed set, so that the metric stays bounded. */
export type CloseReason =
  | 'frame_rate'
  | 'bad_frames'
  | 'binary_frame'
  | 'broken_frame'
  | 'frame_size'
  | 'unread_data'
  | 'silence'
  | 'token_removed';

/** Called for each incident. */
export interface IncidentReport {
  socketClosed(reason: CloseReason): void;
  frameRefused(code: Fault['code']): void;
}

/** Where incidents go. `nowMs` is for the interval between lines. */
export interface IncidentReportOptions {
  count: IncidentReport;
  log(fields: Record<string, string | number>, message: string): void;
  nowMs(): number;
}

/** Creates the report. `count` gets every incident, `log` only some. */
export function createIncidentReport({ count, log, nowMs }: IncidentReportOptions): IncidentReport {
  const mayLog = createLineLimit(nowMs);
  const line = (reason: string, message: string) => {
    const suppressed = mayLog(`${message} ${reason}`);
    if (suppressed !== null) log({ reason, suppressed }, message);
  };
  return {
    socketClosed(reason) {
      count.socketClosed(reason);
      line(reason, 'socket closed');
    },
    frameRefused(code) {
      count.frameRefused(code);
      line(code, 'frame refused');
    },
  };
}

const LOG_INTERVAL_MS = 60_000;

/**
 * Allows one line a minute for each key, which must be one of a few. Returns the number of lines that were suppressed since
 * the previous one; null if this line is suppressed too.
 */
export function createLineLimit(nowMs: () => number): (key: string) => number | null {
  const lines = new Map<string, { atMs: number; suppressed: number }>();
  return (key) => {
    const last = lines.get(key);
    if (last && nowMs() - last.atMs < LOG_INTERVAL_MS) {
      last.suppressed += 1;
      return null;
    }
    lines.set(key, { atMs: nowMs(), suppressed: 0 });
    return last?.suppressed ?? 0;
  };
}
