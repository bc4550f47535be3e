/**
 * Reads the responses of authorization servers leniently, before the SDK parses them strictly: metadata, registrations
 * and tokens. Errors pass unchanged.
 */
import { isSpecType } from '@modelcontextprotocol/client';
import type { FetchLike } from '@modelcontextprotocol/client';
import { isObject, parseJson, textOf, type JsonObject } from '../../json.ts';
import { acceptedMembers, readResourceMetadata, readServerMetadata } from './metadata.ts';

/** What is wanted of a response. */
type Kind = 'resource_metadata' | 'server_metadata' | 'registration' | 'tokens';

/** What the request is for, by its method, body and address. */
export function kindOf(url: string | URL, init: RequestInit | undefined): Kind {
  const isPost = init?.method === 'POST';
  if (isPost) return init.body instanceof URLSearchParams ? 'tokens' : 'registration';
  return /\/\.well-known\/(?:oauth-authorization-server|openid-configuration)/.test(new URL(url).pathname)
    ? 'server_metadata'
    : 'resource_metadata';
}

/** Rejects like `fetch`, also if the body is cut off or too large. */
export function createLenientFetch(send: FetchLike, serverUrl: string): FetchLike {
  return async (url, init) => {
    const response = await send(url, init);
    if (!response.ok) return response;
    const text = await response.text();
    const { status, headers } = response;
    const document = parseJson(text);
    const read = readAnswer(kindOf(url, init), document, new URL(url), init, serverUrl);
    if (read === null) return new Response(null, { status: 404 });
    return new Response(read === document ? text : JSON.stringify(read), { status, headers });
  };
}

/** Null for metadata that is missing. Returns the same document if nothing can be read from it. */
function readAnswer(
  kind: Kind,
  document: unknown,
  url: URL,
  init: RequestInit | undefined,
  serverUrl: string,
): unknown {
  switch (kind) {
    case 'resource_metadata':
      return readResourceMetadata(document, url, serverUrl);
    case 'server_metadata':
      return readServerMetadata(document, url);
    case 'registration':
      return isObject(document) ? readRegistration(document, init?.body) : document;
    case 'tokens':
      return isObject(document) ? readTokens(document) : document;
  }
}

const soundTokens = { access_token: 'x', token_type: 'Bearer' };

/** Without an access token it is an error, which stays as it is. */
function readTokens(document: JsonObject): JsonObject {
  if (textOf(document['access_token']) === null) return document;
  const { expires_in: stated, scope, ...others } = document;
  const expiresIn = Number(textOf(stated) ?? stated ?? Number.NaN);
  return {
    ...soundTokens,
    ...acceptedMembers(others, isSpecType.OAuthTokens, soundTokens),
    ...(Number.isFinite(expiresIn) ? { expires_in: expiresIn } : {}),
    ...(Array.isArray(scope) ? { scope: scope.join(' ') } : textOf(scope) === null ? {} : { scope }),
  };
}

/** The members that a registration does not repeat are those of the request (RFC 7591, section 3.2.1). */
function readRegistration(document: JsonObject, requestBody: unknown): JsonObject {
  const { client_id: id, client_secret_expires_at: expiresAt, ...others } = document;
  if (id === undefined || id === null) return document;
  const requested = typeof requestBody === 'string' ? parseJson(requestBody) : null;
  const sound = { redirect_uris: [], client_id: 'x' };
  return {
    redirect_uris: isObject(requested) ? requested['redirect_uris'] : [],
    ...acceptedMembers(others, isSpecType.OAuthClientInformationFull, sound),
    client_id: String(id),
    ...(Number.isFinite(Number(expiresAt ?? Number.NaN)) ? { client_secret_expires_at: Number(expiresAt) } : {}),
  };
}
