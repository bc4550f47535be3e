/**
 * Decodes the text of a frame into a request, or into the fault to reply with.
 */
import { z } from 'zod';
import type { Fault } from '../../machines/log.ts';
import { fault } from '../errors.ts';
import { isDeeperThan, protoKeyIn } from '../json.ts';
import type { ProtocolLimits } from './action-entry.ts';
import { payloadSchemas, type Request } from './actions.ts';
import { clientId } from './values.ts';

/** A frame that is no valid request: the fault, and the ids if they are readable. */
export interface Undecodable {
  requestId: string | null;
  conversationId: string | undefined;
  fault: Fault;
}

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
  const names = [...schemas.keys()];
  const envelope = z.object({
    action: z.string(),
    request_id: clientId,
    payload: z.record(z.string(), z.unknown()).default({}),
  });

  return (text) => {
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch {
      return {
        requestId: null,
        conversationId: undefined,
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
    const outer = envelope.safeParse(json);
    if (!outer.success) return undecodable(json, invalidRequest(outer.error));
    const { action, request_id: requestId, payload } = outer.data;
    const schema = schemas.get(action);
    if (!schema) {
      return undecodable(
        json,
        fault('unknown_action', `Unknown action "${action.slice(0, 40)}". Use one of: ${names.join(', ')}.`, {
          allowed: names,
        }),
      );
    }
    const parsed = schema.safeParse(payload);
    if (!parsed.success) return undecodable(json, invalidRequest(parsed.error, ['payload']));
    // The compiler cannot pair an action with its payload here. The table does: `schema` is that of `action`.
    return { request: { action, requestId, payload: parsed.data } as Request };
  };
}

/** Adds the ids of request and conversation if they are readable, so that the client can match the error. */
function undecodable(json: unknown, error: Fault): Undecodable {
  const { request_id: requestId, payload } = readableFields.parse(json);
  return { requestId, conversationId: payload.conversation_id, fault: error };
}

function invalidRequest(error: z.ZodError, prefix: string[] = []): Fault {
  const issue = error.issues[0];
  const path = [...prefix, ...(issue?.path ?? [])].join('.') || 'frame';
  return fault('invalid_request', `${path}: ${issue?.message ?? 'invalid value'}.`, { path });
}
