/**
 * Decides which pages may use the server: pages of the user's own machine, those in the configuration, and those of
 * this server's host if that proves something. Otherwise any page could use a server on the user's localhost
 * (cross-site WebSocket hijacking; browsers send Origin but do not enforce it).
 */
import { isIP } from 'node:net';
import {
  matchesHost,
  matchesOrigin,
  parsePage,
  type Host,
  type HostPattern,
  type OriginPattern,
} from '../../host-names.ts';
import { isLoopbackName } from '../../loopback.ts';

/** Which pages may use the server. */
export interface OriginRules {
  origins: readonly OriginPattern[];
  /** All pages are allowed: `*` is listed. */
  everyOrigin: boolean;
  hosts: readonly HostPattern[];
  /** If a token is required, the origin alone gives no access, so a page of the same host is trusted under any name. */
  tokenRequired: boolean;
}

/** `origin` is the value of an `Origin` or a `Referer` header; `host` is the request's, null if none. */
export function isAllowedOrigin(origin: string, host: Host | null, rules: OriginRules): boolean {
  if (rules.everyOrigin) return true;
  const page = parsePage(origin);
  if (!page) return false;
  return (
    rules.origins.some((pattern) => matchesOrigin(pattern, page)) ||
    (isWeb(page.protocol) &&
      (isLoopbackName(page.hostname) || isListedHost(page, rules.hosts) || isOwnHost(page, host, rules)))
  );
}

/** True for a page of a host in `allowed_hosts`. */
export function isOfListedHost(origin: string, { hosts }: Pick<OriginRules, 'hosts'>): boolean {
  const page = parsePage(origin);
  return page !== null && isWeb(page.protocol) && isListedHost(page, hosts);
}

function isWeb(protocol: string): boolean {
  return protocol === 'http:' || protocol === 'https:';
}

function isListedHost({ hostname, port }: Host, hosts: readonly HostPattern[]): boolean {
  return hosts.some((pattern) => matchesHost(pattern, { hostname, port }));
}

/**
 * A foreign name can resolve to this server (DNS rebinding); its page then has the same host. So without a token a name
 * proves nothing. An IP address does, because it cannot be redirected.
 */
function isOwnHost(page: Host, host: Host | null, { tokenRequired }: OriginRules): boolean {
  const isSame = host !== null && page.hostname === host.hostname && page.port === host.port;
  return isSame && (tokenRequired || isIP(page.hostname.replace(/^\[|\]$/g, '')) !== 0);
}
