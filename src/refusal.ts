/** Describes why the server rejects a request or a connection, for the response, the log and the metric. */

/** The label `reason` of the metric `parley_connections_refused_total`. A fixed set, so that the metric and the log stay bounded. */
export type RefusalKind =
  | 'host'
  | 'proxy'
  | 'origin'
  | 'token'
  | 'verification'
  | 'unverified_bytes'
  | 'connection_limit'
  | 'address_limit'
  | 'subject_limit'
  | 'inspection'
  | 'viewer'
  | 'viewer_limit'
  | 'inspected_limit';

/** Why one request or connection is rejected. */
export interface Refusal {
  kind: RefusalKind;
  /** The configuration key that can allow the request. */
  key: string;
  /** HTTP status. */
  status: number;
  /** HTTP body, for people: what happened, why, and which key to set. */
  message: string;
  /** Reason of the WebSocket close. Names the key. `closeReason` cuts it to the size of a close frame. */
  reason: string;
}

/** RFC 6455, section 5.5: a control frame holds 125 bytes; the close code takes two of them. */
const MAX_REASON_BYTES = 123;

/** `text`, cut between two characters to the size of a close frame. */
export function closeReason(text: string): string {
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(MAX_REASON_BYTES));
  return text.slice(0, read);
}

/** Text of a client, for logs and responses: printable ASCII, at most 100 characters. */
export function shown(text: string): string {
  const clean = text.replace(/[^\x20-\x7e]/g, '?');
  return clean.length > 100 ? `${clean.slice(0, 100)}...` : clean;
}
