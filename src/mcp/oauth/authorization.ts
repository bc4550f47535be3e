/**
 * Being let in by one HTTP server that asks for OAuth 2.1: puts the token on every request, has it renewed once for
 * all requests that were refused with it, and carries out the step that needs a person. When that step is due,
 * and how often, is decided by machines/mcp-server.ts; discovery, PKCE and registration are the SDK's.
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
  /** `fetch` with the token. Rejects with the SDK's UnauthorizedError when only a person can help; the request then took no effect. */
  fetch: FetchLike;
  /**
   * Resolves when there is a token. `ask` is told the address that a person has to open. Rejects with a reason for
   * people when it was refused, failed, or `signal` aborted.
   */
  authorize(ask: (address: string) => void, signal: AbortSignal): Promise<void>;
}

export interface AuthorizationOptions extends AuthorizationFetchOptions {
  settings: OAuthSettings;
  credentials: ServerCredentials;
  callbackServer: CallbackServer;
  clientMetadataUrl: string | null;
}

/** What a server says it needs, beside being asked by somebody it knows. */
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
  const { serverUrl, settings, credentials: drawer, callbackServer: door, clientMetadataUrl } = options;
  let need: Challenge = {};
  let pending: Attempt | null = null;
  let renewing: Promise<void> | null = null;

  const token = () => drawer.get().tokens?.access_token;
  const fetchFn = createAuthorizationFetch(options);

  /** A token by refreshing, or an attempt that waits for a person. */
  const begin = async (): Promise<Attempt | null> => {
    const attempt = createAttempt({ credentials: drawer, settings, clientMetadataUrl, redirectUrl: await door.open() });
    const outcome = await auth(attempt.provider, { serverUrl, fetchFn, ...need });
    return outcome === 'AUTHORIZED' ? null : attempt;
  };

  const renew = async () => {
    pending = await begin();
    if (pending !== null) throw new UnauthorizedError('asks for authorization');
  };

  /** What is new in a refusal; null when asking again would change nothing. */
  const needOf = (response: Response): Challenge | null => {
    const { scope, resourceMetadataUrl, error } = extractWWWAuthenticateParams(response);
    if (response.status === 401) return challengeOf(scope, resourceMetadataUrl, false);
    if (response.status !== 403 || error !== 'insufficient_scope') return null;
    const { scope: asked, tokens } = drawer.get();
    const wanted = computeScopeUnion(asked, tokens?.scope, scope);
    // What was asked for before and not granted is no use to ask for again.
    return isStrictScopeSuperset(wanted, computeScopeUnion(asked, tokens?.scope))
      ? challengeOf(wanted, resourceMetadataUrl, true)
      : null;
  };

  return {
    async fetch(url, init) {
      const used = token();
      const response = await fetch(url, withToken(init, used));
      const newNeed = needOf(response);
      if (newNeed === null) return response;
      await response.body?.cancel();
      // Another request may have been refused with the same token, and have had it renewed since.
      if (token() === used) {
        if (renewing === null) {
          need = newNeed;
          renewing = renew().finally(() => {
            renewing = null;
          });
        }
        await renewing;
      }
      return fetch(url, withToken(init, token()));
    },
    async authorize(ask, signal) {
      const attempt = pending ?? (await begin());
      pending = null;
      signal.throwIfAborted();
      const address = attempt?.authorizeUrl();
      if (!attempt || !address) return;
      if (address.protocol !== 'https:' && address.protocol !== 'http:')
        throw new Error('names an address for authorization that is no web page');
      ask(address.href);
      const params = await door.waitForRedirect(attempt.state, signal);
      const code = params.get('code');
      // What else the answer says may be anybody's: it is not shown.
      if (code === null) throw new Error('was not authorized: the browser came back with a refusal');
      attempt.beginExchange();
      await auth(attempt.provider, {
        serverUrl,
        fetchFn,
        ...need,
        authorizationCode: code,
        ...(params.has('iss') ? { iss: params.get('iss') ?? '' } : {}),
      });
    },
  };
}
