/**
 * Measures the memory that 100,000 conversations leave, as JSON: `node test/bench/passivation.ts`, about two minutes.
 * The server is the shipping one with an idle_timeout of a second, on a log in which every conversation has a past turn
 * (3 rows, 600 characters). Two kinds of requests are measured:
 *
 * `opened`: a cancel frame to each conversation, which starts its actor, reads its log into the cache, and is answered.
 *
 * `chatted`: a whole turn with the demo model, in a tenth as many conversations.
 *
 * Both are measured after a first round of the same kind, because the caches of SQLite, tokens and V8 fill once.
 */
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { createActor } from 'xstate';
import { z } from 'zod';
import type { NewRow } from '../../machines/log.ts';
import { openStore } from '../../src/store/store.ts';
import { readMetrics } from '../support/metrics.ts';
import { readRunnerOptions } from '../support/runner-options.ts';
import { createChildren, type Child } from './children.ts';
import { urlIn } from './subjects.ts';

readRunnerOptions(`Usage: node test/bench/passivation.ts

Measures what 100,000 conversations leave in memory, in about two minutes. Prints JSON. Linux only.
`);

const counts = { opened: { warmUp: 10_000, touched: 100_000 }, chatted: { warmUp: 2_000, touched: 10_000 } };
/** Requests in flight at any time. */
const atOnce = 100;
const seedBatch = 500;

type Touch = keyof typeof counts;

const file = (...path: string[]) => join(import.meta.dirname, ...path);
const heap = z.object({ heapBytes: z.number() });
const megabytes = (bytes: number) => Math.round(bytes / 104_857.6) / 10;

function pastTurn(index: number): NewRow[] {
  const blank = { tool_calls: null, tool_call_id: null, model: null, usage: null, request_id: 'past', extra: {} };
  return [
    {
      ...blank,
      type: 'user_message',
      role: 'user',
      content: `Question ${index}: `.padEnd(300, 'why '),
      token_count: 75,
    },
    {
      ...blank,
      type: 'assistant_message',
      role: 'assistant',
      content: `Answer ${index}: `.padEnd(300, 'because '),
      token_count: 40,
    },
    { ...blank, type: 'meta', role: null, content: null, token_count: null, extra: { kind: 'turn_end' } },
  ];
}

async function seed(path: string, conversations: number): Promise<void> {
  const { store, writerLogic, opened } = openStore({ path, synchronous: 'NORMAL' });
  createActor(writerLogic).start();
  await opened;
  const append = (index: number) =>
    new Promise((resolve) => {
      const begin = { requestId: 'past', digest: 'past' };
      store.append(
        {
          conversationId: `opened${index}`,
          owner: 'anonymous',
          rows: pastTurn(index),
          begin,
          end: { requestId: 'past', payload: null },
        },
        resolve,
      );
    });
  for (let from = 0; from < conversations; from += seedBatch) {
    await Promise.all(Array.from({ length: seedBatch }, (_, offset) => append(from + offset)));
  }
  await store.close();
}

/** Sends one request to each of these conversations. Resolves when the last is answered. */
async function touch(socket: WebSocket, kind: Touch, from: number, to: number): Promise<void> {
  const all = Promise.withResolvers<void>();
  let next = from;
  let answered = 0;
  const send = () => {
    if (next === to) return;
    const conversation = { conversation_id: `${kind}${next}` };
    const request =
      kind === 'opened'
        ? { action: 'cancel', payload: conversation }
        : { action: 'chat', payload: { ...conversation, text: 'Hello' } };
    socket.send(JSON.stringify({ request_id: `r${next}`, ...request }));
    next += 1;
  };
  const onMessage = (data: Buffer) => {
    const { status, error }: { status: string; error?: object } = JSON.parse(data.toString());
    if (status === 'error') all.reject(new Error(JSON.stringify(error)));
    if (status !== 'result' && status !== 'complete') return;
    answered += 1;
    if (answered === to - from) all.resolve();
    else send();
  };
  socket.on('message', onMessage);
  for (let started = 0; started < atOnce; started += 1) send();
  await all.promise;
  socket.off('message', onMessage);
}

/** Measures the server's memory when no conversation is live. A pause lets the last actors be released first. */
async function measure(server: Child, url: string) {
  for (;;) {
    const metrics = await readMetrics(url);
    if (metrics.get('parley_conversations_live') === 0 && metrics.get('parley_writes_queued') === 0) break;
    await pause(250);
  }
  await pause(500);
  const { heapBytes } = await server.ask({}, heap);
  const metrics = await readMetrics(url);
  return {
    heapMb: megabytes(heapBytes),
    rssMb: megabytes(metrics.get('parley_process_resident_memory_bytes') ?? 0),
    warmBytes: metrics.get('parley_log_cache_bytes'),
  };
}

const folder = await mkdtemp(join(tmpdir(), 'parley-passivation-'));
const children = createChildren();
try {
  const database = join(folder, 'events.db');
  await seed(database, counts.opened.warmUp + counts.opened.touched);
  const config = {
    llm: { active: 'demo', demo: { chunk_delay_ms: 0 } },
    chat: {
      websocket: { host: '127.0.0.1', port: 0, frames_per_second: 1_000_000, frame_burst: 1_000_000 },
      service: { idle_timeout: 1 },
    },
    repository: { path: database, synchronous: 'normal' },
    mcp: { config_file: 'servers.json' },
    logging: { level: 'error' },
  };
  await writeFile(join(folder, 'config.yaml'), JSON.stringify(config));
  await writeFile(join(folder, 'servers.json'), '{"mcpServers":{}}');
  const args = [
    '--expose-gc',
    '--import',
    file('probe.ts'),
    file('..', '..', 'src', 'main.ts'),
    '--config',
    join(folder, 'config.yaml'),
  ];
  const server = await children.start(args, join(folder, 'stderr.log'));
  const url = urlIn(server);
  const socket = new WebSocket(url);
  await once(socket, 'open');

  const report: Record<string, unknown> = { node: process.version, atStart: await measure(server, url) };
  for (const kind of ['opened', 'chatted'] as const) {
    const { warmUp, touched } = counts[kind];
    await touch(socket, kind, 0, warmUp);
    const before = await measure(server, url);
    const startedMs = performance.now();
    await touch(socket, kind, warmUp, warmUp + touched);
    const seconds = Math.round((performance.now() - startedMs) / 100) / 10;
    const after = await measure(server, url);
    report[kind] = {
      conversations: touched,
      seconds,
      before,
      after,
      heapBytesEach: Math.round(((after.heapMb - before.heapMb) * 1_048_576) / touched),
    };
  }
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
} finally {
  await children.stopAll();
  await rm(folder, { recursive: true, force: true });
}
