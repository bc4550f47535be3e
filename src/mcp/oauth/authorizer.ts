/**
 * Creates the authorization of each server. All of them share the file of credentials and the callback server.
 */
import { createAuthorization, type Authorization } from './authorization.ts';
import { createCallbackServer } from './callback-server.ts';
import { openCredentials } from './credentials.ts';
import type { ServerBlock } from '../config/server-block.ts';

/** What all servers share. */
export interface AuthorizerOptions {
  /** Absolute path. */
  credentialsFile: string;
  /** Port of the callback server; 0 for any free port. */
  callbackPort: number;
  /** Public URL of the callback, if a proxy forwards to the port. Null for this machine's loopback. */
  callbackUrl: string | null;
  /** URL of Parley's client metadata document. Null if none. */
  clientMetadataUrl: string | null;
}

/** The authorizations of all servers. */
export interface Authorizer {
  /** Null for a server without OAuth. */
  of(server: ServerBlock): Authorization | null;
  close(): Promise<void>;
}

/** Reads the file and opens no port. Throws AppError `config_invalid` if the file is unusable. */
export function createAuthorizer(
  { credentialsFile, callbackPort, callbackUrl, clientMetadataUrl }: AuthorizerOptions,
  limits: { requestTimeoutMs: number; maxMessageBytes: number },
): Authorizer {
  const credentials = openCredentials(credentialsFile);
  const callbackServer = createCallbackServer({ port: callbackPort, publicUrl: callbackUrl });
  return {
    of(server) {
      if (server.kind === 'stdio' || server.oauth === null) return null;
      return createAuthorization({
        serverUrl: server.url,
        settings: server.oauth,
        credentials: credentials.of(server.name, server.url),
        callbackServer,
        clientMetadataUrl,
        limits,
      });
    },
    close: callbackServer.close,
  };
}
