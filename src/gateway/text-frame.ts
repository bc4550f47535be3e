/**
 * A WebSocket text frame as one piece of bytes (RFC 6455, section 5.2: whole, unmasked, as servers send).
 * `ws` hands the kernel head and payload as two pieces, which costs a third more for each frame of the hot
 * path. Only for sockets without compression, where `ws` itself keeps nothing back that this could overtake.
 */

/** FIN and the opcode of text. */
const wholeText = 0x81;
/** Lengths from here on, and from `wideLength` on, are written into 2 and 8 bytes of their own, after these marks. */
const mediumLength = 126;
const wideLength = 65_536;
const mediumMark = 126;
const wideMark = 127;

export function encodeTextFrame(text: string): Buffer {
  const length = Buffer.byteLength(text);
  const headLength = length < mediumLength ? 2 : length < wideLength ? 4 : 10;
  const frame = Buffer.allocUnsafe(headLength + length);
  frame[0] = wholeText;
  switch (headLength) {
    case 2:
      frame[1] = length;
      break;
    case 4:
      frame[1] = mediumMark;
      frame.writeUInt16BE(length, 2);
      break;
    case 10:
      frame[1] = wideMark;
      // No text is so long that it needs the upper half.
      frame.writeUInt32BE(0, 2);
      frame.writeUInt32BE(length, 6);
      break;
  }
  frame.write(text, headLength);
  return frame;
}

/**
 * For a server's frames, which go to all followers of a turn one after another: the same text again is the same
 * bytes, so that many readers who fall behind hold them once.
 */
export function createFrameEncoder(): (text: string) => Buffer {
  let encoded = '';
  let bytes = encodeTextFrame(encoded);
  return (text) => {
    if (text === encoded) return bytes;
    bytes = encodeTextFrame(text);
    encoded = text;
    return bytes;
  };
}
