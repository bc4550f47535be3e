/**
 * Checks where a request comes from, before anything is read of it: by its Host, by signs of a proxy and by its page. A
 * server that requires no token and listens on loopback serves this machine and the hosts that the configuration lists.
 */
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { matchesHost, parseHost, parseHostPattern, parseOriginPattern, type Host } from '../../host-names.ts';
import { isLoopback, isLoopbackName } from '../../loopback.ts';
import { shown, type Refusal } from '../../refusal.ts';
import { isAllowedOrigin, isOfListedHost, type OriginRules } from './origin.ts';
import { proxySign } from './proxy-signs.ts';

/** The rules of the configuration. */
export interface AccessOptions {
  /** The entries of `chat.websocket.allowed_hosts`. Invalid entries allow nothing. */
  allowedHosts: readonly string[];
  /** The entries of `chat.websocket.allow_origins`. */
  allowOrigins: readonly string[];
  tokenRequired: boolean;
  /** The address that the server listens on is loopback. */
  onLoopback: boolean;
}

/** The checks. Each returns null if the request may pass. */
export interface Access {
  /** Checks an HTTP request: null, or why it is rejected. */
  page(request: IncomingMessage): Refusal | null;
  /** Checks a WebSocket of chat. */
  socket(request: IncomingMessage): Refusal | null;
  /** Checks a WebSocket of inspection: the server's own page may use it, pages in `allow_origins` may not. */
  viewer(request: IncomingMessage): Refusal | null;
  /** True for a request from this machine, under one of its own names, not through a proxy and not from another site's page. */
  isLocal(request: IncomingMessage): boolean;
  /**
   * False if a foreign page may have made its own name lead to this server (DNS rebinding): without a token, a browser then
   * takes the server for a part of that page. An IP address, localhost and a listed host are no such names.
   */
  isOwnHost(request: IncomingMessage): boolean;
}

const HOSTS = 'chat.websocket.allowed_hosts';
const ORIGINS = 'chat.websocket.allow_origins';

/** Creates the checks. Patterns of hosts and origins that cannot be parsed match nothing. */
export function createAccess({ allowedHosts, allowOrigins, tokenRequired, onLoopback }: AccessOptions): Access {
  const hosts = allowedHosts.flatMap((entry) => parseHostPattern(entry) ?? []);
  const rules: OriginRules = {
    hosts,
    tokenRequired,
    everyOrigin: allowOrigins.includes('*'),
    origins: allowOrigins.flatMap((entry) => parseOriginPattern(entry) ?? []),
  };
  const viewerRules: OriginRules = { ...rules, everyOrigin: false, origins: [] };
  const localRules: OriginRules = { hosts: [], tokenRequired: false, everyOrigin: false, origins: [] };
  const isForLoopback = onLoopback && !tokenRequired;

  /** A host in `allowed_hosts` may come through a proxy. So may its pages, with any Host that the proxy sends. */
  const fromElsewhere = (request: IncomingMessage): Refusal | null => {
    if (!isForLoopback) return null;
    const host = hostOf(request);
    if (!host) return hostRefusal('The request needs exactly one valid Host header.');
    if (hosts.some((pattern) => matchesHost(pattern, host))) return null;
    if (!isLoopbackName(host.hostname)) return hostRefusal(`The request is for the host ${shown(host.hostname)}.`);
    const { origin } = request.headers;
    const sign = proxySign(request);
    return sign === null || (origin !== undefined && isOfListedHost(origin, rules)) ? null : proxyRefusal(sign);
  };

  const isOwnHost = (request: IncomingMessage): boolean => {
    if (tokenRequired) return true;
    const host = hostOf(request);
    if (host === null) return false;
    const { hostname } = host;
    return (
      isIP(hostname.replace(/^\[|\]$/g, '')) !== 0 ||
      isLoopbackName(hostname) ||
      hosts.some((pattern) => matchesHost(pattern, host))
    );
  };
  return {
    isOwnHost,
    page: (request) =>
      fromElsewhere(request) ?? (isForLoopback && isForeignPage(request, rules) ? originRefusal(request) : null),
    socket: (request) => fromElsewhere(request) ?? foreignSocket(request, rules),
    viewer: (request) => foreignSocket(request, viewerRules) && FOREIGN_VIEWER,
    isLocal(request) {
      const host = hostOf(request);
      const peer = (request.socket.remoteAddress ?? '').replace('::ffff:', '');
      return (
        isLoopback(peer) &&
        host !== null &&
        isLoopbackName(host.hostname) &&
        proxySign(request) === null &&
        !isForeignPage(request, localRules)
      );
    },
  };
}

/** Null without a valid Host header, or with more than one. */
function hostOf({ rawHeaders }: IncomingMessage): Host | null {
  const given = rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === 'host');
  return given.length === 1 ? parseHost(given[0] ?? '') : null;
}

/** A request without Origin is not from a browser: browsers send it with every WebSocket. */
function foreignSocket(request: IncomingMessage, rules: OriginRules): Refusal | null {
  const { origin } = request.headers;
  return origin === undefined || isAllowedOrigin(origin, hostOf(request), rules) ? null : originRefusal(request);
}

/** Browsers send Origin with few HTTP requests. Others have Referer or Sec-Fetch-Site, or neither. */
function isForeignPage(request: IncomingMessage, rules: OriginRules): boolean {
  const { headers } = request;
  if (isLinkFollowed(headers)) return false;
  const page = headers.origin ?? headers.referer;
  if (page !== undefined) return !isAllowedOrigin(page, hostOf(request), rules);
  return headers['sec-fetch-site'] === 'cross-site' && !rules.everyOrigin;
}

/** A person followed a link from another site. That site cannot read the response. */
function isLinkFollowed(headers: IncomingMessage['headers']): boolean {
  return (
    headers['sec-fetch-mode'] === 'navigate' &&
    headers['sec-fetch-dest'] === 'document' &&
    headers['sec-fetch-site'] !== 'same-origin' &&
    headers.origin === undefined
  );
}

const WHY = 'This server requires no token, so it serves only this machine and the hosts in its configuration.';

const FOREIGN_VIEWER: Refusal = {
  kind: 'origin',
  key: HOSTS,
  status: 403,
  message: `Only the server's own page may use inspection. If a proxy serves that page, list its host in ${HOSTS}.`,
  reason: `origin not allowed: only its own page may use inspection; list its host in ${HOSTS}`,
};

function hostRefusal(what: string): Refusal {
  return {
    kind: 'host',
    key: HOSTS,
    status: 421,
    message: `${what} ${WHY} Use localhost, list the host in ${HOSTS}, or set auth.mode to token.`,
    reason: `host not allowed: list it in ${HOSTS}, or set auth.mode to token`,
  };
}

function proxyRefusal(sign: string): Refusal {
  return {
    kind: 'proxy',
    key: HOSTS,
    status: 403,
    message: `The request came through a proxy: ${sign} shows that. ${WHY} Let the proxy forward Host (nginx: proxy_set_header Host $host) and list that host in ${HOSTS}, or set auth.mode to token.`,
    reason: `came through a proxy: forward Host and list it in ${HOSTS}, or set auth.mode to token`,
  };
}

function originRefusal({ headers }: IncomingMessage): Refusal {
  return {
    kind: 'origin',
    key: ORIGINS,
    status: 403,
    message: `Pages of ${pageShown(headers.origin ?? headers.referer)} may not use this server. List the origin in ${ORIGINS}. If it is this server behind a proxy, list its host in ${HOSTS}.`,
    reason: `origin not allowed: list it in ${ORIGINS}, or its host in ${HOSTS}`,
  };
}

/** The host of a page, without path and query, which may contain secrets. */
function pageShown(page: string | undefined): string {
  if (page === undefined) return 'another site';
  return shown(URL.canParse(page) ? new URL(page).host || page.slice(0, 10) : page);
}
