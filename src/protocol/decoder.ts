/**
 * From the text of a frame to a request, or to the fault to answer with. Knows no socket and no conversation.
 */
import { z } from 'zod';
import type { Fault } from '../../machines/log.ts';
import { fault } from '../errors.ts';
import { isDeeperThan, parseJson } from '../json.ts';
import { payloads, type Action, type Payloads, type ProtocolLimits, type Request } from './requests.ts';
import { clientId } from './values.ts';

/** What was wrong, and as much of whom and what it is about as can be read. */
export interface Undecodable {
  requestId: string | null;
  conversationId: string | undefined;
  fault: Fault;
}

export type Decoded = { request: Request } | Undecodable;

/** Of a frame that is otherwise wrong. */
const legible = z
  .object({
    request_id: clientId.nullable().catch(null),
    payload: z.object({ conversation_id: clientId.optional().catch(undefined) }).catch({}),
  })
  .catch({ request_id: null, payload: {} });

/** Makes the decoder of text frames. It never throws: what is wrong comes back as the fault to answer with. */
export function createDecoder(limits: ProtocolLimits): (text: string) => Decoded {
  const table = payloads(limits);
  const envelope = z.object({
    action: z.string(),
    request_id: clientId,
    payload: z.record(z.string(), z.unknown()).default({}),
  });
  const actions = Object.keys(table);

  return (text) => {
    const json = parseJson(text);
    if (json === undefined)
      return {
        requestId: null,
        conversationId: undefined,
        fault: fault('invalid_json', 'The frame is not valid JSON.'),
      };
    // Before any schema: they read values recursively, and thousands of levels would end the process.
    if (isDeeperThan(json, limits.maxDepth)) {
      return refused(
        json,
        fault('invalid_request', `frame: expected at most ${limits.maxDepth} levels of nesting.`, { path: 'frame' }),
      );
    }
    const outer = envelope.safeParse(json);
    if (!outer.success) return refused(json, invalid(outer.error));
    const { action, request_id: requestId, payload } = outer.data;
    switch (action) {
      case 'chat':
      case 'cancel':
      case 'history':
      case 'conversations':
      case 'delete':
      case 'fork':
      case 'subscribe':
      case 'unsubscribe':
      case 'respond':
      case 'tools':
      case 'prompts':
      case 'get_prompt':
      case 'resources':
      case 'read_resource':
      case 'complete_argument':
      case 'ping':
        return decodePayload(table[action], action, requestId, payload, json);
      default:
        return refused(
          json,
          fault('unknown_action', `There is no action "${action.slice(0, 40)}". Use one of: ${actions.join(', ')}.`, {
            allowed: actions,
          }),
        );
    }
  };
}

function decodePayload<Name extends Action>(
  schema: Payloads[Name],
  action: Name,
  requestId: string,
  payload: unknown,
  json: unknown,
): Decoded {
  const parsed = schema.safeParse(payload);
  if (!parsed.success) return refused(json, invalid(parsed.error, ['payload']));
  // The compiler cannot pair a schema with its action across the union; the table above does.
  return { request: { action, requestId, payload: parsed.data } as Request };
}

/** Names the request and the conversation, as far as they can be read, so that the sender can match the error. */
function refused(json: unknown, problem: Fault): Undecodable {
  const { request_id: requestId, payload } = legible.parse(json);
  return { requestId, conversationId: payload.conversation_id, fault: problem };
}

function invalid(error: z.ZodError, prefix: string[] = []): Fault {
  const issue = error.issues[0];
  const path = [...prefix, ...(issue?.path ?? [])].join('.') || 'frame';
  return fault('invalid_request', `${path}: ${issue?.message ?? 'not as expected'}.`, { path });
}
