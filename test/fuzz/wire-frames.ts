/**
 * Writes and reads WebSocket frames byte by byte (RFC 6455, section 5.2): writes valid and invalid ones, and reads as a
 * strict client does. Does not use sockets.
 */
import { Violation } from './violation.ts';

export const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export interface FrameForm {
  fin: boolean;
  /** The three reserved bits, 0 to 7. */
  rsv: number;
  /** 0 to 15. */
  opcode: number;
  masked: boolean;
  /** Length in the head, which may differ from that of the payload. */
  claimedLength: number | bigint;
}

/** Any key will do: the server must treat all keys alike. */
const maskingKey = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);

/** Encodes a whole masked text frame, except for what `form` changes. */
export function encodeFrame(payload: Buffer, form: Partial<FrameForm> = {}): Buffer {
  const { fin = true, rsv = 0, opcode = opcodes.text, masked = true, claimedLength = payload.length } = form;
  const maskBit = masked ? 0x80 : 0;
  const first = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  const head = headFor(first, maskBit, BigInt(claimedLength));
  if (!masked) return Buffer.concat([head, payload]);
  return Buffer.concat([head, maskingKey, payload.map((byte, at) => byte ^ (maskingKey[at % 4] ?? 0))]);
}

function headFor(first: number, maskBit: number, length: bigint): Buffer {
  if (length < 126n) return Buffer.from([first, maskBit | Number(length)]);
  if (length < 65_536n) {
    const head = Buffer.from([first, maskBit | 126, 0, 0]);
    head.writeUInt16BE(Number(length), 2);
    return head;
  }
  const head = Buffer.from([first, maskBit | 127, 0, 0, 0, 0, 0, 0, 0, 0]);
  head.writeBigUInt64BE(length, 2);
  return head;
}

/** Encodes the payload of a close frame. */
export function closePayload(code: number, reason: Buffer = Buffer.alloc(0)): Buffer {
  const payload = Buffer.alloc(2 + reason.length);
  payload.writeUInt16BE(code);
  reason.copy(payload, 2);
  return payload;
}

/**
 * Decodes bytes into whole frames. Throws a Violation for a frame that no server may send. Parley's frames are whole,
 * unmasked and of four kinds.
 */
export function createFrameReader(onFrame: (opcode: number, payload: Buffer) => void): (bytes: Buffer) => void {
  let held: Buffer = Buffer.alloc(0);
  return (bytes) => {
    held = held.length === 0 ? bytes : Buffer.concat([held, bytes]);
    for (let frame = firstFrame(held); frame !== null; frame = firstFrame(held)) {
      held = held.subarray(frame.end);
      onFrame(frame.opcode, frame.payload);
    }
  };
}

const ofServer: readonly number[] = [opcodes.text, opcodes.close, opcodes.ping, opcodes.pong];

/** Returns null until the whole frame is there. */
function firstFrame(bytes: Buffer): { opcode: number; payload: Buffer; end: number } | null {
  const [first, second] = bytes;
  if (first === undefined || second === undefined) return null;
  const opcode = first & 0x0f;
  if ((first & 0xf0) !== 0x80 || second >= 0x80 || !ofServer.includes(opcode))
    throw new Violation(`the server sent a frame that begins with the bytes ${first} and ${second}`);
  const headBytes = second < 126 ? 2 : second === 126 ? 4 : 10;
  if (bytes.length < headBytes) return null;
  const length = second < 126 ? second : second === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  const end = headBytes + length;
  return bytes.length < end ? null : { opcode, payload: bytes.subarray(headBytes, end), end };
}
