/**
 * Implements the SDK's OAuthClientProvider for one authorization attempt at one server. Tokens and registrations go to
 * the server's credentials. State, PKCE verifier and the discovered authorization server belong to this attempt alone.
 */
import { randomBytes } from 'node:crypto';
import type { OAuthClientProvider, OAuthDiscoveryState } from '@modelcontextprotocol/client';
import type { ServerCredentials } from './credentials.ts';
import { RenewalFailed } from './renewal.ts';
import { resourceOf } from './resource-indicator.ts';
import type { OAuthSettings } from '../config/oauth-settings.ts';

/** One attempt. It ends with the exchange of its code. */
export interface Attempt {
  readonly provider: OAuthClientProvider;
  /** The OAuth `state` by which the redirect is assigned to this attempt. */
  readonly state: string;
  /** The page that a person has to open. Null if none. */
  authorizeUrl(): URL | null;
  /** Call it if the authorization server is away. The attempt then asks no person, and its provider throws RenewalFailed. */
  noteAway(why: string): void;
  /** Why the authorization server was away in the last step. Null if it was not. */
  away(): string | null;
  /** The `iss` of a redirect as the SDK compares it. */
  issuerOf(iss: string): string;
  /** Call it after the redirect. The code is then exchanged at the authorization server of the first step. */
  beginExchange(): void;
}

/** What an attempt is made from. */
export interface AttemptOptions {
  credentials: ServerCredentials;
  settings: OAuthSettings;
  redirectUrl: string;
  /** URL of Parley's client metadata document (CIMD). Null if none. */
  clientMetadataUrl: string | null;
}

/** Creates an attempt with a new `state` of 32 random bytes. */
export function createAttempt({ credentials, settings, redirectUrl, clientMetadataUrl }: AttemptOptions): Attempt {
  const state = randomBytes(32).toString('base64url');
  let address: URL | null = null;
  let verifier = '';
  let discovery: OAuthDiscoveryState | undefined;
  let isExchange = false;
  let away: string | null = null;

  const clientInformation: OAuthClientProvider['clientInformation'] = () => {
    const { client, tokens, redirectUrl: registered } = credentials.get();
    // A client registered by hand belongs to one authorization server: once it has issued tokens, no other gets the secret.
    if (settings.client !== null) return { ...settings.client, issuer: tokens?.issuer };
    // The authorization server would reject a client that was registered with another redirect URL.
    return registered === redirectUrl ? client : undefined;
  };

  const provider: OAuthClientProvider = {
    redirectUrl,
    clientMetadata: {
      client_name: 'Parley',
      redirect_uris: [redirectUrl],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      ...(settings.scope === null ? {} : { scope: settings.scope }),
    },
    ...(clientMetadataUrl === null ? {} : { clientMetadataUrl }),
    state: () => state,
    clientInformation,
    ...(settings.client === null
      ? { saveClientInformation: (client) => credentials.save({ client, redirectUrl }) }
      : {}),
    tokens: () => credentials.get().tokens,
    async saveTokens(tokens) {
      const asked = address?.searchParams.get('scope');
      // Many authorization servers rotate refresh tokens. Others send none: the old one then stays valid.
      const refreshToken =
        tokens.refresh_token ?? (address === null ? credentials.get().tokens?.refresh_token : undefined);
      await credentials.save({
        tokens: { ...tokens, refresh_token: refreshToken },
        ...(asked ? { scope: asked } : {}),
      });
    },
    // A refresh asks for the scope of the grant. Without it some servers refuse (Microsoft Entra ID: AADSTS90009).
    scopeForRefresh: ({ scope }) => scope ?? credentials.get().scope,
    // oxlint-disable-next-line require-await -- the SDK wants a promise
    validateResourceURL: async (serverUrl, stated) => resourceOf(serverUrl, stated),
    redirectToAuthorization(url) {
      // The SDK also comes here after a refresh that failed.
      if (away !== null) throw awayFailure(away);
      address = url;
    },
    saveCodeVerifier(codeVerifier) {
      verifier = codeVerifier;
    },
    codeVerifier: () => verifier,
    saveDiscoveryState(found) {
      discovery = found;
    },
    // Not a cache: each first step runs discovery again, because a server may have moved to another authorization server.
    discoveryState: () => (isExchange ? discovery : undefined),
    async invalidateCredentials(scope) {
      if (scope === 'all' || scope === 'client') await credentials.save({ client: undefined, redirectUrl: undefined });
      if (scope === 'all' || scope === 'tokens') await credentials.save({ tokens: undefined });
    },
  };

  return {
    provider,
    state,
    authorizeUrl: () => address,
    noteAway(why) {
      away = why;
    },
    away: () => away,
    issuerOf(iss) {
      const metadata = discovery?.authorizationServerMetadata;
      // RFC 9207 wants an exact match. Servers that do not announce it vary in the slash at the end.
      if (metadata === undefined || metadata.authorization_response_iss_parameter_supported === true) return iss;
      return withoutSlash(iss) === withoutSlash(metadata.issuer) ? metadata.issuer : iss;
    },
    beginExchange() {
      isExchange = true;
      away = null;
    },
  };
}

/** The failure of a renewal that may succeed later. `why` follows "which". */
export function awayFailure(why: string): RenewalFailed {
  return new RenewalFailed(`waits for its authorization server, which ${why}`);
}

function withoutSlash(text: string): string {
  return text.endsWith('/') ? text.slice(0, -1) : text;
}
