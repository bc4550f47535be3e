/** Builds the host and port of the configured server, for commands that connect to it. */
import { isLoopback } from '../loopback.ts';

/** Addresses that mean all addresses of this machine. */
const ANYWHERE = new Set(['0.0.0.0', '::']);

/** `localhost:8000`: how this machine reaches the server that listens there. */
export function serverName(host: string, port: number): string {
  const name = isLoopback(host) || ANYWHERE.has(host) ? 'localhost' : host;
  return `${name.includes(':') ? `[${name}]` : name}:${port}`;
}
