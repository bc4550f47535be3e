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

export interface Refusal {
  kind: RefusalKind;
  /** The configuration key that changes it. */
  key: string;
  /** Over HTTP. */
  status: number;
  /** Over HTTP, for people: what happened, why, and which key to set. */
  message: string;
  /** Over WebSocket: the reason of the close. Names the key; `closeReason` cuts it to what a close frame holds. */
  reason: string;
}

/** RFC 6455, section 5.5: a control frame holds 125 bytes, two of which are the close code. */
const MAX_REASON_BYTES = 123;

/** `text`, cut between two characters to what a close frame holds. */
export function closeReason(text: string): string {
  let cut = text;
  while (Buffer.byteLength(cut) > MAX_REASON_BYTES) cut = [...cut].slice(0, -1).join('');
  return cut;
}

/** What a client sent, for logs and answers: printable ASCII, at most 100 characters. */
export function shown(text: string): string {
  const clean = text.replace(/[^\x20-\x7e]/g, '?');
  return clean.length > 100 ? `${clean.slice(0, 100)}...` : clean;
}
