/**
 * Runs the command `inspect`: prints the addresses at which a conversation of the running server can be watched. Asks the
 * server whether this machine may inspect.
 */
import { AppError } from '../errors.ts';
import type { CommandResult } from './output.ts';
import { serverName } from './server-name.ts';

/** The conversation and its server. */
export interface InspectOptions {
  conversationId: string;
  /** From the configuration of the server. */
  host: string;
  port: number;
  /** The token of a viewer. Null for none. */
  token: string | null;
}

const REQUEST_TIMEOUT_MS = 5000;

/** Rejects with AppError if no server answers there, or if it does not allow inspection. */
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
    const body: unknown = await response.json();
    const why = typeof body === 'object' && body !== null && 'error' in body ? String(body.error) : '';
    throw new AppError('unauthorized', `${why} This command takes a token from the environment variable PARLEY_TOKEN.`);
  }
  if (!response.ok)
    throw new AppError(
      'not_found',
      `The server at ${server} does not serve inspection: inspect.enabled is false, or it is not a Parley server.`,
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
