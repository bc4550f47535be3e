/** Lists the refusals for tokens and limits. */
import type { Refusal, RefusalKind } from '../../refusal.ts';
import { HOW_TO_SEND } from './credential.ts';

/** A limit is reached. The client may reconnect later. */
const limit = (kind: RefusalKind, key: string, what: string): Refusal => ({
  kind,
  key,
  status: 503,
  message: `Rejected: ${what}. Connect again later, or raise ${key}.`,
  reason: `${what}: ${key}`,
});

const token = (message: string, reason: string): Refusal => ({
  kind: 'token',
  key: 'auth.tokens',
  status: 401,
  message,
  reason,
});

/** Each with its HTTP status, its message for the client, and the configuration key that it comes from. */
export const refusals = {
  connections: limit('connection_limit', 'chat.websocket.max_connections', 'too many connections'),
  ofAddress: limit(
    'address_limit',
    'chat.websocket.max_connections_per_address',
    'too many connections from this address',
  ),
  ofSubject: limit(
    'subject_limit',
    'chat.websocket.max_connections_per_subject',
    'too many connections of this subject',
  ),
  viewers: limit('viewer_limit', 'inspect.max_viewers', 'too many viewers'),
  inspected: limit('inspected_limit', 'inspect.max_conversations', 'too many conversations are inspected'),
  unverifiedBytes: {
    kind: 'unverified_bytes',
    key: 'auth.max_unverified_bytes',
    status: 403,
    message:
      'The client sent too much before the token was checked. Wait for the first frame, or raise auth.max_unverified_bytes.',
    reason: 'too much data before the token was checked: auth.max_unverified_bytes',
  },
  unverifiable: {
    kind: 'verification',
    key: 'auth.verification_timeout',
    status: 503,
    message: 'The token could not be checked. Connect again later.',
    reason: 'the token could not be checked; reconnect later',
  },
  noToken: token(
    `This server requires a token. ${HOW_TO_SEND}`,
    'unauthorized: send a token in Authorization or as a subprotocol',
  ),
  unknownToken: token(
    'The token is unknown. Ask the operator of this server for a valid one.',
    'unauthorized: the token is unknown; send a valid one',
  ),
} as const satisfies Record<string, Refusal>;
