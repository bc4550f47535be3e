/**
 * Finds and reads the configuration file and builds the whole configuration, or throws with all problems at once. Reads
 * no other file.
 */
import { readFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { AppError } from '../errors.ts';
import { readDocument } from './document.ts';
import type { ConfigDocument } from './document.ts';
import type { Environment } from './environment.ts';
import { dotted } from './places.ts';
import type { KeyPath } from './places.ts';
import { listProblems, schemaProblems } from './problems.ts';
import { configSchema } from './schema/schema.ts';
import type { Config } from './schema/schema.ts';

/** Where to look for the configuration. */
export interface ConfigSource {
  /** From --config, relative to `cwd`. Precedes PARLEY_CONFIG, which precedes the project's config/config.yaml. */
  file?: string | undefined;
  /** PARLEY_CONFIG, PARLEY_SERVERS_CONFIG and the variables for `${NAME}` in values. */
  env: Environment;
  cwd: string;
  /** The folder that holds `config/`. */
  projectDirectory: string;
}

/** The checked configuration and its file. */
export interface LoadedConfig {
  /** Absolute path of the file that was read. */
  file: string;
  /** `repository.path`, `mcp.config_file`, `mcp.roots` and `mcp.authorization.credentials_file` are absolute. Other values are as stated, or their default. */
  config: Config;
}

/**
 * Loads the configuration. A file states only what differs from the defaults. Rejects with AppError `config_invalid`,
 * whose message lists every problem with its line.
 */
export async function loadConfig(source: ConfigSource): Promise<LoadedConfig> {
  const projectFile = join(source.projectDirectory, 'config', 'config.yaml');
  const file = source.file ?? (source.env['PARLEY_CONFIG'] || undefined);
  const path = file === undefined ? projectFile : resolve(source.cwd, file);
  const name = displayName(path, source.cwd);

  const document = readDocument(await read(path, name, source), source.env);
  const parsed = document.values === null ? null : configSchema.safeParse(document.values);
  const problems = [...document.problems];
  if (parsed?.error) {
    // A variable that is not set, or a key stated twice, is reported once, not again by the schema.
    const reported = new Set(problems.map(({ path }) => dotted(path)));
    problems.push(...schemaProblems(parsed.error.issues, document).filter(({ path }) => !reported.has(dotted(path))));
  }
  if (!parsed?.success || problems.length > 0)
    throw new AppError('config_invalid', listProblems('The configuration', name, problems));
  return { file: path, config: withAbsolutePaths(parsed.data, document, path === projectFile ? null : path, source) };
}

/**
 * Resolves relative paths from the folder of the file that states them. Paths of the project's own file and of the
 * defaults start from the project's folder.
 */
function withAbsolutePaths(
  config: Config,
  document: ConfigDocument,
  ownFile: string | null,
  { env, cwd, projectDirectory }: ConfigSource,
): Config {
  const start = (key: KeyPath) => (ownFile !== null && document.states(key) ? dirname(ownFile) : projectDirectory);
  const { repository, mcp } = config;
  const credentials_file = resolve(
    start(['mcp', 'authorization', 'credentials_file']),
    mcp.authorization.credentials_file,
  );
  const path = resolve(start(['repository', 'path']), repository.path);
  const config_file = env['PARLEY_SERVERS_CONFIG']
    ? resolve(cwd, env['PARLEY_SERVERS_CONFIG'])
    : resolve(start(['mcp', 'config_file']), mcp.config_file);
  const roots = mcp.roots.map((folder) => resolve(start(['mcp', 'roots']), folder));
  return {
    ...config,
    repository: { ...repository, path },
    mcp: { ...mcp, config_file, roots, authorization: { ...mcp.authorization, credentials_file } },
  };
}

const unreadable = new Map<unknown, string>([
  ['ENOENT', 'does not exist'],
  ['EISDIR', 'is a folder, not a file'],
  ['EACCES', 'may not be read by this user'],
]);

async function read(path: string, name: string, { file, env }: ConfigSource): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    const origin = file === undefined ? env['PARLEY_CONFIG'] && 'PARLEY_CONFIG' : '--config';
    const named = origin ? `, which ${origin} names,` : '';
    const reason = unreadable.get(code) ?? `cannot be read (${String(code)})`;
    throw new AppError('config_invalid', `The configuration file ${name}${named} ${reason}.`, { cause: error });
  }
}

/** Relative if the file is below `cwd`. The name precedes a line number, so that editors and terminals can jump there. */
function displayName(path: string, cwd: string): string {
  const near = relative(cwd, path);
  return near === '' || near.startsWith('..') ? path : near;
}
