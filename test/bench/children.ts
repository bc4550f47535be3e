/**
 * Runs the child processes of the bench: starts them, asks each one question at a time, and stops all of them in every
 * case. Does not know what they do. When a child exits early, pending questions are rejected.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { z } from 'zod';
import { compileCache } from '../support/compile-cache.ts';

export interface Child {
  readonly pid: number;
  /** First line on standard output, which says that the child is ready. */
  readonly greeting: string;
  /** Sends a question and returns the next message from the child. */
  ask<T>(question: object, answer: z.ZodType<T>): Promise<T>;
  stop(): Promise<void>;
}

export interface Children {
  /** Starts `node ARGS`; standard error goes to `errorFile`. `env`: further variables. */
  start(args: readonly string[], errorFile: string, env?: Record<string, string>): Promise<Child>;
  stopAll(): Promise<void>;
}

/** Longest time for a child to get ready, and to exit before it is killed. */
const startMs = 180_000;
const stopMs = 5_000;
/** Characters shown of the errors of a child that exited early. */
const errorChars = 2_000;

export function createChildren(): Children {
  const running = new Set<Child>();

  return {
    async start(args, errorFile, env = {}) {
      const child = spawn(process.execPath, args, {
        // Keys and settings of the user who runs the bench are left out.
        env: { PATH: process.env['PATH'], ...compileCache, ...env },
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
