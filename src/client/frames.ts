/**
 * Frames as they come in: text that is JSON and has what its status promises becomes a typed frame,
 * everything else is nothing. Deeper fields are taken at the server's word: it is the schema's home.
 */
import type { Frame } from '../protocol/frames.ts';

/** Null for what is no frame, and for a status that this client does not know. */
export function parseFrame(text: string): Frame | null {
  try {
    const value: unknown = JSON.parse(text);
    return isFrame(value) ? value : null;
  } catch {
    return null;
  }
}

/** The request a frame belongs to; null for a frame about a conversation or about nothing legible. */
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
