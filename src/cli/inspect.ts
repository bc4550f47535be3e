/**
 * The command `inspect`: where a conversation of the running server can be watched, by our page and by Stately's
 * inspector. Asks the server whether it lets this machine look; changes nothing there.
 */
import { AppError } from '../errors.ts';
import type { CommandResult } from './output.ts';
import { serverName } from './server-name.ts';

export interface InspectOptions {
  conversationId: string;
  /** Of the configuration; the server's own. */
  host: string;
  port: number;
  /** Of a viewer, where the server asks for one; null for none. */
  token: string | null;
}

const REQUEST_TIMEOUT_MS = 5000;

/** Rejects with AppError when no server answers there, or when it does not let anybody look. */
export async function inspect({ conversationId, host, port, token }: InspectOptions): Promise<CommandResult> {
  const server = `http://${serverName(host, port)}`;
  const query = new URLSearchParams({ search: conversationId });
  const response = await fetch(`${server}/inspect/api/conversations?${query}`, {
    headers: token === null ? {} : { authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
  }).catch((cause: unknown) => {
    throw new AppError(
      'not_found',
      `No server answers at ${server}. Start it with ./run.sh, or name its port with --port.`,
      { cause },
    );
  });
  if (response.status === 401 || response.status === 403) {
    const told: unknown = await response.json();
    const why = typeof told === 'object' && told !== null && 'error' in told ? String(told.error) : '';
    throw new AppError('unauthorized', `${why} This command takes a token from the environment variable PARLEY_TOKEN.`);
  }
  if (!response.ok)
    throw new AppError(
      'not_found',
      `The server at ${server} serves no inspection: inspect.enabled is false there, or it is no Parley.`,
    );
  const hash = new URLSearchParams({ conversation: conversationId });
  return {
    exitCode: 0,
    lines: [
      `Parley's own page:    ${server}/inspect#${hash}`,
      `Stately's inspector:  ${server}/inspect/stately#${hash}`,
      `For programs:         ${server.replace('http', 'ws')}/inspect/events?${hash}`,
    ],
  };
}
