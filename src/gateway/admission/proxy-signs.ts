/**
 * Finds the signs that a request came through a proxy. Every peer of a loopback listener has a loopback address, so the
 * address cannot distinguish a proxy from a program of this machine. Absence of a sign proves nothing (docs/reference/access.md).
 */
import type { IncomingMessage } from 'node:http';

/** Headers in which proxies and content networks name the client. */
const FORWARDING =
  /^(?:forwarded|via|cdn-loop|cf-ray|cf-visitor|x-forwarded(?:-.+)?|x-original-(?:host|forwarded-for)|x-envoy-external-address|(?:.+-)?(?:client|connecting|real|remote|user|src)-?(?:ip|addr))$/;

/** Headers that nginx sends before those of the client, with the settings and spelling of its documentation for WebSockets. */
const BEFORE_HOST = new Set(['Connection', 'Upgrade']);

/** The first sign, as text that fits "... shows that". Null if none. */
export function proxySign(request: IncomingMessage): string | null {
  const { headers, httpVersion } = request;
  const header = Object.keys(headers).find((name) => FORWARDING.test(name));
  if (header !== undefined) return `the header ${header.slice(0, 40)}`;
  if (httpVersion !== '1.1') return `HTTP/${httpVersion}`;
  if (isUpgrade(headers.connection) && headers.upgrade === undefined)
    return '"Connection: upgrade" without an Upgrade header';
  if (beginsLikeNginx(request.rawHeaders)) return 'a Connection header in front of Host';
  return null;
}

function isUpgrade(connection = ''): boolean {
  return connection.split(',').some((option) => option.trim().toLowerCase() === 'upgrade');
}

/** nginx sends the headers of `proxy_set_header` first, then Host. Clients begin with Host, or with other headers. */
function beginsLikeNginx(rawHeaders: readonly string[]): boolean {
  const names = rawHeaders.filter((_, index) => index % 2 === 0);
  const host = names.indexOf('Host');
  return host > 0 && names.slice(0, host).every((name) => BEFORE_HOST.has(name));
}
