/**
 * How a client proves who it is: by a token in `Authorization`, or, from browsers, which cannot set
 * headers on a WebSocket, among the subprotocols that it offers. The URL is never looked at: it ends up
 * in histories and in the logs of proxies.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { PROTOCOL, TOKEN_PREFIX } from '../../protocol/subprotocols.ts';

/** How to send one, for those who did not. */
export const HOW_TO_SEND = `Send it as "Authorization: Bearer TOKEN", or from a browser as the subprotocols "${PROTOCOL}" and "${TOKEN_PREFIX}TOKEN".`;

/** What the client sent, unverified; null for nothing. `Authorization` beats a subprotocol. */
export function credentialOf(
  headers: Pick<IncomingHttpHeaders, 'authorization' | 'sec-websocket-protocol'>,
): string | null {
  const [, bearer] = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '') ?? [];
  const offers = (headers['sec-websocket-protocol'] ?? '').split(',').map((offer) => offer.trim());
  return bearer ?? offers.find((offer) => offer.startsWith(TOKEN_PREFIX))?.slice(TOKEN_PREFIX.length) ?? null;
}

/**
 * What the handshake answers: our name, else the first one offered, because browsers give up a socket
 * whose offers were all passed over. Never a token, which the answer would show once more.
 */
export function selectProtocol(offers: ReadonlySet<string>): string | false {
  if (offers.has(PROTOCOL)) return PROTOCOL;
  return [...offers].find((offer) => !offer.startsWith(TOKEN_PREFIX)) ?? false;
}
