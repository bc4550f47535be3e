/**
 * The `oauth` key of an HTTP server's block: what may be stated in advance about being authorized there. All of it
 * is optional, for most servers tell the rest themselves. The names are those of Gemini CLI.
 */
import { z } from 'zod';

export interface OAuthSettings {
  /** A client that was registered by hand; null to register, or to be known by a metadata document. */
  client: { client_id: string; client_secret?: string } | null;
  /** Scopes to ask for where the server names none, separated by spaces; null for none. */
  scope: string | null;
}

const text = z.string('a string').min(1, 'a string');

const section = z.looseObject({
  enabled: z.boolean().nullish(),
  clientId: text.nullish(),
  clientSecret: text.nullish(),
  scopes: z.array(text).nullish(),
});

/** What the key may have, if it is not false. */
export const oauthKeys = Object.keys(section.shape);

export const oauthSchema = z.union(
  [z.literal(false), section],
  'false, or an object that may have "enabled", "clientId", "clientSecret" and "scopes"',
);

/** Null where OAuth is not to be tried; a token among the headers leaves nothing to ask for. `expand` fills in variables of the environment. */
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
