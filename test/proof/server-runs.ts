/**
 * The server under proof over all its lives: it is started, killed and started again, and what it has shown adds up.
 * Hands on the proof's word to the store of the present one, for which appends are pending in their order.
 */
import type { LogRow } from '../../machines/log.ts';
import { startHeldServer, type HeldServer } from './held-server.ts';
import type { Stage } from './environment.ts';
import { openQuestions, type OpenQuestion } from './world.ts';

export interface ServerLives {
  /** The present one. */
  server(): HeldServer;
  /** Over all lives: appends and removals that were begun. */
  appends(): number;
  removals(): number;
  /** Reads of the log that wait for an answer. */
  waitingReads(): number;
  /** Rows that got to the disk, in order; and whether the log was removed for good. */
  landed(): LogRow[];
  removed(): boolean;
  /** Questions of which no answer is on disk. */
  questions(): OpenQuestion[];
  output(): string;
  /** Answers the oldest read. */
  read(works: boolean): void;
  /** These appends of the present life wait from now on. */
  wait(numbers: readonly number[]): void;
  /** What the waiting ones are about, oldest first: types of their rows, and kinds of `meta` rows. */
  waiting(): string[][];
  /** Lets the oldest get to the disk, and then to the server with one behind that fails, unless it stops there. */
  commit(count: number, options: { thenFails: boolean; stops: boolean }): Promise<void>;
  fail(): void;
  remove(stops: boolean): Promise<void>;
  keepLog(): void;
  /** SIGKILL, and a new start. */
  restart(): Promise<void>;
}

export async function startLives({ home, cache, bell }: Pick<Stage, 'home' | 'cache' | 'bell'>): Promise<ServerLives> {
  const start = () => startHeldServer({ folder: home.folder, holds: true, cache, bell });
  const lives = [await start()];
  let server = lives[0] ?? (await start());
  let pending: number[] = [];
  let readsDone = 0;
  const rows = () => lives.flatMap(({ landed }) => landed);

  return {
    server: () => server,
    appends: () => lives.reduce((sum, { announced }) => sum + announced.appends, 0),
    removals: () => lives.reduce((sum, { announced }) => sum + announced.removals, 0),
    waitingReads: () => server.announced.reads - readsDone,
    landed: rows,
    removed: () => lives.some(({ removed }) => removed),
    questions: () => openQuestions(rows()),
    output: () => lives.map(({ output }) => output).join(''),
    read: (works) => server.say({ say: 'read', number: (readsDone += 1), works }),
    wait: (numbers) => void pending.push(...numbers),
    waiting: () => pending.map((number) => server.appends[number - 1] ?? []),
    async commit(count, { thenFails, stops }) {
      const numbers = pending.slice(0, count);
      server.say({ say: 'store', numbers });
      await server.haveLanded(numbers);
      if (stops) return;
      const told = pending.splice(0, count + (thenFails ? 1 : 0));
      server.say({ say: 'tell', appends: told.map((number) => ({ number, fails: !numbers.includes(number) })) });
    },
    fail: () => server.say({ say: 'tell', appends: pending.splice(0, 1).map((number) => ({ number, fails: true })) }),
    async remove(stops) {
      server.say({ say: 'remove' });
      await bell.until(
        () => server.removed,
        () => 'the log to be removed',
      );
      if (!stops) server.say({ say: 'tellRemoval', works: true });
    },
    keepLog: () => server.say({ say: 'tellRemoval', works: false }),
    async restart() {
      await server.kill();
      pending = [];
      readsDone = 0;
      server = await start();
      lives.push(server);
    },
  };
}
