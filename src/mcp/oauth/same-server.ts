/**
 * Recognizes addresses under which a server names itself behind a proxy: with http where clients use https, or with the
 * loopback address on which the proxy reaches it. Pure.
 */
import { isLoopback } from '../../loopback.ts';

/** True if `named` may be the server that was reached at `seen`. Two ports of one machine are two servers. */
export function isSameServer(named: URL, seen: URL): boolean {
  if (named.origin === seen.origin) return true;
  if (isLoopback(named.hostname)) return !isLoopback(seen.hostname) || named.port === seen.port;
  return named.hostname === seen.hostname && named.protocol !== seen.protocol;
}

/**
 * Returns the address at which Parley reaches what a document names: the origin of the document if that is the same
 * server, else `named`. Never changes https to http, except on loopback.
 */
export function asSeen(named: string, document: URL): string {
  const url = URL.parse(named);
  if (url === null || url.origin === document.origin || !isSameServer(url, document)) return named;
  if (document.protocol !== 'https:' && !isLoopback(document.hostname)) return named;
  return new URL(`${url.pathname}${url.search}`, document.origin).href;
}

/** Compares paths. A slash at the end does not count. */
export function pathOf({ pathname }: URL): string {
  return pathname.replace(/(?<!\/)\/+$/, '');
}
