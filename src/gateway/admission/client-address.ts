/**
 * Determines the address by which connections are counted. Behind a reverse proxy all clients have the proxy's address:
 * headers with the client's address are ignored, because every client can send them.
 */
import type { Socket } from 'node:net';

/** Prefix of an IPv4 address at an IPv6 listener. */
const MAPPED = '::ffff:';
const GROUPS = 8;
/** Groups of the network part of an IPv6 address: one customer, often one host, has a whole /64. */
const NETWORK_GROUPS = 4;

/** An IPv4 address unchanged, an IPv6 address as its /64 network. */
export function addressOf({ remoteAddress = '' }: Pick<Socket, 'remoteAddress'>): string {
  const address = remoteAddress.startsWith(MAPPED) ? remoteAddress.slice(MAPPED.length) : remoteAddress;
  if (!address.includes(':')) return address;
  const [before = [], after = []] = address.split('::').map((part) => (part === '' ? [] : part.split(':')));
  const zeros = Array.from({ length: Math.max(0, GROUPS - before.length - after.length) }, () => '0');
  return `${[...before, ...zeros, ...after].slice(0, NETWORK_GROUPS).join(':')}::/64`;
}
