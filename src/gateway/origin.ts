/**
 * Which pages may open a socket: those of this server's own host, those of the visitor's own machine,
 * and those that the configuration lists. Without this any page could use a visitor's localhost
 * (cross-site WebSocket hijacking; browsers send Origin but do not enforce it).
 */
import { isLoopback } from '../loopback.ts';

/**
 * True without an `Origin`: then it is no browser. `host` is the request's Host header; on a loopback listener it
 * proves nothing, since a foreign name can be made to point at the visitor's own machine (DNS rebinding).
 */
export function isAllowedOrigin(origin: string | undefined, host: string | undefined, { allowed, onLoopback }: { allowed: readonly string[]; onLoopback: boolean }): boolean {
  if (origin === undefined || allowed.includes(origin) || allowed.includes('*')) return true;
  if (!URL.canParse(origin)) return false;
  const page = new URL(origin);
  return isLoopback(page.hostname) || (!onLoopback && page.host === host);
}
