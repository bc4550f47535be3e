/**
 * Recognizes hosts that are always this machine. Decides by the text alone: a name that needs a lookup may resolve to any
 * address, so it is not loopback.
 */
import { isIPv4 } from 'node:net';

/** `host` as a listening address or as URLs write it. `localhost` is loopback because Parley never looks it up. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || (isIPv4(host) && host.startsWith('127.'));
}

/** `hostname` as URLs write it. Names below localhost count too: browsers never look them up (RFC 6761, section 6.3). */
export function isLoopbackName(hostname: string): boolean {
  return isLoopback(hostname) || hostname.endsWith('.localhost');
}
