/**
 * Configures the timeouts of connections that a server of the tests must not meet by chance: the defaults are for a
 * machine that is not busy. A test of one of these timeouts states its own.
 */

/** In seconds: far above any need, also beside other work. */
const PATIENT = 120;

/** `mcp.connection`, without the waits of a start. */
export const patientMcp = { connection_timeout: PATIENT, ping_timeout: PATIENT };

/** `chat.websocket`. */
export const patientSockets = { handshake_timeout: PATIENT, ping_interval: PATIENT, ping_timeout: PATIENT };
