/** Listens on the configured address, and explains why it cannot. */
import { createServer, type Server } from 'node:http';
import { AppError, codeOf, errorMessage } from '../errors.ts';

/** Where to listen. */
export interface Address {
  /** `localhost` means 127.0.0.1 and ::1, or the one that the machine has. */
  host: string;
  /** 0 selects a free port. */
  port: number;
}

/**
 * Checks that the server can listen on the address, and frees it again. Rejects like `openGateway`. Called before the
 * rest of the start, so that a start that must fail changes nothing.
 */
export async function checkAddress(address: Address): Promise<void> {
  const server = createServer();
  await listenOnFirst(address, (host, port) => listening(server, host, port));
  await new Promise((resolve) => server.close(resolve));
}

/**
 * Listens on the first address of the host that the machine has. `second`: the other one, if it is still to be tried.
 * Rejects with AppError `config_invalid`.
 */
export async function listenOnFirst<Listened>(
  address: Address,
  listen: (host: string, port: number) => Promise<Listened>,
): Promise<{ listened: Listened; second: string | undefined }> {
  const { host, port } = address;
  const [first, second] = host === 'localhost' ? ['127.0.0.1', '::1'] : [host];
  try {
    try {
      return { listened: await listen(first, port), second };
    } catch (error) {
      if (second === undefined || !isMissing(error)) throw error;
      return { listened: await listen(second, port), second: undefined };
    }
  } catch (error) {
    throw listenError(error, address);
  }
}

/** Resolves when the server listens. */
export function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
}

/** This machine does not have the address, or not its family. */
function isMissing(error: unknown): boolean {
  return ['EADDRNOTAVAIL', 'EAFNOSUPPORT'].includes(codeOf(error));
}

/** The error for people. */
export function listenError(error: unknown, { host, port }: Address): AppError {
  const reasons: Record<string, string> = {
    EADDRINUSE: `Port ${port} on ${host} is taken by another program. Stop that one, or choose another with --port or chat.websocket.port.`,
    EACCES: `This user may not listen on port ${port}. Choose one above 1023 with --port or chat.websocket.port.`,
    EADDRNOTAVAIL: `This machine does not have the address ${host}. Correct chat.websocket.host.`,
    ENOTFOUND: `The host name ${host} cannot be resolved. Correct chat.websocket.host.`,
  };
  return new AppError(
    'config_invalid',
    reasons[codeOf(error)] ??
      `Cannot listen on ${host}:${port}: ${errorMessage(error)}. Correct chat.websocket.host and chat.websocket.port.`,
    {
      cause: error,
    },
  );
}
