/**
 * Checks every frame that a test reads against the protocol's schemas. An undescribed field, a result of another action
 * or an error code missing in the table fails the test.
 */
import assert from 'node:assert/strict';
import { z } from 'zod';
import { errorCodes, type ErrorEntry } from '../../src/error-codes.ts';
import { frame as frameSchema, type Frame } from '../../src/protocol/frames.ts';
import { resultSchemas } from '../../src/protocol/actions.ts';

export interface FrameCheck {
  /** Records a request that is being sent, so that its result is checked by the schema of its action. */
  recordRequest(text: string): void;
  /** Checks and parses a received frame. Throws with the frame and the violation. */
  check(text: string): Frame;
}

const request = z.object({ action: z.string(), request_id: z.string() });
const answer = z.object({ status: z.literal('result'), request_id: z.string(), result: z.unknown() });
const codes = new Map<string, ErrorEntry>(Object.entries(errorCodes));

/** Makes a check for one socket or for all sockets of one client. A request id must mean the same throughout. */
export function createFrameCheck(): FrameCheck {
  const actions = new Map<string, string>();

  return {
    recordRequest(text) {
      const { data } = request.safeParse(parseJson(text));
      if (data) actions.set(data.request_id, data.action);
    },
    check(text) {
      const json = parseJson(text);
      const { data: answered } = answer.safeParse(json);
      const action = actions.get(answered?.request_id ?? '') ?? '';
      const schema = resultSchemas.get(action);
      // The action's schema comes first because its message is more precise. The frame's schema accepts the result of
      // any action.
      if (schema) fits(schema, answered?.result, `no result of ${action}: ${text}`);
      const frame = fits(frameSchema, json, `no frame of the protocol: ${text}`);
      if (frame.status === 'error') checkFault(frame.error, text);
      return frame;
    },
  };
}

function fits<Shape>(schema: z.ZodType<Shape>, json: unknown, otherwise: string): Shape {
  const read = schema.safeParse(json);
  if (read.success) return read.data;
  return assert.fail(`${otherwise}\n${z.prettifyError(read.error)}`);
}

function checkFault({ code, retryable, data }: Extract<Frame, { status: 'error' }>['error'], text: string): void {
  const entry = codes.get(code);
  assert.ok(entry, `no code of the table: ${text}`);
  assert.equal(retryable, entry.retryable, `not as retryable as the table says: ${text}`);
  for (const key of Object.keys(data))
    assert.ok(
      entry.data?.some((known) => known === key),
      `data.${key} is not in the table: ${text}`,
    );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
