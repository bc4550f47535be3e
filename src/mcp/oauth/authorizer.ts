/**
 * What the authorizations of all servers share: the file of credentials and the door that browsers come back to.
 * It joins them with a server's block, and decides nothing.
 */
import { createAuthorization, type Authorization } from './authorization.ts';
import { createCallbackServer } from './callback-server.ts';
import { openCredentials } from './credentials.ts';
import type { ServerBlock } from '../config/server-block.ts';

export interface AuthorizerOptions {
  /** Absolute path. */
  credentialsFile: string;
  /** Of the page that browsers come back to; 0 for any free one. */
  callbackPort: number;
  /** Its address, where a proxy leads there; null for this machine's loopback. */
  callbackUrl: string | null;
  /** Where a document describes Parley as a client; null for none. */
  clientMetadataUrl: string | null;
}

export interface Authorizer {
  /** Null for a server that is not to be authorized at. */
  of(server: ServerBlock): Authorization | null;
  close(): Promise<void>;
}

/** Opens nothing but the file. Throws AppError `config_invalid` when that cannot be used. */
export function createAuthorizer(
  { credentialsFile, callbackPort, callbackUrl, clientMetadataUrl }: AuthorizerOptions,
  limits: { requestTimeoutMs: number; maxMessageBytes: number },
): Authorizer {
  const credentials = openCredentials(credentialsFile);
  const door = createCallbackServer({ port: callbackPort, publicUrl: callbackUrl });
  return {
    of(server) {
      if (server.kind === 'stdio' || server.oauth === null) return null;
      return createAuthorization({
        serverUrl: server.url,
        settings: server.oauth,
        credentials: credentials.of(server.name, server.url),
        callbackServer: door,
        clientMetadataUrl,
        limits,
      });
    },
    close: door.close,
  };
}
