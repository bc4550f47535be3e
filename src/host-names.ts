/**
 * Parses host names and origins: those that requests carry, and the patterns that the configuration lists.
 * Names are compared in the form that URLs give them: lower case, punycode, without a trailing dot.
 */

/** `port` is empty for none and for 80 and 443: a `Host` header does not distinguish these. */
export interface Host {
  hostname: string;
  port: string;
}

/** `*.example.com` (a wildcard) means every name below example.com, at any depth, and not example.com. */
export interface HostPattern {
  wildcard: boolean;
  hostname: string;
  /** Null: every port. */
  port: string | null;
}

/** An origin without a port means the default port of its scheme. */
export interface OriginPattern {
  /** With its colon: `https:`. */
  protocol: string;
  wildcard: boolean;
  hostname: string;
  port: string;
}

/** The page that a request comes from. */
export interface PageOrigin extends Host {
  protocol: string;
}

const HOST = /^(?:\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{0,5})?$/i;
/** Characters that end a host in a URL, or mean something else in it. */
const NO_HOST = /[\s/\\@?#%*]|:$/;
const LABEL = /^[a-z0-9_-]{1,63}$/;
const IPV4 = /^\d+(?:\.\d+){3}$/;
const ORIGIN = /^([a-z][a-z0-9+.-]*):\/\/([^/]+)\/?$/i;
/** No page has an origin of these schemes. */
const NO_PAGES = new Set(['ws:', 'wss:', 'file:']);

/** Parses a `Host` header. Null for text that is not a host: with a path or a user name, a port above 65535, an IPv6 address without brackets. */
export function parseHost(text: string): Host | null {
  const url = `http://${text}`;
  return HOST.test(text) && URL.canParse(url) ? hostOf(new URL(url)) : null;
}

/** Parses an entry of `allowed_hosts`. Null for text that is not a host: a URL, a path, `*` alone. */
export function parseHostPattern(text: string): HostPattern | null {
  const wildcard = text.startsWith('*.');
  const rest = wildcard ? text.slice(2) : text;
  const url = `http://${rest}`;
  if (NO_HOST.test(rest) || !URL.canParse(url)) return null;
  const { hostname, port } = hostOf(new URL(url));
  const isAddress = hostname.startsWith('[') || IPV4.test(hostname);
  if (isAddress ? wildcard : !hostname.split('.').every((label) => LABEL.test(label))) return null;
  return { wildcard, hostname, port: /:\d+$/.test(rest) ? port : null };
}

/** Parses an entry of `allow_origins` other than `*`. Null if no page has such an origin: a path, no scheme, the scheme of a WebSocket. */
export function parseOriginPattern(text: string): OriginPattern | null {
  const [, scheme = '', rest = ''] = ORIGIN.exec(text) ?? [];
  const host = parseHostPattern(rest);
  const protocol = `${scheme.toLowerCase()}:`;
  if (!host || NO_PAGES.has(protocol)) return null;
  const { wildcard } = host;
  const { port } = new URL(`${protocol}//${wildcard ? rest.slice(2) : rest}`);
  return { protocol, wildcard, hostname: host.hostname, port };
}

/** Parses an `Origin` or `Referer` header. Null for `null` and any other value that names no page. */
export function parsePage(text: string): PageOrigin | null {
  if (!URL.canParse(text)) return null;
  const url = new URL(text);
  return { protocol: url.protocol, hostname: url.hostname.toLowerCase().replace(/\.$/, ''), port: url.port };
}

/** True if the pattern allows the host. A pattern without a port allows every port. */
export function matchesHost(pattern: HostPattern, { hostname, port }: Host): boolean {
  return matchesName(pattern, hostname) && (pattern.port === null || pattern.port === port);
}

/** True if the pattern allows the page's origin. Scheme and port must be equal. */
export function matchesOrigin(pattern: OriginPattern, { protocol, hostname, port }: PageOrigin): boolean {
  return protocol === pattern.protocol && port === pattern.port && matchesName(pattern, hostname);
}

function matchesName(pattern: Pick<HostPattern, 'wildcard' | 'hostname'>, hostname: string): boolean {
  return pattern.wildcard ? hostname.endsWith(`.${pattern.hostname}`) : hostname === pattern.hostname;
}

function hostOf({ hostname, port }: URL): Host {
  return { hostname: hostname.replace(/\.$/, ''), port: port === '443' ? '' : port };
}
