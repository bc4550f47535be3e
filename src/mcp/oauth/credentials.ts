/**
 * What authorization servers gave Parley: tokens and registrations as a client, for each MCP server, in one file
 * that only its owner may read. An entry counts for the address that it was made for, so a server that is
 * pointed elsewhere takes no token along. Nobody else reads or writes the file; no token is ever logged.
 */
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
  /** The MCP server's address. */
  url: z.string(),
  tokens: tokens.optional(),
  client: client.optional(),
  /** Where browsers come back to, as the client was registered with it. */
  redirectUrl: z.string().optional(),
  /** What was asked for, which may be more than was granted. */
  scope: z.string().optional(),
});

const fileSchema = z.object({ version: z.literal(1), servers: z.record(z.string(), entry) });

type Entry = z.infer<typeof entry>;

/** What is known of one server. */
export type Credentials = Omit<Entry, 'url'>;

/** The drawer of one server in the file. */
export interface ServerCredentials {
  /** As they are at this moment. */
  get(): Credentials;
  /** Resolves when it is on disk. A key given as undefined is forgotten. */
  save(changes: { [Key in keyof Credentials]: Credentials[Key] | undefined }): Promise<void>;
}

export interface CredentialStore {
  of(server: string, url: string): ServerCredentials;
}

const OWNER_ONLY = 0o600;

function read(file: string): z.infer<typeof fileSchema> {
  try {
    const text = readFileSync(file, 'utf8');
    // It may have been copied here, or made under another mask.
    chmodSync(file, OWNER_ONLY);
    return fileSchema.parse(JSON.parse(text));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return { version: 1, servers: {} };
    throw new AppError(
      'config_invalid',
      `${file}: this file of MCP credentials cannot be read; remove it and authorize the servers again, or name another one in mcp.authorization.credentials_file`,
      { cause: error },
    );
  }
}

/** Whole or not at all: a cut-off file would cost every server its authorization. */
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

/** Reads the file, if there is one. Throws AppError `config_invalid` for one that cannot be used. */
export function openCredentials(file: string): CredentialStore {
  const { servers } = read(file);
  let written: Promise<void> = Promise.resolve();

  const write = () => {
    const text = `${JSON.stringify({ version: 1, servers }, null, 2)}\n`;
    written = written
      .catch(() => undefined)
      .then(() => replace(file, text))
      .catch((error: unknown) => {
        // Its own words have the path in them, and this is shown to people who chat.
        const why = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
        throw new Error(
          `the file of credentials cannot be written${why}; mcp.authorization.credentials_file names it`,
          { cause: error },
        );
      });
    return written;
  };

  return {
    of(server, url) {
      const get = (): Entry => {
        const found = servers[server];
        return found?.url === url ? found : { url };
      };
      return {
        get,
        async save(changes) {
          // Parsed: what a server sent beside what is known here is not kept.
          servers[server] = entry.parse({ ...get(), ...changes });
          await write();
        },
      };
    },
  };
}
