/**
 * Runs the commands of a page in a copy of the project, which has its own ports and its own database. npm does not run
 * there: the packages are those of the project.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { freePort } from '../support/free-port.ts';

export interface ProjectCopy {
  readonly folder: string;
  /** What a page writes, with the ports of this copy and the values that were printed before. */
  localize(text: string): string;
  /** What this copy prints, with the ports of the pages. */
  generalize(text: string): string;
  write(name: string, text: string): Promise<void>;
  /** Runs commands with bash; standard error goes where standard output goes. */
  run(commands: string): Promise<{ code: number | null; output: string }>;
  /** Starts commands and resolves with their output as soon as `until` is in it. A server replaces the server before it. */
  startInBackground(commands: string, until: string): Promise<string>;
  /** Ends background processes and removes all that was written since the copy was made. */
  reset(): Promise<void>;
  remove(): Promise<void>;
}

const project = join(import.meta.dirname, '..', '..');
/** Ports that the pages show: the server's, and the example page's. Each copy has others. */
const SHOWN_PORTS = ['8000', '3000'];
/** Files that a copy has, and files in which ports are replaced. */
const COPIED = [
  'run.sh',
  'package.json',
  'package-lock.json',
  '.npmrc',
  'README.md',
  'config',
  'docs',
  'machines',
  'src',
];
const WITH_PORTS = /^(?:config|src\/config\/schema|docs\/examples)\//;
const PATIENCE_MS = 60_000;

export async function copyProject(): Promise<ProjectCopy> {
  const place = await realpath(await mkdtemp(join(tmpdir(), 'parley-docs-')));
  const folder = join(place, 'parley');
  const bin = join(place, 'bin');
  const ports = new Map<string, string>();
  for (const shown of SHOWN_PORTS) ports.set(shown, String(await freePort()));
  const swapPorts = (text: string, pairs: Iterable<readonly [string, string]>) =>
    [...pairs].reduce((swapped, [from, to]) => swapped.replaceAll(new RegExp(`\\b${from}\\b`, 'g'), to), text);

  for (const name of COPIED) await cp(join(project, name), join(folder, name), { recursive: true });
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name);
    if (!entry.isFile() || !WITH_PORTS.test(file.slice(folder.length + 1))) continue;
    const text = swapPorts(await readFile(file, 'utf8'), ports);
    // On a busy machine an MCP server may need longer than that to connect, and pages show connected servers.
    await writeFile(file, text.replace(/(?<=startup_wait:\D*)1\.5/, '60'));
  }
  // Packages are reached through links, so that nothing writes into the project's own folder.
  await mkdir(join(folder, 'node_modules'));
  for (const name of await readdir(join(project, 'node_modules')))
    if (!name.startsWith('.')) await symlink(join(project, 'node_modules', name), join(folder, 'node_modules', name));
  await mkdir(bin);
  await symlink(process.execPath, join(bin, 'node'));
  await writeFile(join(bin, 'npm'), '#!/bin/sh\necho "npm does not run in this copy" >&2\nexit 1\n', { mode: 0o755 });
  const before = new Set(await readdir(folder));

  const env = {
    PATH: [bin, process.env['PATH']].join(delimiter),
    HOME: place,
    LANG: 'C.UTF-8',
    NODE_COMPILE_CACHE: join(place, 'compile-cache'),
  };
  const captured = new Map<string, string>();
  const background = new Map<string, ChildProcess>();

  const start = (commands: string) => {
    const child = spawn('bash', ['-euo', 'pipefail', '-c', `exec 2>&1\n${commands}`], {
      cwd: folder,
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    });
    const printed = { text: '' };
    child.stdout?.on('data', (data: Buffer) => (printed.text += data.toString()));
    return { child, printed };
  };
  /** The whole group: what bash started ends with it. */
  const end = async (child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM') => {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
    const ended = once(child, 'exit');
    process.kill(-child.pid, signal);
    await ended;
  };
  const capture = (output: string) => {
    const token = /\bparley_[\w-]{43}/.exec(output)?.[0];
    const hash = /sha256: "([\da-f]{64})"/.exec(output)?.[1];
    if (token !== undefined) captured.set('TOKEN', token);
    if (hash !== undefined) captured.set('HASH', hash);
  };

  const copy: ProjectCopy = {
    folder,
    localize: (text) =>
      [...captured].reduce(
        (localized, [word, value]) => localized.replaceAll(new RegExp(`(?<![\\w-])${word}(?![\\w-])`, 'g'), value),
        swapPorts(text, ports),
      ),
    generalize: (text) =>
      swapPorts(
        text,
        [...ports].map(([shown, own]) => [own, shown] as const),
      ).replaceAll(folder, '/opt/parley'),
    async write(name, text) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), `${copy.localize(text)}\n`);
    },
    async run(commands) {
      const { child, printed } = start(copy.localize(commands));
      const timer = setTimeout(() => void end(child, 'SIGKILL'), PATIENCE_MS);
      await once(child, 'close');
      clearTimeout(timer);
      capture(printed.text);
      return { code: child.exitCode, output: printed.text };
    },
    async startInBackground(commands, until) {
      const earlier = background.get(until);
      if (earlier) await end(earlier);
      const { child, printed } = start(copy.localize(commands));
      background.set(until, child);
      await new Promise<void>((resolve, reject) => {
        const fail = (reason: string) => reject(new Error(`${reason}: ${commands}\n${printed.text}`));
        const timer = setTimeout(() => fail(`nothing printed "${until}" in time`), PATIENCE_MS);
        child.stdout?.on('data', () => {
          if (!printed.text.includes(until)) return;
          clearTimeout(timer);
          resolve();
        });
        child.once('exit', () => fail('the process ended'));
      });
      // bash becomes run.sh or node where a block is one command, so this is the process that signals reach.
      captured.set('PID', String(child.pid));
      return printed.text;
    },
    async reset() {
      for (const child of background.values()) await end(child);
      background.clear();
      captured.clear();
      for (const name of await readdir(folder))
        if (!before.has(name)) await rm(join(folder, name), { recursive: true, force: true });
    },
    async remove() {
      await copy.reset();
      await rm(place, { recursive: true, force: true });
    },
  };
  // The stamp of run.sh: everything is installed.
  await copy.run(
    'printf "%s all\\n" "$(cksum <package-lock.json; node --version; uname -sm)" >node_modules/.parley-installed',
  );
  return copy;
}
