/**
 * One try to be authorized at one server, as the SDK drives it (its OAuthClientProvider): what must last goes to the
 * server's drawer of credentials, what belongs to this try alone (state, PKCE verifier, the authorization server
 * that was found) stays here and is never used by another.
 */
import { randomBytes } from 'node:crypto';
import type { OAuthClientProvider, OAuthDiscoveryState } from '@modelcontextprotocol/client';
import type { ServerCredentials } from './credentials.ts';
import type { OAuthSettings } from '../config/oauth-settings.ts';

export interface Attempt {
  readonly provider: OAuthClientProvider;
  /** Comes back with the answer that belongs to this attempt. */
  readonly state: string;
  /** Where a person is to go; null while nobody needs to. */
  authorizeUrl(): URL | null;
  /** From here on it is the answer's leg: what it brings is redeemed where the first leg has sent the browser. */
  beginExchange(): void;
}

export interface AttemptOptions {
  credentials: ServerCredentials;
  settings: OAuthSettings;
  redirectUrl: string;
  /** Where a document describes Parley as a client (CIMD); null for none. */
  clientMetadataUrl: string | null;
}

export function createAttempt({
  credentials: drawer,
  settings,
  redirectUrl,
  clientMetadataUrl,
}: AttemptOptions): Attempt {
  const state = randomBytes(32).toString('base64url');
  let address: URL | null = null;
  let verifier = '';
  let discovery: OAuthDiscoveryState | undefined;
  let isReturn = false;

  const clientInformation: OAuthClientProvider['clientInformation'] = () => {
    const { client, tokens, redirectUrl: registered } = drawer.get();
    // Issued by hand for one authorization server: once it has given tokens, no other one sees the secret.
    if (settings.client !== null) return { ...settings.client, issuer: tokens?.issuer };
    // A client that was registered with another address to come back to would be refused.
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
    ...(settings.client === null ? { saveClientInformation: (client) => drawer.save({ client, redirectUrl }) } : {}),
    tokens: () => drawer.get().tokens,
    async saveTokens(tokens) {
      const asked = address?.searchParams.get('scope');
      // Many authorization servers rotate refresh tokens, others send none along: the old one then stays good.
      const refreshToken = tokens.refresh_token ?? (address === null ? drawer.get().tokens?.refresh_token : undefined);
      await drawer.save({ tokens: { ...tokens, refresh_token: refreshToken }, ...(asked ? { scope: asked } : {}) });
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
    // Not a cache: a server may have moved to another authorization server, and each first leg looks anew.
    discoveryState: () => (isReturn ? discovery : undefined),
    async invalidateCredentials(scope) {
      if (scope === 'all' || scope === 'client') await drawer.save({ client: undefined, redirectUrl: undefined });
      if (scope === 'all' || scope === 'tokens') await drawer.save({ tokens: undefined });
    },
  };

  return {
    provider,
    state,
    authorizeUrl: () => address,
    beginExchange() {
      isReturn = true;
    },
  };
}
