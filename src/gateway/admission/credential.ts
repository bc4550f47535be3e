/**
 * Reads the token of a client from `Authorization`, or from the offered subprotocols, because browsers cannot set
 * headers on a WebSocket. The URL is never used: browser histories and logs of proxies contain it.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { PROTOCOL, TOKEN_PREFIX } from '../../protocol/subprotocols.ts';

/** Explains how to send a token. */
export const HOW_TO_SEND = `Send it as "Authorization: Bearer TOKEN", or from a browser as the subprotocols "${PROTOCOL}" and "${TOKEN_PREFIX}TOKEN".`;

/** The unverified token; null if none. `Authorization` takes precedence over a subprotocol. */
export function credentialOf(
  headers: Pick<IncomingHttpHeaders, 'authorization' | 'sec-websocket-protocol'>,
): string | null {
  const [, bearer] = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '') ?? [];
  const offers = (headers['sec-websocket-protocol'] ?? '').split(',').map((offer) => offer.trim());
  return bearer ?? offers.find((offer) => offer.startsWith(TOKEN_PREFIX))?.slice(TOKEN_PREFIX.length) ?? null;
}

/**
 * The subprotocol for the handshake's response: `parley`, else the first offer, because browsers close a socket if no
 * offer is selected. Never a token, which the response would expose.
 */
export function selectProtocol(offers: ReadonlySet<string>): string | false {
  if (offers.has(PROTOCOL)) return PROTOCOL;
  return [...offers].find((offer) => !offer.startsWith(TOKEN_PREFIX)) ?? false;
}
