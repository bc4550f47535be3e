/** Tests how the frames of a socket are counted in the bytes from the network. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createFrameScanner } from '../../src/gateway/frame-budget.ts';

/** A masked text frame, as clients send. The mask is zero. */
function frame(length: number): Buffer {
  const head = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10);
  head[0] = 0x81;
  head[1] = 0x80 | (head.length === 2 ? length : head.length === 4 ? 126 : 127);
  if (head.length === 4) head.writeUInt16BE(length, 2);
  if (head.length === 10) head.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([head, Buffer.alloc(4), Buffer.alloc(length, 0x81)]);
}

describe('the frames in a stream', () => {
  const lengths = [0, 1, 125, 126, 65_535, 0, 65_536, 200_000, 5];
  const bytes = Buffer.concat(lengths.map(frame));
  /** 65,536 bytes count twice, 200,000 four times. */
  const expected = lengths.length + 1 + 3;

  for (const step of [1, 2, 3, 7, 1000, 65_536, bytes.length]) {
    it(`are counted once each in chunks of ${step} bytes`, () => {
      const scan = createFrameScanner();
      let counted = 0;
      for (let at = 0; at < bytes.length; at += step) counted += scan(bytes.subarray(at, at + step));
      assert.equal(counted, expected);
    });
  }
});
