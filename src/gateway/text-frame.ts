/**
 * Encodes a WebSocket text frame as one buffer (RFC 6455, section 5.2: not fragmented, unmasked, as servers send). `ws`
 * writes head and payload separately, which costs a third more for each frame of the hot path. Only for sockets without
 * compression: there `ws` holds back no frame that this one could overtake.
 */

/** FIN and the opcode of text. */
const wholeText = 0x81;
/** Lengths from `mediumLength` take 2 extra bytes, lengths from `wideLength` 8. The marks announce them. */
const mediumLength = 126;
const wideLength = 65_536;
const mediumMark = 126;
const wideMark = 127;

/** Returns head and payload in a new buffer. */
export function encodeTextFrame(text: string): Buffer {
  const length = Buffer.byteLength(text);
  const headLength = headLengthOf(length);
  const frame = writeHead(Buffer.allocUnsafe(headLength + length), length);
  frame.write(text, headLength);
  return frame;
}

/** Encodes a frame whose text is in parts. Does not copy the parts that are bytes, which must be UTF-8. */
export function encodeParts(parts: readonly (string | Uint8Array)[]): Uint8Array[] {
  const bytes = parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part));
  const length = bytes.reduce((sum, each) => sum + each.length, 0);
  return [writeHead(Buffer.allocUnsafe(headLengthOf(length)), length), ...bytes];
}

function headLengthOf(length: number): 2 | 4 | 10 {
  return length < mediumLength ? 2 : length < wideLength ? 4 : 10;
}

/** Writes the head of a frame with `length` bytes of text at the start of `frame`. */
function writeHead(frame: Buffer, length: number): Buffer {
  frame[0] = wholeText;
  switch (headLengthOf(length)) {
    case 2:
      frame[1] = length;
      break;
    case 4:
      frame[1] = mediumMark;
      frame.writeUInt16BE(length, 2);
      break;
    case 10:
      frame[1] = wideMark;
      // No text is long enough for the upper half.
      frame.writeUInt32BE(0, 2);
      frame.writeUInt32BE(length, 6);
      break;
  }
  return frame;
}

/**
 * Creates an encoder that returns the same buffer for the same text in a row. A frame goes to all subscribers of a turn
 * one after another, so many slow readers share one buffer.
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
