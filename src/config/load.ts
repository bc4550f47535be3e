/**
 * Finds the configuration file, reads it and makes the whole configuration of it, or refuses with
 * everything that is wrong at once. Reads that one file and nothing else.
 */
import { readFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { AppError } from '../errors.ts';
import { dotted, readDocument } from './document.ts';
import type { ConfigDocument, KeyPath, Problem } from './document.ts';
import { schemaProblems } from './problems.ts';
import { configSchema } from './schema.ts';
import type { Config } from './schema.ts';

export interface ConfigSource {
  /** As given with --config, relative to `cwd`. Beats PARLEY_CONFIG, which beats the project's config/config.yaml. */
  file?: string | undefined;
  /** PARLEY_CONFIG, PARLEY_SERVERS_CONFIG and what `${NAME}` in values means. */
  env: Readonly<Record<string, string | undefined>>;
  cwd: string;
  /** The folder that holds `config/`. */
  projectDirectory: string;
}

export interface LoadedConfig {
  /** Absolute path of the file that was read. */
  file: string;
  /** `repository.path` and `mcp.config_file` are absolute; everything else is as stated, or its default. */
  config: Config;
}

/**
 * Loads the configuration. A file names only what differs from the defaults.
 * Rejects with AppError `config_invalid`, whose message lists every problem with its line.
 */
export async function loadConfig(source: ConfigSource): Promise<LoadedConfig> {
  const projectFile = join(source.projectDirectory, 'config', 'config.yaml');
  const file = source.file ?? (source.env['PARLEY_CONFIG'] || undefined);
  const path = file === undefined ? projectFile : resolve(source.cwd, file);
  const name = displayName(path, source.cwd);

  const document = readDocument(await read(path, name, source), source.env);
  const parsed = document.broken ? null : configSchema.safeParse(document.values);
  const problems = [...document.problems];
  if (parsed?.error) {
    // A variable that is not set, or a key stated twice, is said once, not again by the schema.
    const said = new Set(problems.map(({ path }) => dotted(path)));
    problems.push(...schemaProblems(parsed.error.issues, document).filter(({ path }) => !said.has(dotted(path))));
  }
  if (!parsed?.success || problems.length > 0) throw new AppError('config_invalid', refusal(name, problems));
  return { file: path, config: withAbsolutePaths(parsed.data, document, path, projectFile, source) };
}

/**
 * Relative paths start from the file that states them. The project's own file speaks for the
 * project, and so do the defaults: theirs start from the project's folder.
 */
function withAbsolutePaths(
  config: Config,
  document: ConfigDocument,
  file: string,
  projectFile: string,
  { env, cwd, projectDirectory }: ConfigSource,
): Config {
  const start = (key: KeyPath) =>
    document.states(key) && file !== projectFile ? dirname(file) : projectDirectory;
  const { repository, mcp } = config;
  const path = resolve(start(['repository', 'path']), repository.path);
  const config_file = env['PARLEY_SERVERS_CONFIG']
    ? resolve(cwd, env['PARLEY_SERVERS_CONFIG'])
    : resolve(start(['mcp', 'config_file']), mcp.config_file);
  return { ...config, repository: { ...repository, path }, mcp: { ...mcp, config_file } };
}

async function read(path: string, name: string, source: ConfigSource): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    const reason =
      code === 'ENOENT' ? 'does not exist' : code === 'EISDIR' ? 'is a folder, not a file' : `cannot be read (${String(code)})`;
    const named =
      source.file !== undefined ? ', which --config names,' : source.env['PARLEY_CONFIG'] ? ', which PARLEY_CONFIG names,' : '';
    throw new AppError('config_invalid', `The configuration file ${name}${named} ${reason}.`, { cause: error });
  }
}

/** Short where the file is near: the name is followed by a line number, for editors and terminals to jump to. */
function displayName(path: string, cwd: string): string {
  const near = relative(cwd, path);
  return near === '' || near.startsWith('..') ? path : near;
}

function refusal(name: string, problems: readonly Problem[]): string {
  const lines = problems
    .toSorted((one, other) => one.line - other.line)
    .map(({ line, path, text }) => `  ${name}:${line}: ${dotted(path)} ${text}.`.replace(/([.?])\.$/, '$1'));
  const many = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
  return [`The configuration has ${many}:`, ...lines].join('\n');
}
