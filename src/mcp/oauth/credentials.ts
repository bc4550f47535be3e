/**
 * Stores OAuth tokens and client registrations of all MCP servers in one file that only its owner may read. An entry is
 * valid for one server URL, so a server whose URL changes takes no token along. Only Parley reads and writes the file.
 * Tokens are never logged.
 */
import { ownValue } from '../../json.ts';
import { chmodSync, readFileSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { z } from 'zod';
import { AppError } from '../../errors.ts';

const tokens = z.object({
  access_token: z.string(),
  token_type: z.string(),
  refresh_token: z.string().optional(),
  expires_in: z.number().optional(),
  scope: z.string().optional(),
  issuer: z.string().optional(),
});

const client = z.object({
  client_id: z.string(),
  client_secret: z.string().optional(),
  client_secret_expires_at: z.number().optional(),
  token_endpoint_auth_method: z.string().optional(),
  issuer: z.string().optional(),
});

const entry = z.object({
  /** URL of the MCP server. */
  url: z.string(),
  tokens: tokens.optional(),
  client: client.optional(),
  /** The redirect URL with which the client was registered. */
  redirectUrl: z.string().optional(),
  /** The requested scope, which may exceed the granted one. */
  scope: z.string().optional(),
});

const fileSchema = z.object({ version: z.literal(1), servers: z.record(z.string(), entry) });

type Entry = z.infer<typeof entry>;

/** What is stored of one server. */
export type Credentials = Omit<Entry, 'url'>;

/** The entry of one server at one address. */
export interface ServerCredentials {
  /** The current credentials. */
  get(): Credentials;
  /** Resolves when the change is on disk. An undefined value removes its key. */
  save(changes: { [Key in keyof Credentials]: Credentials[Key] | undefined }): Promise<void>;
}

/** The file of all servers. */
export interface CredentialStore {
  of(server: string, url: string): ServerCredentials;
}

const OWNER_ONLY = 0o600;

function read(file: string): z.infer<typeof fileSchema> {
  try {
    const text = readFileSync(file, 'utf8');
    // The file may have been copied, or made under another umask.
    chmodSync(file, OWNER_ONLY);
    return fileSchema.parse(JSON.parse(text));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return { version: 1, servers: {} };
    throw new AppError(
      'config_invalid',
      `${file}: cannot read this file of MCP credentials. Remove it and authorize the servers again, or configure another file in mcp.authorization.credentials_file.`,
      { cause: error },
    );
  }
}

/** Replaces the file atomically: a partial file would cost every server its authorization. */
async function replace(file: string, text: string): Promise<void> {
  const fresh = `${file}.new`;
  await rm(fresh, { force: true });
  const handle = await open(fresh, 'wx', OWNER_ONLY);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(fresh, file);
}

/** Reads the file if it exists. Throws AppError `config_invalid` if it is unusable. */
export function openCredentials(file: string): CredentialStore {
  const { servers } = read(file);
  let written: Promise<void> = Promise.resolve();

  const write = () => {
    const text = `${JSON.stringify({ version: 1, servers }, null, 2)}\n`;
    written = written
      .catch(() => undefined)
      .then(() => replace(file, text))
      .catch((error: unknown) => {
        // The error's own message contains the path, and people who chat see this one.
        const why = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
        throw new Error(`the file of credentials cannot be written${why}; check mcp.authorization.credentials_file`, {
          cause: error,
        });
      });
    return written;
  };

  const restore = (server: string, before: Entry | undefined) => {
    if (before === undefined) delete servers[server];
    else servers[server] = before;
  };

  return {
    of(server, url) {
      const get = (): Entry => {
        const found = ownValue(servers, server);
        return found?.url === url ? found : { url };
      };
      return {
        get,
        async save(changes) {
          // Parsing drops unknown keys that a server sent.
          const before = servers[server];
          const after = entry.parse({ ...get(), ...changes });
          servers[server] = after;
          try {
            await write();
          } catch (error) {
            // Without its registration, the next attempt meets the same fault before a person signs in. Tokens stay: they
            // are valid until a restart.
            if (changes.tokens === undefined && servers[server] === after) restore(server, before);
            throw error;
          }
        },
      };
    },
  };
}
