/**
 * Reads and validates the file that lists the MCP servers, in the format that MCP hosts share (`mcpServers`). A file
 * made for another host works: unknown keys are ignored, and only near misses of known keys are errors. An error names
 * the position, what was found and what is allowed.
 */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { closest } from '../../config/suggest.ts';
import { readVariable } from '../../environment-variable.ts';
import { AppError } from '../../errors.ts';
import { expectation } from '../../explain-issue.ts';
import { protoKeyIn } from '../../json.ts';
import { scanJson } from './json-positions.ts';
import type { Position } from './json-positions.ts';
import { oauthKeys, oauthSchema, oauthSettings } from './oauth-settings.ts';
import type { ProtocolChoice, ServerBlock, StdioServer } from './server-block.ts';
import { checkedHeader, checkAddress, checkProcess, ServerProblem } from './sendable-values.ts';

const text = z.string('a string');
// Many files have ports and flags as numbers and booleans.
const textual = z.union([z.string(), z.number(), z.boolean()], 'a string, a number or a boolean').transform(String);
const texts = z.record(z.string(), textual, 'an object of strings');

const flag = z.boolean('true or false').nullish();

const switchSchema = z.looseObject({ enabled: flag, disabled: flag }, 'an object that describes one server');

const userId = z.int('a whole number, 1 or more').min(1, 'a whole number, 1 or more: not root').nullish();

const fileSchema = z.looseObject(
  { mcpServers: z.record(z.string(), switchSchema, 'an object with one entry a server') },
  'an object with the key "mcpServers"',
);

const blockSchema = z.looseObject({
  command: text.min(1, 'the name or path of a program').nullish(),
  args: z.array(textual, 'an array of strings').nullish(),
  cwd: text.nullish(),
  env: texts.nullish(),
  url: text.nullish(),
  serverUrl: text.nullish(),
  httpUrl: text.nullish(),
  headers: texts.nullish(),
  oauth: oauthSchema.nullish(),
  // The names are those of Gemini CLI.
  includeTools: z.array(text, 'an array of strings').nullish(),
  excludeTools: z.array(text, 'an array of strings').nullish(),
  uid: userId,
  gid: userId,
  max_concurrent: z.int('a whole number, 1 or more').min(1, 'a whole number, 1 or more').nullish(),
  protocol: z
    .string()
    .regex(/^(?:legacy|auto|\d{4}-\d{2}-\d{2})$/, '"legacy", "auto" or a revision such as "2026-07-28"')
    .nullish(),
});

/** The keys of a server's block, without `enabled` and `disabled`. */
export const blockKeys = Object.keys(blockSchema.shape);

/** One or two edits are a typing mistake. A higher rate would match keys of other hosts. */
const LETTERS_PER_EDIT = 5;
/** Keys of other hosts that resemble a known key. */
const FOREIGN_KEYS = ['auth'];

const VARIABLE = /\$\{(?:env:)?([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g;

function expand(value: string, env: NodeJS.ProcessEnv, path: readonly PropertyKey[]): string {
  return value.replaceAll(VARIABLE, (_whole, name: string, fallback: string | undefined) => {
    const found = readVariable(env, name);
    // As with the shell's `:-`, the default replaces an empty variable too.
    if (found !== undefined && (found !== '' || fallback === undefined)) return found;
    if (fallback !== undefined) return fallback;
    throw new ServerProblem(
      path,
      `the environment variable ${name} is not set; set it, write \${${name}:-default}, or disable the server`,
    );
  });
}

/** Keys whose values may be secrets: a message must not repeat them. */
const SECRET_KEYS = new Set<PropertyKey>(['args', 'env', 'headers', 'oauth', 'url', 'serverUrl', 'httpUrl']);

function describe(value: unknown, path: readonly PropertyKey[]): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'string' && path.some((key) => SECRET_KEYS.has(key))) return 'a text that is not shown here';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' && value !== null ? 'an object' : JSON.stringify(value).slice(0, 60);
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) => (typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined),
    root,
  );
}

function check<T>(schema: z.ZodType<T>, value: unknown, at: readonly PropertyKey[]): T {
  // The schemas have their own words for what people get wrong.
  const checked = schema.safeParse(value, { error: expectation });
  if (checked.success) return checked.data;
  const issue = checked.error.issues[0];
  const path = issue?.path ?? [];
  throw new ServerProblem(
    [...at, ...path],
    `expected ${issue?.message ?? 'something else'}, found ${describe(valueAt(value, path), [...at, ...path])}`,
  );
}

/** Permissions are keyed by `server` and `server.tool`, so a server's name must not equal another server's tool. */
function checkNames(names: readonly string[]): void {
  for (const name of names) {
    const owner = names.find((other) => name.startsWith(`${other}.`));
    if (owner === undefined) continue;
    throw new ServerProblem(
      ['mcpServers', name],
      `"${name}" is also how the tool "${name.slice(owner.length + 1)}" of the server "${owner}" is named; rename one of the two servers`,
    );
  }
}

/** Without this check, a misspelt key would be ignored like a key of another host. */
function rejectNearMisses(block: object, keys: readonly string[], at: readonly PropertyKey[]): void {
  for (const key of Object.keys(block)) {
    const meant = [...keys, ...FOREIGN_KEYS].includes(key) ? null : closest(key, keys, LETTERS_PER_EDIT);
    if (meant !== null) throw new ServerProblem([...at, key], `"${key}" is not a known key; did you mean "${meant}"?`);
  }
}

function protocolOf(written: string | null | undefined, fallback: 'legacy_first' | 'auto'): ProtocolChoice {
  if (written === null || written === undefined) return fallback;
  return written === 'legacy' || written === 'auto' ? written : { revision: written };
}

function readBlock(name: string, raw: unknown, folder: string, env: NodeJS.ProcessEnv): ServerBlock {
  const at = ['mcpServers', name];
  const block = check(blockSchema, raw, at);
  rejectNearMisses(block, [...Object.keys(switchSchema.shape), ...blockKeys], at);
  if (block.oauth) rejectNearMisses(block.oauth, oauthKeys, [...at, 'oauth']);
  const urlKey = (['url', 'serverUrl', 'httpUrl'] as const).find((key) => typeof block[key] === 'string');
  const expandAll = (key: 'env' | 'headers') =>
    Object.fromEntries(
      Object.entries(block[key] ?? {}).map(([entry, value]) => [entry, expand(value, env, [...at, key, entry])]),
    );

  const common = {
    includeTools: block.includeTools ?? null,
    excludeTools: block.excludeTools ?? [],
    maxConcurrent: block.max_concurrent ?? null,
  };

  if (typeof block.command === 'string' && urlKey === undefined) {
    const user = userOf(block.uid ?? null, block.gid ?? null, at);
    const command = expand(block.command, env, [...at, 'command']);
    const server: StdioServer = {
      kind: 'stdio',
      name,
      // The Node that runs Parley, because a machine may have no other.
      command: command === 'node' ? process.execPath : command,
      args: (block.args ?? []).map((arg, index) => expand(arg, env, [...at, 'args', index])),
      // The child resolves relative paths in `command` and `args` against this folder.
      cwd: resolve(folder, expand(block.cwd ?? '', env, [...at, 'cwd'])),
      env: expandAll('env'),
      user,
      // `auto` would start every server twice: once to probe it, once to use it.
      protocol: protocolOf(block.protocol, 'legacy_first'),
      ...common,
    };
    checkProcess(server, at);
    return server;
  }
  if (urlKey === undefined || typeof block.command === 'string') {
    const found = urlKey === undefined ? 'neither' : 'both';
    throw new ServerProblem(
      at,
      `expected either "command" (a program to start) or "url" (Streamable HTTP), found ${found}`,
    );
  }
  const url = expand(block[urlKey] ?? '', env, [...at, urlKey]);
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? '')) {
    throw new ServerProblem(
      [...at, urlKey],
      `expected an http or https URL, found ${describe(block[urlKey], [urlKey])}`,
    );
  }
  checkAddress(url, [...at, urlKey]);
  const headers = Object.fromEntries(
    Object.entries(expandAll('headers')).map(([header, value]) => [
      header,
      checkedHeader(header, value, [...at, 'headers', header]),
    ]),
  );
  const oauth = oauthSettings(block.oauth, headers, (value, key) => expand(value, env, [...at, 'oauth', key]));
  return { kind: 'http', name, url, headers, protocol: protocolOf(block.protocol, 'auto'), oauth, ...common };
}

function userOf(uid: number | null, gid: number | null, at: string[]): StdioServer['user'] {
  if (uid === null && gid === null) return null;
  if (uid === null || gid === null)
    throw new ServerProblem(at, 'expected "uid" and "gid" together: the user and the group of the program');
  if (process.geteuid?.() !== 0)
    throw new ServerProblem(
      [...at, 'uid'],
      'only root may start a program as another user; start Parley as root, or run the server by itself and name its url',
    );
  return { uid, gid };
}

function configError(file: string, position: Position | null, message: string, cause?: unknown): AppError {
  const place = position === null ? file : `${file}:${position.line}:${position.column}`;
  return new AppError('config_invalid', `${place}: ${message}`, { cause });
}

const written = (path: readonly PropertyKey[]) =>
  path
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`))
    .join('')
    .replace(/^\./, '');

/**
 * Returns the enabled servers of `file` in its order, with `env` filled in for `${NAME}` and `${NAME:-default}`.
 * Throws AppError `config_invalid` if the file is missing or invalid.
 */
export function loadServers(file: string, env: NodeJS.ProcessEnv): ServerBlock[] {
  let content: string;
  try {
    content = readFileSync(file, 'utf8').replace(/^\uFEFF/, '');
  } catch (error) {
    const isAbsent = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    const reason = isAbsent ? 'does not exist' : 'cannot be read';
    throw configError(
      file,
      null,
      `the list of MCP servers ${reason}; set mcp.config_file or PARLEY_SERVERS_CONFIG`,
      error,
    );
  }
  const places = scanJson(content);
  const { syntaxProblem, repeated } = places;
  if (syntaxProblem !== null)
    throw configError(
      file,
      syntaxProblem.position,
      `the file is not JSON: expected ${syntaxProblem.expected}, found ${syntaxProblem.found}`,
    );
  if (repeated !== null) throw configError(file, repeated.position, `${written(repeated.path)}: duplicate key`);
  const root: unknown = JSON.parse(content);
  try {
    const proto = protoKeyIn(root);
    if (proto) throw new ServerProblem(proto, 'the name "__proto__" is reserved in JavaScript; choose another name');
    const { mcpServers } = check(fileSchema, root, []);
    checkNames(Object.keys(mcpServers));
    return Object.entries(mcpServers)
      .filter(([, block]) => block.enabled !== false && block.disabled !== true)
      .map(([name, block]) => readBlock(name, block, dirname(resolve(file)), env));
  } catch (error) {
    if (!(error instanceof ServerProblem)) throw error;
    throw configError(file, places.of(error.path), [written(error.path), error.message].filter(Boolean).join(': '));
  }
}
