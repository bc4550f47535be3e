/**
 * Runs the server under test several times: starts it, kills it and starts it again, and adds up what it has shown.
 * Sends commands to the store of the present run and keeps the order of its pending appends.
 */
import type { LogRow } from '../../machines/log.ts';
import { startHeldServer, type HeldServer } from './held-server.ts';
import type { Environment } from './environment.ts';
import { openQuestions, type OpenQuestion } from './world.ts';

export interface ServerRuns {
  /** Server of the present run. */
  server(): HeldServer;
  /** Over all runs: appends and removals that began. */
  appends(): number;
  removals(): number;
  /** Reads of the log that wait for a command. */
  waitingReads(): number;
  /** Rows that reached the disk, in order; and whether the log was removed permanently. */
  landed(): LogRow[];
  removed(): boolean;
  /** Questions without an answer on disk. */
  questions(): OpenQuestion[];
  output(): string;
  /** Answers the oldest read. */
  read(works: boolean): void;
  /** Adds appends of the present run to the waiting ones. */
  wait(numbers: readonly number[]): void;
  /** Contents of the waiting appends, oldest first: types of their rows, and kinds of `meta` rows. */
  waiting(): string[][];
  /** Lets the oldest appends land. Unless `stops`, also notifies the server; with `thenFails` the next one fails. */
  commit(count: number, options: { thenFails: boolean; stops: boolean }): Promise<void>;
  fail(): void;
  remove(stops: boolean): Promise<void>;
  keepLog(): void;
  /** Sends SIGKILL and starts again. */
  restart(): Promise<void>;
}

export async function startServerRuns({
  home,
  cache,
  notifier,
}: Pick<Environment, 'home' | 'cache' | 'notifier'>): Promise<ServerRuns> {
  const start = () => startHeldServer({ folder: home.folder, holds: true, cache, notifier });
  const runs = [await start()];
  let server = runs[0] ?? (await start());
  let pending: number[] = [];
  let readsDone = 0;
  const rows = () => runs.flatMap(({ landed }) => landed);

  return {
    server: () => server,
    appends: () => runs.reduce((sum, { announced }) => sum + announced.appends, 0),
    removals: () => runs.reduce((sum, { announced }) => sum + announced.removals, 0),
    waitingReads: () => server.announced.reads - readsDone,
    landed: rows,
    removed: () => runs.some(({ removed }) => removed),
    questions: () => openQuestions(rows()),
    output: () => runs.map(({ output }) => output).join(''),
    read: (works) => server.send({ command: 'read', number: (readsDone += 1), works }),
    wait: (numbers) => void pending.push(...numbers),
    waiting: () => pending.map((number) => server.appends[number - 1] ?? []),
    async commit(count, { thenFails, stops }) {
      const numbers = pending.slice(0, count);
      server.send({ command: 'store', numbers });
      await server.haveLanded(numbers);
      if (stops) return;
      const finished = pending.splice(0, count + (thenFails ? 1 : 0));
      server.send({
        command: 'acknowledge',
        appends: finished.map((number) => ({ number, fails: !numbers.includes(number) })),
      });
    },
    fail: () =>
      server.send({ command: 'acknowledge', appends: pending.splice(0, 1).map((number) => ({ number, fails: true })) }),
    async remove(stops) {
      server.send({ command: 'remove' });
      await notifier.waitUntil(
        () => server.removed,
        () => 'the log to be removed',
      );
      if (!stops) server.send({ command: 'acknowledgeRemoval', works: true });
    },
    keepLog: () => server.send({ command: 'acknowledgeRemoval', works: false }),
    async restart() {
      await server.kill();
      pending = [];
      readsDone = 0;
      server = await start();
      runs.push(server);
    },
  };
}
