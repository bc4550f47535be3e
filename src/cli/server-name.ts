/** Names the running server of a configuration, for commands that connect to it. */
import { isLoopback } from '../loopback.ts';

/** Addresses that stand for all of this machine's. */
const ANYWHERE = new Set(['0.0.0.0', '::']);

/** `localhost:8000`: how this machine reaches the server that listens there. */
export function serverName(host: string, port: number): string {
  const name = isLoopback(host) || ANYWHERE.has(host) ? 'localhost' : host;
  return `${name.includes(':') ? `[${name}]` : name}:${port}`;
}
