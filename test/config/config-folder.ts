/** A folder of its own with one configuration file, loaded as a start in that folder would load it. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { loadConfig } from '../../src/config/load.ts';
import type { LoadedConfig } from '../../src/config/load.ts';
import { AppError } from '../../src/errors.ts';

export type Environment = Readonly<Record<string, string>>;

/** Stands for the folder that holds config/; nothing is read from it as long as a file is named. */
export const projectDirectory = join(import.meta.dirname, '..', '..');

/** Makes a folder that is gone after the test, with `text` in `my.yaml`. */
export async function configFolder(t: TestContext, text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-config-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, 'my.yaml'), text);
  return folder;
}

export async function loadText(t: TestContext, text: string, env: Environment = {}): Promise<LoadedConfig> {
  return loadConfig({ file: 'my.yaml', env, cwd: await configFolder(t, text), projectDirectory });
}

/** What a start with this file is told, line by line, without the first line that counts the problems. */
export async function problemsOf(t: TestContext, text: string, env: Environment = {}): Promise<string[]> {
  const cwd = await configFolder(t, text);
  return loadConfig({ file: 'my.yaml', env, cwd, projectDirectory }).then(
    () => [],
    (error: unknown) => {
      if (!(error instanceof AppError) || error.code !== 'config_invalid') throw error;
      return error.message
        .split('\n')
        .slice(1)
        .map((line) => line.trim());
    },
  );
}
