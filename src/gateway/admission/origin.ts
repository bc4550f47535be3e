/**
 * Decides which pages may use the server: those of the visitor's own machine, those that the configuration lists, and
 * those of this server's own host where that proves something. Without this any page could use a visitor's localhost
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

export interface OriginRules {
  origins: readonly OriginPattern[];
  /** Every page may: `*` is listed. */
  everyOrigin: boolean;
  hosts: readonly HostPattern[];
  /** Then a page needs more than its origin, and one of the same host is trusted under any name. */
  tokenRequired: boolean;
}

/** `origin` is the value of an `Origin` or a `Referer` header; `host` is the request's, null where it has none. */
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
 * A foreign name can be made to point at this server (DNS rebinding), and its page is then one of the same host. So
 * without a token a name proves nothing, but an address does: it cannot be made to point anywhere else.
 */
function isOwnHost(page: Host, host: Host | null, { tokenRequired }: OriginRules): boolean {
  const isSame = host !== null && page.hostname === host.hostname && page.port === host.port;
  return isSame && (tokenRequired || isIP(page.hostname.replace(/^\[|\]$/g, '')) !== 0);
}
