/**
 * The bench's processes: started, asked one thing at a time, and all of them stopped again, whatever
 * happens. Knows nothing of what they do. A child that ends early fails whoever waits for it.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { z } from 'zod';
import { compileCache } from '../support/compile-cache.ts';

export interface Child {
  readonly pid: number;
  /** Its first line on standard output, which says that it is ready. */
  readonly greeting: string;
  /** Sends a question and resolves with the next message that comes back. */
  ask<T>(question: object, answer: z.ZodType<T>): Promise<T>;
  stop(): Promise<void>;
}

export interface Children {
  /** Starts `node ARGS`; its errors are written to `errorFile`. */
  start(args: readonly string[], errorFile: string): Promise<Child>;
  stopAll(): Promise<void>;
}

/** Longest that a child may take to be ready, or to leave before it is killed. */
const startMs = 20_000;
const stopMs = 5_000;
/** What is shown of the errors of a child that ended early. */
const errorChars = 2_000;

export function createChildren(): Children {
  const running = new Set<Child>();

  return {
    async start(args, errorFile) {
      const child = spawn(process.execPath, args, {
        // No keys and no settings of whoever runs the bench.
        env: { PATH: process.env['PATH'], ...compileCache },
        stdio: ['ignore', 'pipe', openSync(errorFile, 'a'), 'ipc'],
      });
      let stopping = false;
      const stop = () => {
        stopping = true;
        return end(child);
      };
      const name = args.join(' ');
      const { promise: exited, reject } = Promise.withResolvers<never>();
      exited.catch(() => {});
      child.once('error', reject);
      child.once('exit', (code, signal) => {
        const errors = stopping ? '' : readFileSync(errorFile, 'utf8').slice(-errorChars);
        reject(new Error(`${name} ended (${code ?? signal}): ${errors}`));
      });
      const greeting = await Promise.race([exited, firstLine(child, name)]).catch(async (error: unknown) => {
        await stop();
        throw error;
      });
      const started: Child = {
        pid: child.pid ?? 0,
        greeting,
        async ask(question, answer) {
          child.send(question);
          const [message] = await Promise.race([exited, once(child, 'message')]);
          return answer.parse(message);
        },
        async stop() {
          running.delete(started);
          await stop();
        },
      };
      running.add(started);
      return started;
    },
    async stopAll() {
      await Promise.all([...running].map((child) => child.stop()));
    },
  };
}

async function firstLine(child: ChildProcess, name: string): Promise<string> {
  if (!child.stdout) throw new Error(`${name} has no standard output`);
  const lines = createInterface(child.stdout);
  const [line] = await once(lines, 'line', { signal: AbortSignal.timeout(startMs) });
  return String(line);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const killTimer = setTimeout(() => child.kill('SIGKILL'), stopMs);
  await exited;
  clearTimeout(killTimer);
}
