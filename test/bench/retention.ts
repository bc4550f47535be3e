/**
 * Measures the cost of the sweep for concurrent chats, as JSON: `node test/bench/retention.ts`, about a minute. A log
 * of 100,000 events, half of them in one conversation, was kept without a limit. Then the server starts with a policy
 * that keeps almost nothing of it. While it sweeps, 32 clients chat in other conversations with a model of 50 deltas a
 * second, and again when the sweep is over.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { existsSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { createActor } from 'xstate';
import type { NewRow } from '../../machines/log.ts';
import { openStore } from '../../src/store/store.ts';
import { readRunnerOptions } from '../support/runner-options.ts';
import { createChildren } from './children.ts';
import { loadResult, type LoadResult } from './load-job.ts';
import { urlIn } from './subjects.ts';

readRunnerOptions(
  `Usage: node test/bench/retention.ts\n\nMeasures the cost of the sweep for concurrent chats, in about a minute. Prints JSON.\n`,
);

/** Number of turns, of four events each, by conversation: one long log, and many short ones. */
const old = new Map([
  ['old-long', 12_500],
  ...Array.from({ length: 250 }, (_, index) => [`old-${index}`, 50] as const),
]);
const clients = 32;
const jobSeconds = 1.5;
/** Free pages that the sweep leaves for later, and those of turns that end during the sweep. */
const spareFreePages = 256;

const megabytes = (bytes: number) => Math.round(bytes / 104_857.6) / 10;
const file = (...path: string[]) => join(import.meta.dirname, ...path);

function turn(requestId: string): NewRow[] {
  const blank = {
    content: null,
    tool_calls: null,
    tool_call_id: null,
    model: null,
    usage: null,
    request_id: requestId,
    extra: {},
    token_count: null,
  };
  return [
    { ...blank, type: 'user_message', role: 'user', content: 'Why? '.repeat(60), token_count: 120 },
    { ...blank, type: 'tool_result', role: 'tool', content: 'Because. '.repeat(100), token_count: 200 },
    { ...blank, type: 'assistant_message', role: 'assistant', content: 'Therefore. '.repeat(60), token_count: 120 },
    { ...blank, type: 'meta', role: null, extra: { kind: 'turn_end' } },
  ];
}

async function seed(path: string): Promise<void> {
  const { store, writerLogic, opened } = openStore({ path, synchronous: 'NORMAL' });
  createActor(writerLogic).start();
  await opened;
  for (const [conversationId, turns] of old) {
    for (let index = 0; index < turns; index += 50) {
      await Promise.all(
        Array.from(
          { length: 50 },
          (_, offset) =>
            new Promise((resolve) => {
              const requestId = `r${index + offset}`;
              store.append(
                {
                  conversationId,
                  owner: 'anonymous',
                  rows: turn(requestId),
                  begin: { requestId, digest: 'past' },
                  end: { requestId, payload: null },
                },
                resolve,
              );
            }),
        ),
      );
    }
  }
  await store.close();
}

/** Events of the old conversations that are left in the file, and its free pages. */
function stateOf(path: string): { events: number; freePages: number } {
  const db = new Database(path, { readonly: true });
  try {
    const events =
      db
        .prepare<[], number>(`SELECT SUM(head_seq - oldest_seq + 1) FROM conversations WHERE id LIKE 'old-%'`)
        .pluck()
        .get() ?? 0;
    return { events, freePages: Number(db.pragma('freelist_count', { simple: true })) };
  } finally {
    db.close();
  }
}

/** The file with its write-ahead log. */
const sizes = (path: string) => ({
  fileMb: megabytes(statSync(path).size),
  logMb: existsSync(`${path}-wal`) ? megabytes(statSync(`${path}-wal`).size) : 0,
});

/** Worst and typical values of some jobs. */
const worst = (jobs: readonly LoadResult[]) => ({
  jobs: jobs.length,
  turns: jobs.reduce((sum, job) => sum + job.turns, 0),
  chunkDelayMs: {
    p50: Math.max(...jobs.map((job) => job.addedMs.p50)),
    p99: Math.max(...jobs.map((job) => job.addedMs.p99)),
  },
  firstChunkMs: {
    p50: Math.max(...jobs.map((job) => job.firstChunkMs.p50)),
    p99: Math.max(...jobs.map((job) => job.firstChunkMs.p99)),
  },
});

const folder = await mkdtemp(join(tmpdir(), 'parley-retention-'));
const children = createChildren();
try {
  const database = join(folder, 'events.db');
  await seed(database);
  const before = { ...stateOf(database), ...sizes(database) };

  const errors = join(folder, 'stderr.log');
  const model = await children.start([file('model.ts')], errors);
  const load = await children.start([file('load.ts')], errors);
  const config = {
    llm: {
      active: 'scripted',
      providers: { scripted: { base_url: `${urlIn(model)}/25/20`, model: 'scripted-model' } },
    },
    chat: { websocket: { host: '127.0.0.1', port: 0 } },
    repository: {
      path: database,
      persistence: { retention_policy: 'message_count', max_messages_per_conversation: 20 },
    },
    mcp: { config_file: 'servers.json' },
    logging: { level: 'error' },
  };
  await writeFile(join(folder, 'config.yaml'), JSON.stringify(config));
  await writeFile(join(folder, 'servers.json'), '{"mcpServers":{}}');
  const server = await children.start(
    [file('..', '..', 'src', 'main.ts'), '--config', join(folder, 'config.yaml')],
    errors,
  );
  const startedMs = performance.now();
  const chat = (name: string) =>
    load.ask(
      {
        url: urlIn(server),
        conversations: clients,
        atOnce: clients,
        name,
        text: 'And now?',
        turnsEach: 1e9,
        seconds: jobSeconds,
        staggerMs: 15,
      },
      loadResult,
    );

  // Warms up before the first slice of the sweep is due.
  await chat('warm');
  const sweeping: LoadResult[] = [];
  for (;;) {
    const seen = await chat(`during-${sweeping.length}`);
    const { events, freePages } = stateOf(database);
    if (events <= old.size * 20 * 2 && freePages <= spareFreePages) break;
    sweeping.push(seen);
  }
  const sweepSeconds = Math.round((performance.now() - startedMs) / 100) / 10;
  const quiet = [await chat('quiet-0'), await chat('quiet-1'), await chat('quiet-2')];

  const report = {
    node: process.version,
    before,
    after: { ...stateOf(database), ...sizes(database) },
    sweepSeconds,
    whileSweeping: worst(sweeping),
    afterwards: worst(quiet),
  };
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
} finally {
  await children.stopAll();
  await rm(folder, { recursive: true, force: true });
}
