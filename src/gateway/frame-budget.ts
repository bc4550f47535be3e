/**
 * Limits the frames of a WebSocket by a token bucket. Counts them in the bytes from the network, because `ws` reports
 * whole messages only: a client can send any number of fragments, pings and pongs.
 */
import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import { closeCodes } from '../protocol/close-codes.ts';
import { createTokenBucket, type TokenBucketLimits } from '../scheduling/token-bucket.ts';
import { closeWithTimeout } from './close-socket.ts';

/** A frame counts once more for each further payload of this size. To parse 1 MiB of JSON takes as long as many small frames. */
const BYTES_OF_A_FRAME = 65_536;

/** Closes the socket with 1008 after too many frames, and reads nothing further from it. Call it before `ws` reads. `onExceeded` is called once. */
export function limitFrames(
  socket: Pick<WebSocket, 'close' | 'terminate' | 'once' | 'pause' | 'readyState' | 'OPEN'>,
  wire: Pick<Socket, 'prependListener'>,
  limits: TokenBucketLimits,
  onExceeded: () => void,
): void {
  const scan = createFrameScanner();
  const bucket = createTokenBucket(limits);
  wire.prependListener('data', (chunk: Buffer) => {
    if (socket.readyState !== socket.OPEN) return;
    if (bucket.take(performance.now(), scan(chunk))) return;
    onExceeded();
    closeWithTimeout(socket, closeCodes.abuse.code, 'too many frames: chat.websocket.frames_per_second');
    socket.pause();
  });
}

/** Returns a function that takes the bytes of a connection in order, and returns the frames that begin in them. */
export function createFrameScanner(): (chunk: Uint8Array) => number {
  /** Bytes of the current head, of at most 14. */
  const head: number[] = [];
  /** Bytes of the current payload that are still to come. */
  let payload = 0;

  return (chunk) => {
    let frames = 0;
    for (let at = 0; at < chunk.length;) {
      if (payload > 0) {
        const skipped = Math.min(payload, chunk.length - at);
        payload -= skipped;
        at += skipped;
        continue;
      }
      head.push(chunk[at] ?? 0);
      at += 1;
      if (head.length < 2 || head.length < headLength(head)) continue;
      payload = payloadLength(head);
      frames += 1 + Math.floor(payload / BYTES_OF_A_FRAME);
      head.length = 0;
    }
    return frames;
  };
}

/** RFC 6455, section 5.2: two bytes, the extended length, and the mask. */
function headLength([, second = 0]: readonly number[]): number {
  const length = second & 0x7f;
  return 2 + (length === 126 ? 2 : length === 127 ? 8 : 0) + (second & 0x80 ? 4 : 0);
}

function payloadLength([, second = 0, ...rest]: readonly number[]): number {
  const length = second & 0x7f;
  if (length < 126) return length;
  return rest.slice(0, length === 126 ? 2 : 8).reduce((sum, byte) => sum * 256 + byte, 0);
}
