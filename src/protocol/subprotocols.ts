/** Names the WebSocket subprotocols of the handshake. Imports nothing, because the client uses it too. */

/** The subprotocol that Parley speaks, and the server selects. */
export const PROTOCOL = 'parley';

/** In front of a token: browsers cannot set headers on a WebSocket, so they offer the token as a subprotocol. */
export const TOKEN_PREFIX = 'parley.token.';
