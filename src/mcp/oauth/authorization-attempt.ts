/**
 * Implements the SDK's OAuthClientProvider for one authorization attempt at one server. Tokens and registrations go to
 * the server's credentials. State, PKCE verifier and the discovered authorization server belong to this attempt alone.
 */
import { randomBytes } from 'node:crypto';
import type { OAuthClientProvider, OAuthDiscoveryState } from '@modelcontextprotocol/client';
import type { ServerCredentials } from './credentials.ts';
import type { OAuthSettings } from '../config/oauth-settings.ts';

export interface Attempt {
  readonly provider: OAuthClientProvider;
  /** The OAuth `state` by which the redirect is assigned to this attempt. */
  readonly state: string;
  /** The page that a person has to open. Null if none. */
  authorizeUrl(): URL | null;
  /** Call it after the redirect. The code is then exchanged at the authorization server of the first step. */
  beginExchange(): void;
}

export interface AttemptOptions {
  credentials: ServerCredentials;
  settings: OAuthSettings;
  redirectUrl: string;
  /** URL of Parley's client metadata document (CIMD). Null if none. */
  clientMetadataUrl: string | null;
}

export function createAttempt({ credentials, settings, redirectUrl, clientMetadataUrl }: AttemptOptions): Attempt {
  const state = randomBytes(32).toString('base64url');
  let address: URL | null = null;
  let verifier = '';
  let discovery: OAuthDiscoveryState | undefined;
  let isExchange = false;

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
    redirectToAuthorization(url) {
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
    beginExchange() {
      isExchange = true;
    },
  };
}
