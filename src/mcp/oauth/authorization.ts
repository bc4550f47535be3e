/**
 * Authorizes requests to one HTTP server with OAuth 2.1: adds the token to every request, renews it once for all
 * requests that were rejected with it, and runs the step that needs a person. The chart (machines/mcp-server.ts)
 * decides when that step is due. Discovery, PKCE and registration are the SDK's.
 */
import { setTimeout as pause } from 'node:timers/promises';
import {
  OAuthError,
  UnauthorizedError,
  auth,
  computeScopeUnion,
  extractWWWAuthenticateParams,
  isStrictScopeSuperset,
} from '@modelcontextprotocol/client';
import type { AuthOptions, FetchLike } from '@modelcontextprotocol/client';
import { awayFailure, createAttempt, type Attempt } from './authorization-attempt.ts';
import { createAuthorizationFetch, type AuthorizationFetchOptions } from './authorization-fetch.ts';
import type { CallbackServer } from './callback-server.ts';
import type { ServerCredentials } from './credentials.ts';
import { createLenientFetch, kindOf } from './lenient-answers.ts';
import { RenewalFailed, awayStatus, awayTokens } from './renewal.ts';
import { asSeen } from './same-server.ts';
import type { OAuthSettings } from '../config/oauth-settings.ts';

/** The authorization of one server. It outlives connections. */
export interface Authorization {
  /**
   * `fetch` with the token. Rejects with the SDK's UnauthorizedError if a person has to sign in, and with RenewalFailed if
   * the authorization could not be renewed. The request then took no effect.
   */
  fetch: FetchLike;
  /**
   * Resolves when a token is stored. Calls `showUrl` with the page that a person has to open: one of Parley's callback server, which leads to that
   * of the authorization server. Rejects with a reason for
   * people if the authorization was denied or failed, or on abort.
   */
  authorize(showUrl: (url: string) => void, signal: AbortSignal): Promise<void>;
}

/** What the authorization of one server is made from. */
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

/** Tries of a code, while the authorization server is away. Codes are valid for ten minutes at most (RFC 6749, section 4.1.2). */
const MAX_EXCHANGES = 5;
/** Before the second try; doubled for each further one. */
const EXCHANGE_PAUSE_MS = 1_000;

function withToken(init: RequestInit | undefined, token: string | undefined): RequestInit {
  const headers = new Headers(init?.headers);
  if (token !== undefined) headers.set('authorization', `Bearer ${token}`);
  return { ...init, headers };
}

/**
 * True for a bare 401 to the first request to a server. Some servers without authorization answer so to any request
 * without a session. The handshake that follows shows whether a token is needed.
 */
function isUnchallengedProbe(init: RequestInit | undefined, { status, headers }: Response): boolean {
  const method = new Headers(init?.headers).get('mcp-method');
  return status === 401 && method === 'server/discover' && !headers.has('www-authenticate');
}

/** Creates the authorization of one server. Sends nothing before the server asks for it. */
export function createAuthorization(options: AuthorizationOptions): Authorization {
  const { serverUrl, settings, credentials, callbackServer, clientMetadataUrl } = options;
  let challenge: Challenge = {};
  let pending: Attempt | null = null;
  let renewing: Promise<void> | null = null;

  const token = () => credentials.get().tokens?.access_token;
  const fetchFn = createLenientFetch(createAuthorizationFetch(options), serverUrl);

  /** Notes that the authorization server is away, and rejects then, so that no person is asked. */
  const watched =
    (attempt: Attempt): FetchLike =>
    async (url, init) => {
      const isToken = kindOf(url, init) === 'tokens';
      // Without a grant, the SDK's other ways to find an authorization server may help.
      const waits = isToken || credentials.get().tokens?.refresh_token !== undefined;
      const response = await fetchFn(url, init).catch((error: unknown) => {
        if (waits) attempt.noteAway('cannot be reached');
        throw error;
      });
      const why = isToken ? awayTokens(response.status, await response.clone().text()) : awayStatus(response.status);
      if (why === null || !waits) return response;
      attempt.noteAway(why);
      // The SDK passes on a TypeError, as `fetch` throws it, from every step of the discovery.
      throw new TypeError(`the authorization server ${why}`);
    };

  const runAuth = async (attempt: Attempt, changes: Partial<AuthOptions>) => {
    try {
      return await auth(attempt.provider, {
        serverUrl,
        fetchFn: watched(attempt),
        // Checked in metadata.ts, where a slash at the end does not count.
        skipIssuerMetadataValidation: true,
        ...challenge,
        ...changes,
      });
    } catch (error) {
      const away = attempt.away();
      throw away === null ? error : awayFailure(away);
    }
  };

  /** Refreshes the token, or returns an attempt that waits for a person. */
  const begin = async (): Promise<Attempt | null> => {
    const attempt = createAttempt({
      credentials,
      settings,
      clientMetadataUrl,
      redirectUrl: await callbackServer.open(),
    });
    const outcome = await runAuth(attempt, {}).catch((error: unknown) => {
      // A refused refresh: only a person can mend it. The SDK asks by itself for some of the error codes only.
      if (!(error instanceof OAuthError) || credentials.get().tokens?.refresh_token === undefined) throw error;
      return runAuth(attempt, { forceReauthorization: true });
    });
    return outcome === 'AUTHORIZED' ? null : attempt;
  };

  const renew = async () => {
    pending = await begin().catch((error: unknown) => {
      if (error instanceof RenewalFailed) throw error;
      throw new RenewalFailed(error instanceof Error ? error.message : String(error), { cause: error });
    });
    if (pending !== null) throw new UnauthorizedError('requires authorization');
  };

  /** Exchanges the code of a redirect for tokens. Waits while the authorization server is away. */
  const exchange = async (attempt: Attempt, authorizationCode: string, iss: string | null, signal: AbortSignal) => {
    for (let tries = 1; ; tries += 1) {
      attempt.beginExchange();
      try {
        await runAuth(attempt, { authorizationCode, ...(iss === null ? {} : { iss: attempt.issuerOf(iss) }) });
        return;
      } catch (error) {
        if (!(error instanceof RenewalFailed) || tries === MAX_EXCHANGES) throw error;
        await pause(EXCHANGE_PAUSE_MS * 2 ** (tries - 1), undefined, { signal });
      }
    }
  };

  /** Reads the challenge of a rejected request. Null if another authorization would change nothing. */
  const challengeIn = (response: Response): Challenge | null => {
    const { scope, resourceMetadataUrl: named, error } = extractWWWAuthenticateParams(response);
    const resourceMetadataUrl = named && new URL(asSeen(named.href, new URL(serverUrl)));
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
      if (used === undefined && isUnchallengedProbe(init, response)) return response;
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
      await exchange(attempt, code, params.get('iss'), signal);
    },
  };
}
