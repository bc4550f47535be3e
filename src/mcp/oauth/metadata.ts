/**
 * Reads the metadata documents of protected resources (RFC 9728) and authorization servers (RFC 8414, OpenID discovery)
 * leniently. Optional members that are null or malformed count as absent. A document that is no metadata, such as the
 * page of a web application, counts as missing. Pure.
 */
import { isSpecType } from '@modelcontextprotocol/client';
import { isObject, textOf, type JsonObject } from '../../json.ts';
import { isText, type Check } from '../lenient/members.ts';
import { asSeen, isSameServer, pathOf } from './same-server.ts';

/** Replaces for a check of one member what the schema requires beside it. */
const soundServer = {
  issuer: 'https://x.example',
  authorization_endpoint: 'https://x.example/a',
  token_endpoint: 'https://x.example/t',
  response_types_supported: ['code'],
};
/** Required by OpenID discovery, and of no use here: Parley asks for no ID tokens. */
const soundOpenId = {
  jwks_uri: 'https://x.example/j',
  subject_types_supported: ['public'],
  id_token_signing_alg_values_supported: ['RS256'],
};

/** Keeps the members that the schema accepts beside sound ones. Reads a text as a list of words if that helps. */
export function acceptedMembers(document: JsonObject, accepts: Check, sound: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(document).flatMap(([key, value]) => {
      if (value === null || value === '') return [];
      const words = typeof value === 'string' ? value.split(/\s+/) : null;
      const texts = Array.isArray(value) ? value.filter(isText) : null;
      const found = [value, words, texts].find((each) => each !== null && accepts({ ...sound, [key]: each }));
      return found === undefined ? [] : [[key, found] as const];
    }),
  );
}

/** `url`: of the document. Returns null if it is no metadata of a resource. */
export function readResourceMetadata(document: unknown, url: URL, serverUrl: string): JsonObject | null {
  if (!isObject(document)) return null;
  const read = acceptedMembers(document, isSpecType.OAuthProtectedResourceMetadata, { resource: serverUrl });
  const servers = typeof read['authorization_servers'] === 'string' ? [read['authorization_servers']] : null;
  const named = servers ?? (Array.isArray(read['authorization_servers']) ? read['authorization_servers'] : []);
  if (read['resource'] === undefined && named.length === 0) return null;
  return {
    ...read,
    resource: read['resource'] ?? serverUrl,
    ...(named.length === 0 ? {} : { authorization_servers: named.map((server) => asSeen(String(server), url)) }),
  };
}

/** The issuer that a well-known address belongs to (RFC 8414, section 3; OpenID Connect Discovery, section 4). */
function issuerAt({ origin, pathname }: URL): URL {
  const path = pathname.replace(/\/\.well-known\/(?:oauth-authorization-server|openid-configuration)/, '');
  return new URL(path, origin);
}

/**
 * `url`: of the document. Returns null if it is no metadata of an authorization server. Throws if it states the issuer of
 * another server: whose metadata an attacker could pass on (RFC 8414, section 3.3).
 */
export function readServerMetadata(document: unknown, url: URL): JsonObject | null {
  if (!isObject(document)) return null;
  const sound = { ...soundOpenId, ...soundServer };
  const read = acceptedMembers(document, bothAccept, sound);
  const { authorization_endpoint: authorize, token_endpoint: token } = read;
  if (authorize === undefined || token === undefined) return null;
  const expected = issuerAt(url);
  const issuer = textOf(read['issuer']) ?? expected.href;
  const stated = URL.parse(issuer);
  if (stated === null || !isSameServer(stated, expected) || pathOf(stated) !== pathOf(expected))
    throw new Error(
      `has an authorization server with metadata of another one: expected ${expected.href}, it states ${issuer}`,
    );
  const endpoints = Object.entries(read).map(([key, value]) =>
    key.endsWith('_endpoint') ? ([key, asSeen(String(value), url)] as const) : ([key, value] as const),
  );
  return {
    response_types_supported: soundServer.response_types_supported,
    ...soundOpenId,
    ...Object.fromEntries(endpoints),
    issuer,
  };
}

const bothAccept: Check = (value) =>
  isSpecType.OAuthMetadata(value) && isSpecType.OpenIdProviderDiscoveryMetadata(value);
