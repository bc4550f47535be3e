/**
 * Parses incoming frames: checks that the text is JSON with the fields that its status requires. Deeper fields are trusted.
 */
import type { Frame } from '../protocol/frames.ts';

/** Null for invalid frames and for an unknown status. */
export function parseFrame(text: string): Frame | null {
  try {
    const value: unknown = JSON.parse(text);
    return isFrame(value) ? value : null;
  } catch {
    return null;
  }
}

/** The request id of a frame. Null if it has none. */
export function requestIdOf(frame: Frame): string | null {
  return 'request_id' in frame ? frame.request_id : null;
}

function isFrame(value: unknown): value is Frame {
  if (!isObject(value)) return false;
  const named = typeof value['conversation_id'] === 'string';
  const asked = typeof value['request_id'] === 'string';
  switch (value['status']) {
    case 'processing':
    case 'complete':
      return named && asked && isObject(value['metadata']);
    case 'chunk':
      return named && isObject(value['chunk']) && typeof value['chunk']['type'] === 'string';
    case 'error':
      return isObject(value['error']) && typeof value['error']['code'] === 'string';
    case 'event':
      return named && typeof value['seq'] === 'number' && isObject(value['event']);
    case 'state':
      return named && isObject(value['state']);
    case 'result':
      return asked && isObject(value['result']);
    case 'deleted':
      return named;
    default:
      return false;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
