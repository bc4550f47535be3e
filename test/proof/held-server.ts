/**
 * Starts the server under test in its own process: the shipping src/main.ts, with its store held or not. *Held* means
 * that each append, removal and read waits for a command of the proof. Reports the events of the held store, sends
 * commands to it, and kills the process.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { LogRow } from '../../machines/log.ts';
import type { Notifier } from './notifier.ts';
import { parseStoreEvent, type StoreCommand } from './held-store-messages.ts';

const main = join(import.meta.dirname, '..', '..', 'src', 'main.ts');
const holdStore = pathToFileURL(join(import.meta.dirname, 'held-store-hook.ts')).href;

export interface HeldServer {
  readonly url: string;
  /** Numbers of operations that the store has reported. */
  readonly announced: { appends: number; removals: number; reads: number; lookUps: number };
  /** Contents of the appends, in order: row types, and kinds of `meta` rows. */
  readonly appends: readonly string[][];
  /** Rows that reached the disk, in order. */
  readonly landed: readonly LogRow[];
  /** The conversation's log is removed from the disk. */
  readonly removed: boolean;
  readonly ended: boolean;
  /** Everything that the process wrote to standard error. */
  readonly output: string;
  send(command: StoreCommand): void;
  /** Resolves when the store has taken the command: what a client sends afterwards comes after it. */
  prepare(command: Extract<StoreCommand, { command: 'break' | 'holdLookUp' }>): Promise<void>;
  /** Resolves when these appends have landed. */
  haveLanded(numbers: readonly number[]): Promise<void>;
  signal(name: 'SIGTERM'): void;
  /** Sends SIGKILL. Resolves when the process is gone, at once if it is already. */
  kill(): Promise<void>;
}

/** Starts the server in a temporary home and resolves when it listens. */
export async function startHeldServer({
  folder,
  holds,
  cache,
  notifier,
}: {
  folder: string;
  holds: boolean;
  cache: string;
  notifier: Notifier;
}): Promise<HeldServer> {
  const child = spawn(
    process.execPath,
    [...(holds ? ['--import', holdStore] : []), main, '--config', join(folder, 'config.yaml')],
    {
      cwd: folder,
      env: { PATH: process.env['PATH'], NODE_COMPILE_CACHE: cache },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    },
  );
  let output = '';
  let stdout = '';
  let ended = false;
  let removed = false;
  let readyCount = 0;
  const announced = { appends: 0, removals: 0, reads: 0, lookUps: 0 };
  const appends: string[][] = [];
  const landedNumbers = new Set<number>();
  const landed: LogRow[] = [];
  child.stdout?.on('data', (data: Buffer) => {
    stdout += data.toString();
    notifier.notify();
  });
  child.stderr?.on('data', (data: Buffer) => (output += data.toString()));
  child.once('exit', () => {
    ended = true;
    notifier.notify();
  });
  child.on('message', (message) => {
    const reported = parseStoreEvent(message);
    if (reported?.event === 'append') {
      announced.appends = reported.number;
      appends.push(reported.rows);
    } else if (reported?.event === 'landed') {
      landedNumbers.add(reported.number);
      landed.push(...reported.rows);
    } else if (reported?.event === 'removal') {
      announced.removals += 1;
    } else if (reported?.event === 'removed') {
      removed = true;
    } else if (reported?.event === 'read') {
      announced.reads = reported.number;
    } else if (reported?.event === 'ready') {
      readyCount += 1;
    } else if (reported?.event === 'lookedUp') {
      announced.lookUps += 1;
    }
    notifier.notify();
  });
  // A process that has exited receives no commands.
  const send = (command: StoreCommand) => void (child.connected && child.send(command));
  const address = () => /listens at (ws:\S+)/.exec(stdout)?.[1];
  await notifier.waitUntil(
    () => ended || address() !== undefined,
    () => 'the server to listen',
  );
  if (ended) throw new Error(`the server ended before it listened: ${stdout}${output}`);

  return {
    url: (address() ?? '').replace('localhost', '127.0.0.1'),
    announced,
    appends,
    landed,
    get removed() {
      return removed;
    },
    get ended() {
      return ended;
    },
    get output() {
      return output;
    },
    send,
    async prepare(command) {
      const before = readyCount;
      send(command);
      await notifier.waitUntil(
        () => ended || readyCount > before,
        () => `the store to take ${command.command}`,
      );
    },
    async haveLanded(numbers) {
      await notifier.waitUntil(
        () => ended || numbers.every((number) => landedNumbers.has(number)),
        () => `append ${numbers.join(' and ')} to land`,
      );
      if (!numbers.every((number) => landedNumbers.has(number)))
        throw new Error('the server ended with an append on its way');
    },
    signal: (name) => void child.kill(name),
    async kill() {
      child.kill('SIGKILL');
      await notifier.waitUntil(
        () => ended,
        () => 'the server to be gone',
      );
    },
  };
}
