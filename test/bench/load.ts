/**
 * Runs the clients of the bench in their own process, so that their cost is not counted. Does one job at a time and
 * reports what the clients measured. Each conversation has one socket and sends its next message when the turn before
 * has ended.
 */
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { WebSocket } from 'ws';
import type { Job, LoadResult } from './load-job.ts';
import { agesMs, nowMicros } from './script.ts';

interface Frame {
  request_id: string | null;
  status: string;
  chunk?: { type: string; data: string };
}

interface LoadClient {
  /** Sends a message and resolves at the end of its turn. */
  chat(text: string, conversation: string): Promise<void>;
}

/** A turn that takes longer than this has failed. */
const timeoutMs = 30_000;

const connected = new Map<string, LoadClient[]>();
let delays: number[] = [];
let firstChunks: number[] = [];
let nextRequest = 1;

async function connect(url: string): Promise<LoadClient> {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  let turn: { sentMs: number; begun: boolean; resolve(): void; reject(error: Error): void } | null = null;
  const fail = (why: string) => turn?.reject(new Error(why));

  socket.on('message', (data) => {
    const frame: Frame = JSON.parse(data.toString());
    if (frame.status === 'complete') turn?.resolve();
    else if (frame.status === 'error') fail(`a turn failed: ${data.toString()}`);
    else if (frame.chunk?.type === 'text' && turn) {
      if (!turn.begun) firstChunks.push(performance.now() - turn.sentMs);
      turn.begun = true;
      delays.push(...agesMs(frame.chunk.data, nowMicros()));
    }
  });
  socket.on('close', () => fail('the server closed the socket'));
  await once(socket, 'open');

  return {
    async chat(text, conversation) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const timer = setTimeout(() => fail('a turn did not end'), timeoutMs);
      turn = { sentMs: performance.now(), begun: false, resolve, reject };
      const payload = { text, conversation_id: conversation };
      socket.send(JSON.stringify({ action: 'chat', request_id: `r${nextRequest++}`, payload }));
      await promise.finally(() => clearTimeout(timer));
    },
  };
}

async function connectClients(url: string, count: number): Promise<LoadClient[]> {
  const clients = connected.get(url) ?? [];
  connected.set(url, clients);
  while (clients.length < count) clients.push(await connect(url));
  return clients.slice(0, count);
}

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

function spread(values: number[]): { p50: number; p99: number } {
  const sorted = values.sort((a, b) => a - b);
  return { p50: percentile(sorted, 0.5), p99: percentile(sorted, 0.99) };
}

async function work({
  url,
  conversations,
  atOnce,
  name,
  text,
  turnsEach,
  seconds,
  staggerMs,
}: Job): Promise<LoadResult> {
  const clients = await connectClients(url, conversations);
  const queue = clients.entries();
  delays = [];
  firstChunks = [];
  let turns = 0;
  const startMs = performance.now();
  const endMs = startMs + seconds * 1000;
  await Promise.all(
    Array.from({ length: atOnce }, async (_, lane) => {
      await pause(lane * staggerMs);
      for (const [index, client] of queue) {
        for (let turn = 0; turn < turnsEach && performance.now() < endMs; turn++) {
          await client.chat(text, `${name}-${index}`);
          turns += 1;
        }
      }
    }),
  );
  return {
    turns,
    seconds: (performance.now() - startMs) / 1000,
    firstChunkMs: spread(firstChunks),
    addedMs: spread(delays),
  };
}

process.on('message', (job: Job) => {
  work(job).then(
    (seen) => process.send?.(seen),
    (error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
      process.exit(1);
    },
  );
});
process.once('disconnect', () => process.exit());
process.stdout.write('the load is ready\n');
