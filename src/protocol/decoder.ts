/**
 * Decodes the text of a frame into a request, or into the fault to reply with.
 */
import { z } from 'zod';
import type { Fault } from '../../machines/log.ts';
import { fault } from '../errors.ts';
import { issuePath, ownWords } from '../explain-issue.ts';
import { isDeeperThan, protoKeyIn } from '../json.ts';
import type { ProtocolLimits } from './action-entry.ts';
import { payloadSchemas, type Request } from './actions.ts';
import { createNullDropper } from './drop-nulls.ts';
import { clientId } from './values.ts';

/** A frame that is no valid request: the fault, and the ids if they are readable. */
export interface Undecodable {
  requestId: string | null;
  conversationId: string | undefined;
  /** True if the frame is no JSON object with an action. False if it is rejected for its content. */
  isUnreadable: boolean;
  fault: Fault;
}

/** A valid request, or why the text is none. */
export type Decoded = { request: Request } | Undecodable;

/** Reads the ids of a frame that is otherwise invalid. */
const readableFields = z
  .object({
    request_id: clientId.nullable().catch(null),
    payload: z.object({ conversation_id: clientId.optional().catch(undefined) }).catch({}),
  })
  .catch({ request_id: null, payload: {} });

/** Creates the decoder of text frames. It never throws: it returns the fault of an invalid frame. */
export function createDecoder(limits: ProtocolLimits): (text: string) => Decoded {
  const schemas = payloadSchemas(limits);
  const droppers = new Map([...schemas].map(([name, schema]) => [name, createNullDropper(schema)]));
  const names = [...schemas.keys()];
  const envelope = z.object({
    action: z.string(),
    request_id: clientId,
    payload: z.record(z.string(), z.unknown()).nullish(),
  });

  return (text) => {
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch {
      return {
        requestId: null,
        conversationId: undefined,
        isUnreadable: true,
        fault: fault('invalid_json', 'The frame is not valid JSON. Send one JSON object in each text frame.'),
      };
    }
    // Before the schemas: they read values recursively, and thousands of levels would crash the process.
    if (isDeeperThan(json, limits.maxDepth)) {
      return undecodable(
        json,
        fault('invalid_request', `frame: expected at most ${limits.maxDepth} levels of nesting.`, { path: 'frame' }),
      );
    }
    const proto = protoKeyIn(json);
    if (proto) {
      const path = proto.join('.');
      return undecodable(
        json,
        fault('invalid_request', `${path}: expected another name, because "__proto__" is reserved.`, { path }),
      );
    }
    const outer = envelope.safeParse(json, ownWords);
    if (!outer.success) return undecodable(json, invalidRequest(outer.error));
    const { action, request_id: requestId } = outer.data;
    const sent = outer.data.payload ?? {};
    const schema = schemas.get(action);
    const dropNulls = droppers.get(action);
    if (!schema || !dropNulls) {
      return undecodable(
        json,
        fault('unknown_action', `Unknown action "${action.slice(0, 40)}". Use one of: ${names.join(', ')}.`, {
          allowed: names,
        }),
      );
    }
    // Few frames have a null, and only these pay for the copy.
    const payload = text.includes('null') ? dropNulls(sent) : sent;
    const parsed = schema.safeParse(payload, ownWords);
    if (!parsed.success) return undecodable(json, invalidRequest(parsed.error, ['payload']));
    // The compiler cannot pair an action with its payload here. The table does: `schema` is that of `action`.
    return { request: { action, requestId, payload: parsed.data } as Request };
  };
}

/** Adds the ids of request and conversation if they are readable, so that the client can match the error. */
function undecodable(json: unknown, error: Fault): Undecodable {
  const { request_id: requestId, payload } = readableFields.parse(json);
  return { requestId, conversationId: payload.conversation_id, isUnreadable: !hasAction(json), fault: error };
}

function hasAction(json: unknown): boolean {
  return typeof json === 'object' && json !== null && 'action' in json && typeof json.action === 'string';
}

function invalidRequest(error: z.ZodError, prefix: string[] = []): Fault {
  const issue = error.issues[0];
  const path = issuePath([...prefix, ...(issue?.path ?? [])]) || 'frame';
  return fault('invalid_request', `${path}: ${issue?.message ?? 'expected another value'}.`, { path });
}
