/**
 * Reads the `oauth` key of an HTTP server's block. All of it is optional, because most servers announce what is needed.
 * The names are those of Gemini CLI.
 */
import { z } from 'zod';

/** The key `oauth` of one block. */
export interface OAuthSettings {
  /** A client that was registered by hand. Null to register dynamically, or to use a metadata document. */
  client: { client_id: string; client_secret?: string } | null;
  /** Scopes to request if the server names none, separated by spaces. Null for none. */
  scope: string | null;
}

const text = z.string('a string').min(1, 'a string');

const section = z.looseObject({
  enabled: z.boolean().nullish(),
  clientId: text.nullish(),
  clientSecret: text.nullish(),
  scopes: z.array(text).nullish(),
});

/** The keys of the object. */
export const oauthKeys = Object.keys(section.shape);

export const oauthSchema = z.union(
  [z.literal(false), section],
  'false, or an object that may have "enabled", "clientId", "clientSecret" and "scopes"',
);

/** Returns null if OAuth is off, also because the headers have a token. `expand` fills in environment variables. */
export function oauthSettings(
  stated: z.infer<typeof oauthSchema> | null | undefined,
  headers: Record<string, string>,
  expand: (value: string, key: string) => string,
): OAuthSettings | null {
  if (
    stated === false ||
    stated?.enabled === false ||
    Object.keys(headers).some((name) => name.toLowerCase() === 'authorization')
  )
    return null;
  const { clientId, clientSecret, scopes } = stated ?? {};
  const secret = clientSecret ? { client_secret: expand(clientSecret, 'clientSecret') } : {};
  return {
    client: clientId ? { client_id: expand(clientId, 'clientId'), ...secret } : null,
    scope: scopes?.length ? scopes.join(' ') : null,
  };
}
