/**
 * Serializes frames that contain JSON of the log as bytes. To parse and serialize a tool result of 15 MB again would
 * block the main thread for a tenth of a second.
 */
import { randomUUID } from 'node:crypto';

/** A frame as text, or as parts that follow each other. */
export type FrameText = string | readonly (string | Uint8Array)[];

/** Stands for the bytes while a frame is serialized. No client can know it. */
const MARK = randomUUID();
let inserted: Uint8Array[] = [];

/** An object that `serializeFrame` replaces by `bytes`: the JSON of an object in UTF-8. */
export function rawJson(bytes: Uint8Array): Record<string, unknown> {
  return {
    toJSON() {
      inserted.push(bytes);
      return MARK;
    },
  };
}

/** The JSON of a frame. */
export function serializeFrame(frame: object): FrameText {
  inserted = [];
  const text = JSON.stringify(frame);
  const bytes = inserted;
  if (bytes.length === 0) return text;
  inserted = [];
  return text.split(`"${MARK}"`).flatMap((part, index) => {
    const next = bytes[index];
    return next ? [part, next] : [part];
  });
}

/** UTF-16 units of its texts, and bytes of the others. */
export function sizeOf(frame: FrameText): number {
  return typeof frame === 'string' ? frame.length : frame.reduce((sum, part) => sum + part.length, 0);
}
