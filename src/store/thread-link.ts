/**
 * Connects the main thread to one database thread: starts it at the first job, matches answers to jobs, and starts a new
 * thread after a crash. Does not know the jobs.
 */
import { Worker } from 'node:worker_threads';
import { AppError } from '../errors.ts';
import type { JobKind, JobReply, Jobs, ThreadSettings } from './thread-messages.ts';

/** The link to one thread. */
export interface ThreadLink {
  /** Loads the thread's code before the first job. */
  start(): void;
  /** Rejects with an AppError if the job failed or the thread ended during the job. */
  ask<K extends JobKind>(kind: K, ask: Jobs[K]['ask']): Promise<Jobs[K]['answer']>;
  /** Closes the thread's database, then ends the thread. Later jobs are rejected. */
  end(): Promise<void>;
}

interface Asked {
  resolve(answer: never): void;
  reject(error: AppError): void;
}

/** Creates the link to a store thread. The thread starts with the first request. */
export function createThreadLink(settings: ThreadSettings): ThreadLink {
  const asked = new Map<number, Asked>();
  let worker: Worker | null = null;
  let lastId = 0;
  let ended = false;

  function start(): Worker {
    if (worker !== null) return worker;
    const started = new Worker(new URL('./thread/thread.ts', import.meta.url), { workerData: settings });
    started.on('message', answer);
    // Without a listener an error would end the process.
    started.on('error', (cause) => lose(started, cause));
    started.on('exit', () => lose(started, undefined));
    worker = started;
    return started;
  }

  function answer(reply: JobReply): void {
    const waiting = asked.get(reply.id);
    if (waiting === undefined) return;
    asked.delete(reply.id);
    if ('failure' in reply) {
      const { code, message, data } = reply.failure;
      waiting.reject(new AppError(code, message, { data }));
    } else waiting.resolve(reply.answer);
  }

  function lose(lost: Worker, cause: unknown): void {
    if (worker !== lost) return;
    worker = null;
    const unanswered = [...asked.values()];
    asked.clear();
    for (const { reject } of unanswered) {
      reject(new AppError('storage_failed', `The ${settings.role} thread of the event log ended.`, { cause }));
    }
  }

  function ask<K extends JobKind>(kind: K, ask: Jobs[K]['ask']): Promise<Jobs[K]['answer']> {
    if (ended) return Promise.reject(new AppError('shutting_down', 'The event log is closed.'));
    return new Promise((resolve, reject) => {
      lastId += 1;
      start().postMessage({ id: lastId, kind, ask });
      asked.set(lastId, { resolve, reject });
    });
  }

  return {
    start,
    ask,
    async end() {
      if (ended || worker === null) {
        ended = true;
        return;
      }
      const closing = ask('close', null);
      ended = true;
      try {
        await closing;
      } finally {
        await worker?.terminate();
      }
    },
  };
}
