/**
 * Whose connections are counted together. Behind a reverse proxy everybody has the proxy's address:
 * headers that tell another one are not believed, since anybody can send them.
 */
import type { Socket } from 'node:net';

/** A mapped IPv4 address is an IPv4 address that came to an IPv6 listener. */
const MAPPED = '::ffff:';
const GROUPS = 8;
/** Of an IPv6 address, the part that a network gives away whole: a /64 is one customer's, often one host's. */
const NETWORK_GROUPS = 4;

/** An IPv4 address as it is, an IPv6 address by its /64. */
export function addressOf({ remoteAddress = '' }: Pick<Socket, 'remoteAddress'>): string {
  const address = remoteAddress.startsWith(MAPPED) ? remoteAddress.slice(MAPPED.length) : remoteAddress;
  if (!address.includes(':')) return address;
  const [before = [], after = []] = address.split('::').map((part) => (part === '' ? [] : part.split(':')));
  const zeros = Array.from({ length: Math.max(0, GROUPS - before.length - after.length) }, () => '0');
  return `${[...before, ...zeros, ...after].slice(0, NETWORK_GROUPS).join(':')}::/64`;
}
