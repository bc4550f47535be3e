/**
 * Limits the reads of the log that clients cause: few at a time for a socket and for a subject, and none while the
 * socket is slow. So responses do not pile up in memory. A read is under way until its response is written.
 */
import { AppError } from '../errors.ts';
import { createFairSemaphore, type FairKey } from './fair-semaphore.ts';

/** Read at each use. */
export interface ReadLimits {
  readonly maxReadsPerSocket: number;
  readonly maxReadsPerSubject: number;
  /** Most reads of one subject that wait. */
  readonly maxWaitingReads: number;
  /** A socket that takes nothing for so long while other reads wait is closed. */
  readonly stallMs: number;
}

/** The socket that gets the response. */
export interface ReadingSocket {
  readonly id: string;
  isSlow(): boolean;
  unsentBytes(): number;
  /** Calls back once, when the socket has drained or closed. */
  whenDrained(callback: () => void): void;
  /** Closes the socket, so that its client reconnects. */
  closeStalled(): void;
}

/** The permits of all clients. */
export interface ReadPermits {
  /**
   * Runs `read`, which reads and sends, when the subject and the socket have a free permit. Subjects, and the sockets of
   * a subject, take turns. Rejects with AppError `overloaded` if too many reads wait, else like `read`.
   */
  run<Result>(subject: string, socket: ReadingSocket, read: () => Promise<Result>): Promise<Result>;
  /** The same for a read without a large response. It does not wait until the socket has drained. */
  lookUp<Result>(subject: string, socket: Pick<ReadingSocket, 'id'>, read: () => Promise<Result>): Promise<Result>;
  /** Grants free permits. Call it when a limit has risen. */
  refresh(): void;
}

/** Creates the permits. `limits` are read at each use. */
export function createReadPermits(limits: ReadLimits): ReadPermits {
  const line = createFairSemaphore({
    most: () => Infinity,
    mostOfLevel: () => [limits.maxReadsPerSubject, limits.maxReadsPerSocket],
  });
  const waiting = new Map<string, number>();
  let lastRead = 0;

  const count = (subject: string, change: number) => {
    const now = (waiting.get(subject) ?? 0) + change;
    if (now > 0) waiting.set(subject, now);
    else waiting.delete(subject);
  };
  /** Resolves when the socket has taken everything, or has closed. One that stalls must not hold up its subject. */
  const drained = async (socket: ReadingSocket) => {
    if (!socket.isSlow()) return;
    let unsent = socket.unsentBytes();
    const timer = setInterval(() => {
      const now = socket.unsentBytes();
      if (now >= unsent && line.queued() > 0) socket.closeStalled();
      unsent = now;
    }, limits.stallMs);
    await new Promise<void>((resolve) => socket.whenDrained(resolve));
    clearInterval(timer);
  };
  const acquire = async (subject: string, place: FairKey) => {
    if ((waiting.get(subject) ?? 0) >= limits.maxWaitingReads)
      throw new AppError('overloaded', 'Too many reads of this subject wait. Send the same request again later.', {
        data: { retry_after_ms: RETRY_MS },
      });
    count(subject, 1);
    await new Promise<void>((resolve) => {
      line.acquire(place, () => {
        count(subject, -1);
        resolve();
      });
    });
  };

  return {
    async run(subject, socket, read) {
      lastRead += 1;
      const place: FairKey = [`read ${subject}`, socket.id, String(lastRead)];
      await acquire(subject, place);
      try {
        await drained(socket);
        return await read();
      } finally {
        void drained(socket).then(() => line.release(place));
      }
    },
    async lookUp(subject, socket, read) {
      lastRead += 1;
      const place: FairKey = [`look up ${subject}`, socket.id, String(lastRead)];
      await acquire(subject, place);
      return read().finally(() => line.release(place));
    },
    refresh: line.grantWaiting,
  };
}

const RETRY_MS = 1000;
