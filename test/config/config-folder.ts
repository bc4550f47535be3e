/** Makes a folder with one configuration file, and loads it like a start in that folder. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { loadConfig } from '../../src/config/load.ts';
import type { LoadedConfig } from '../../src/config/load.ts';
import { AppError } from '../../src/errors.ts';

export type Environment = Readonly<Record<string, string>>;

/** The folder that holds config/. Nothing is read from it if a file is named. */
export const projectDirectory = join(import.meta.dirname, '..', '..');

/** Makes a folder with `text` in `my.yaml`. Removes it after the test. */
export async function configFolder(t: TestContext, text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-config-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, 'my.yaml'), text);
  return folder;
}

export async function loadText(t: TestContext, text: string, env: Environment = {}): Promise<LoadedConfig> {
  return loadConfig({ file: 'my.yaml', env, cwd: await configFolder(t, text), projectDirectory });
}

/** The problems of this file, one per line, without the first line that counts them. */
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
