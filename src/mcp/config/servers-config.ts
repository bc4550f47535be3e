/**
 * Reads and validates the file that lists the MCP servers, in the format that MCP hosts share (`mcpServers`). A file
 * made for another host works (other-hosts.ts): unknown keys are reported, and near misses of known keys are errors. An
 * error names the position, what was found and what is allowed.
 */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { z } from 'zod';
import { closest } from '../../config/suggest.ts';
import { AppError, codeOf } from '../../errors.ts';
import { expectation } from '../../explain-issue.ts';
import { protoKeyIn, valueAt } from '../../json.ts';
import { blockSchema, fileSchema, knownKeys, switchSchema } from './block-schema.ts';
import { ForeignKeyProblem, isForeign, readForeignKeys, type ForeignKeys } from './other-hosts.ts';
import { PlaceholderProblem, fillPlaceholders } from './placeholders.ts';
import { scanJson } from './json-positions.ts';
import type { Position } from './json-positions.ts';
import { oauthKeys, oauthSettings } from './oauth-settings.ts';
import { ServerProblem, describe } from './server-problem.ts';
import type { ProtocolChoice, ServerBlock, StdioServer } from './server-block.ts';
import { checkedHeader, checkAddress, checkProcess } from './sendable-values.ts';

/** Of ignored keys in one line of the log. */
const MAX_NAMED = 20;

/** Reports something about a server that the operator should know. */
type Warn = (server: string, line: string) => void;

const inMs = (seconds: number | null | undefined): number | null =>
  typeof seconds === 'number' ? Math.round(seconds * 1000) : null;

/** One or two edits are a typing mistake. A higher rate would match keys of other hosts. */
const LETTERS_PER_EDIT = 5;
/** Keys of other hosts that resemble a known key. */
const FOREIGN_KEYS = ['auth'];

function expand(value: string, env: NodeJS.ProcessEnv, path: readonly PropertyKey[], isPlain = false): string {
  try {
    return fillPlaceholders(value, env, isPlain);
  } catch (error) {
    if (!(error instanceof PlaceholderProblem)) throw error;
    throw new ServerProblem(path, error.message);
  }
}

/** The keys of other hosts in one block. */
function foreignIn(block: Record<string, unknown>, at: readonly PropertyKey[]): ForeignKeys {
  try {
    return readForeignKeys(block, knownKeys);
  } catch (error) {
    if (!(error instanceof ForeignKeyProblem)) throw error;
    throw new ServerProblem([...at, error.key], error.message);
  }
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
    const isKnown = isForeign(key) || [...keys, ...FOREIGN_KEYS].includes(key);
    const meant = isKnown ? null : closest(key, keys, LETTERS_PER_EDIT);
    if (meant !== null) throw new ServerProblem([...at, key], `"${key}" is not a known key; did you mean "${meant}"?`);
  }
}

function protocolOf(written: string | null | undefined, fallback: 'legacy_first' | 'auto'): ProtocolChoice {
  if (written === null || written === undefined) return fallback;
  return written === 'legacy' || written === 'auto' ? written : { revision: written };
}

function isUsed(block: z.infer<typeof switchSchema>, at: readonly PropertyKey[]): boolean {
  return block.enabled !== false && block.disabled !== true && foreignIn(block, at).isActive;
}

function readBlock(
  name: string,
  raw: Record<string, unknown>,
  { folder, env, warn }: { folder: string; env: NodeJS.ProcessEnv; warn: Warn },
): ServerBlock {
  const at = ['mcpServers', name];
  const block = check(blockSchema, raw, at);
  rejectNearMisses(block, knownKeys, at);
  if (block.oauth) rejectNearMisses(block.oauth, oauthKeys, [...at, 'oauth']);
  const urlKey = (['url', 'serverUrl', 'httpUrl'] as const).find((key) => typeof block[key] === 'string');
  const expandAll = (key: 'env' | 'headers') =>
    Object.fromEntries(
      Object.entries(block[key] ?? {}).map(([entry, value]) => [entry, expand(value, env, [...at, key, entry], true)]),
    );

  const foreign = foreignIn(raw, at);
  if (foreign.ignored.length > 0)
    warn(name, `its block has keys that Parley ignores: ${foreign.ignored.slice(0, MAX_NAMED).join(', ')}`);
  const includes = [...(block.includeTools ? [block.includeTools] : []), ...foreign.include];
  const common = {
    includeTools:
      includes.length === 0 ? null : includes.reduce((all, list) => all.filter((tool) => list.includes(tool))),
    excludeTools: [...(block.excludeTools ?? []), ...foreign.exclude],
    autoApprove: foreign.autoApprove,
    maxConcurrent: block.max_concurrent ?? null,
    startTimeoutMs: inMs(block.start_timeout) ?? foreign.startTimeoutMs,
    toolTimeoutMs: inMs(block.tool_timeout) ?? foreign.toolTimeoutMs,
    toolTimeouts: Object.fromEntries(
      Object.entries(block.tool_timeouts ?? {}).map(([tool, seconds]) => [tool, Math.round(seconds * 1000)]),
    ),
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
  // Many addresses come from files, with a line break at their end.
  const url = expand(block[urlKey] ?? '', env, [...at, urlKey]).trim();
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
export function loadServers(file: string, env: NodeJS.ProcessEnv, warn: Warn = () => undefined): ServerBlock[] {
  let content: string;
  try {
    content = readFileSync(file, 'utf8').replace(/^\uFEFF/, '');
  } catch (error) {
    const isAbsent = codeOf(error) === 'ENOENT';
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
      .filter(([name, block]) => isUsed(block, ['mcpServers', name]))
      .map(([name, block]) => readBlock(name, block, { folder: dirname(resolve(file)), env, warn }));
  } catch (error) {
    if (!(error instanceof ServerProblem)) throw error;
    throw configError(file, places.of(error.path), [written(error.path), error.message].filter(Boolean).join(': '));
  }
}
