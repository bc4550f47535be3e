/** Runs commands in a child process with the real program, on the database of a configuration file. */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const main = join(import.meta.dirname, '..', '..', 'src', 'main.ts');

export interface Ran {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/** Runs the program in the folder of `database`, configured to use it. */
export async function parley(database: string, ...args: string[]): Promise<Ran> {
  const folder = dirname(database);
  const config = join(folder, 'config.yaml');
  writeFileSync(config, `repository:\n  path: ${database}\n`);
  const running = promisify(execFile)(process.execPath, [main, ...args, '--config', config], { cwd: folder });
  try {
    const { stdout, stderr } = await running;
    return { exitCode: 0, stdout, stderr };
  } catch (error) {
    const { exitCode } = running.child;
    const text = (key: string) =>
      typeof error === 'object' && error !== null
        ? String(Object.entries(error).find(([name]) => name === key)?.[1] ?? '')
        : '';
    return { exitCode: exitCode ?? -1, stdout: text('stdout'), stderr: text('stderr') };
  }
}
