/**
 * Authorizes requests to one HTTP server with OAuth 2.1: adds the token to every request, renews it once for all
 * requests that were rejected with it, and runs the step that needs a person. The chart (machines/mcp-server.ts)
 * decides when that step is due. Discovery, PKCE and registration are the SDK's.
 */
import {
  UnauthorizedError,
  auth,
  computeScopeUnion,
  extractWWWAuthenticateParams,
  isStrictScopeSuperset,
} from '@modelcontextprotocol/client';
import type { AuthOptions, FetchLike } from '@modelcontextprotocol/client';
import { createAttempt, type Attempt } from './authorization-attempt.ts';
import { createAuthorizationFetch, type AuthorizationFetchOptions } from './authorization-fetch.ts';
import type { CallbackServer } from './callback-server.ts';
import type { ServerCredentials } from './credentials.ts';
import type { OAuthSettings } from '../config/oauth-settings.ts';

export interface Authorization {
  /** `fetch` with the token. Rejects with the SDK's UnauthorizedError if a person has to sign in; the request then took no effect. */
  fetch: FetchLike;
  /**
   * Resolves when a token is stored. Calls `showUrl` with the page that a person has to open: one of Parley's callback server, which leads to that
   * of the authorization server. Rejects with a reason for
   * people if the authorization was denied or failed, or on abort.
   */
  authorize(showUrl: (url: string) => void, signal: AbortSignal): Promise<void>;
}

export interface AuthorizationOptions extends AuthorizationFetchOptions {
  settings: OAuthSettings;
  credentials: ServerCredentials;
  callbackServer: CallbackServer;
  clientMetadataUrl: string | null;
}

/** The server's challenge (WWW-Authenticate): the scope and metadata that the next authorization needs. */
type Challenge = Pick<AuthOptions, 'scope' | 'resourceMetadataUrl' | 'forceReauthorization'>;

function challengeOf(
  scope: string | undefined,
  resourceMetadataUrl: URL | undefined,
  forceReauthorization: boolean,
): Challenge {
  return {
    forceReauthorization,
    ...(scope === undefined ? {} : { scope }),
    ...(resourceMetadataUrl === undefined ? {} : { resourceMetadataUrl }),
  };
}

function withToken(init: RequestInit | undefined, token: string | undefined): RequestInit {
  const headers = new Headers(init?.headers);
  if (token !== undefined) headers.set('authorization', `Bearer ${token}`);
  return { ...init, headers };
}

export function createAuthorization(options: AuthorizationOptions): Authorization {
  const { serverUrl, settings, credentials, callbackServer, clientMetadataUrl } = options;
  let challenge: Challenge = {};
  let pending: Attempt | null = null;
  let renewing: Promise<void> | null = null;

  const token = () => credentials.get().tokens?.access_token;
  const fetchFn = createAuthorizationFetch(options);

  /** Refreshes the token, or returns an attempt that waits for a person. */
  const begin = async (): Promise<Attempt | null> => {
    const attempt = createAttempt({
      credentials,
      settings,
      clientMetadataUrl,
      redirectUrl: await callbackServer.open(),
    });
    const outcome = await auth(attempt.provider, { serverUrl, fetchFn, ...challenge });
    return outcome === 'AUTHORIZED' ? null : attempt;
  };

  const renew = async () => {
    pending = await begin();
    if (pending !== null) throw new UnauthorizedError('requires authorization');
  };

  /** Reads the challenge of a rejected request. Null if another authorization would change nothing. */
  const challengeIn = (response: Response): Challenge | null => {
    const { scope, resourceMetadataUrl, error } = extractWWWAuthenticateParams(response);
    if (response.status === 401) return challengeOf(scope, resourceMetadataUrl, false);
    if (response.status !== 403 || error !== 'insufficient_scope') return null;
    const { scope: asked, tokens } = credentials.get();
    const wanted = computeScopeUnion(asked, tokens?.scope, scope);
    // Scopes that were requested before and not granted would not be granted now.
    return isStrictScopeSuperset(wanted, computeScopeUnion(asked, tokens?.scope))
      ? challengeOf(wanted, resourceMetadataUrl, true)
      : null;
  };

  return {
    async fetch(url, init) {
      const used = token();
      const response = await fetch(url, withToken(init, used));
      const newChallenge = challengeIn(response);
      if (newChallenge === null) return response;
      await response.body?.cancel();
      // Another request may have renewed the token meanwhile.
      if (token() === used) {
        if (renewing === null) {
          challenge = newChallenge;
          renewing = renew().finally(() => {
            renewing = null;
          });
        }
        await renewing;
      }
      return fetch(url, withToken(init, token()));
    },
    async authorize(showUrl, signal) {
      const attempt = pending ?? (await begin());
      pending = null;
      signal.throwIfAborted();
      const address = attempt?.authorizeUrl();
      if (!attempt || !address) return;
      if (address.protocol !== 'https:' && address.protocol !== 'http:')
        throw new Error('names an authorization page whose address is neither http nor https');
      if (address.username !== '' || address.password !== '')
        throw new Error('names an authorization page with a user name before its host, which hides the host');
      const redirectUrl = await callbackServer.open();
      const params = await callbackServer.waitForRedirect(
        { state: attempt.state, address: address.href, redirectUrl },
        showUrl,
        signal,
      );
      const code = params.get('code');
      // The redirect's error text is untrusted, so it is not shown.
      if (code === null) throw new Error('was not authorized: the sign-in was denied in the browser');
      attempt.beginExchange();
      await auth(attempt.provider, {
        serverUrl,
        fetchFn,
        ...challenge,
        authorizationCode: code,
        ...(params.has('iss') ? { iss: params.get('iss') ?? '' } : {}),
      });
    },
  };
}
