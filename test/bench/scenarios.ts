/**
 * Defines what is measured: five scenarios, each the same for every server. A scenario says what the model answers and
 * what the clients do, and turns one measurement of one server into figures. All are bounded in time.
 */
import type { Child } from './children.ts';
import { loadResult, type Job, type LoadResult } from './load-job.ts';
import { usageOf } from './process-tree.ts';
import { skipDelay } from './script.ts';
import type { Subject, SubjectName } from './subjects.ts';

/** Figures by name, with the unit in the name. */
export type Figures = Record<string, number>;

export interface Scenario {
  readonly title: string;
  /** Path of the model's URL, which selects its answer. `relayPath` is for the relays, which have no tools. */
  readonly modelPath: string;
  readonly relayPath?: string;
  readonly subjects: readonly SubjectName[];
  readonly rounds: number;
  /** Name of the figure that servers are compared by; less is better. */
  readonly compared: string;
  /** Warms up code and connections. */
  warmUp(subject: Subject, load: Child): Promise<unknown>;
  measure(subject: Subject, load: Child, options: MeasureOptions): Promise<Figures>;
}

/** Options of one measurement of one server. */
export interface MeasureOptions {
  round: number;
  /** From the command line; null selects the scenario's own. */
  seconds: number | null;
  turns: number | null;
}

const shortText = 'Say something about the weather in the mountains, please.';
/** So long that the context window is full after some eight turns; every later turn then sends as much. */
const longText = `${shortText} `.repeat(28);
/** For jobs that end by time; Infinity is not JSON. */
const noEnd = 1e9;
/** For jobs that end by turns: no job of the bench takes longer. */
const noLimit = 60;
/** Some thousand turns: servers run for days, and code that has not run often is slow. */
const warmUpSeconds = 2.5;
/** V8 shrinks the heap of a server that is idle for 8 s, as each is while the others are measured. */
const growHeapSeconds = 1.5;

const allSubjects: readonly SubjectName[] = ['parley', 'relay', 'relay-sqlite', 'parley-normal'];

function run(load: Child, job: Job): Promise<LoadResult> {
  return load.ask(job, loadResult);
}

interface Steady {
  title: string;
  modelPath: string;
  relayPath?: string;
  subjects: readonly SubjectName[];
  conversations: number;
  seconds: number;
  staggerMs: number;
}

/**
 * Measures conversations that run turn after turn. Each round has new ones, so that all rounds see histories of the
 * same lengths.
 */
function steady({ conversations, seconds, staggerMs, ...scenario }: Steady): Scenario {
  const job = (subject: Subject, name: string): Job => ({
    url: subject.url,
    conversations,
    atOnce: conversations,
    name,
    text: shortText,
    turnsEach: noEnd,
    seconds,
    staggerMs,
  });
  return {
    ...scenario,
    rounds: 3,
    compared: 'cpuMsPerTurn',
    warmUp: (subject, load) =>
      run(load, { ...job(subject, 'warm'), text: skipDelay, seconds: warmUpSeconds, staggerMs: 0 }),
    async measure(subject, load, options) {
      await run(load, {
        ...job(subject, `wake${options.round}`),
        text: skipDelay,
        seconds: growHeapSeconds,
        staggerMs: 0,
      });
      const before = usageOf(subject.pid);
      const seen = await run(load, {
        ...job(subject, `round${options.round}`),
        ...(options.turns === null ? {} : { turnsEach: options.turns, seconds: noLimit }),
        ...(options.seconds === null ? {} : { seconds: options.seconds }),
      });
      const after = usageOf(subject.pid);
      return {
        cpuMsPerTurn: (after.treeMs - before.treeMs) / seen.turns,
        ownCpuMsPerTurn: (after.ownMs - before.ownMs) / seen.turns,
        turnsPerSecond: seen.turns / seen.seconds,
        firstChunkP50Ms: seen.firstChunkMs.p50,
        firstChunkP99Ms: seen.firstChunkMs.p99,
        addedP50Ms: seen.addedMs.p50,
        addedP99Ms: seen.addedMs.p99,
        rssMb: after.rssBytes / 2 ** 20,
      };
    },
  };
}

const busy = steady({
  title: '64 conversations, answers of 64 chunks without delay',
  modelPath: '/64/0',
  subjects: allSubjects,
  conversations: 64,
  seconds: 3,
  staggerMs: 0,
});

const paced = steady({
  title: '50 conversations, answers of 100 chunks 10 ms apart',
  modelPath: '/100/10',
  subjects: allSubjects,
  conversations: 50,
  seconds: 2.5,
  // Not a multiple of the chunk delay, so that the chunks of different answers do not coincide.
  staggerMs: 21,
});

const tool = steady({
  title: '16 conversations, each turn calls one tool of the demo MCP server; the relay asks once and has no tools',
  modelPath: '/tool/8/0',
  relayPath: '/8/0',
  subjects: ['parley', 'relay'],
  conversations: 16,
  seconds: 3,
  staggerMs: 0,
});

const idleClients = 2000;
/** Few, because busy conversations leave connections and garbage behind that should not be measured. */
const idleAtOnce = 32;

/** Measures memory: with the sockets alone, and after the turns. */
const idle: Scenario = {
  title: `${idleClients} connected and idle conversations with 10 past turns each`,
  modelPath: '/1/0',
  subjects: ['parley', 'relay'],
  rounds: 1,
  compared: 'rssBytesPerConversation',
  warmUp: (subject, load) =>
    run(load, jobOf(subject, 'warm', { conversations: idleAtOnce, atOnce: idleAtOnce, turnsEach: 10 })),
  async measure(subject, load, { round, turns }) {
    const measure = async () => ({ heap: await subject.heapBytes(), rss: usageOf(subject.pid).rssBytes });
    const clients = { conversations: idleClients, atOnce: idleAtOnce, turnsEach: 0 };
    const alone = await measure();
    await run(load, jobOf(subject, `round${round}`, clients));
    const connected = await measure();
    await run(load, jobOf(subject, `round${round}`, { ...clients, turnsEach: turns ?? 10 }));
    const after = await measure();
    return {
      heapBytesPerSocket: (connected.heap - alone.heap) / idleClients,
      heapBytesPerConversation: (after.heap - connected.heap) / idleClients,
      warmBytesPerConversation: (await subject.warmBytes()) / idleClients,
      rssBytesPerConversation: (after.rss - alone.rss) / idleClients,
      rssMb: after.rss / 2 ** 20,
    };
  },
};

/** Compares late turns of one conversation with early ones. */
const long: Scenario = {
  title: 'one conversation of 200 turns; the last ten against the 11th to 20th',
  modelPath: '/64/0',
  subjects: ['parley', 'relay'],
  // Ten turns are a small sample.
  rounds: 5,
  compared: 'lateCpuMsPerTurn',
  warmUp: (subject, load) =>
    run(load, jobOf(subject, 'warm', { text: longText, turnsEach: 200, seconds: warmUpSeconds })),
  async measure(subject, load, { round, turns }) {
    const all = turns ?? 200;
    const take = async (turnsEach: number) => {
      const before = usageOf(subject.pid);
      await run(load, jobOf(subject, `round${round}`, { text: longText, turnsEach }));
      return (usageOf(subject.pid).treeMs - before.treeMs) / turnsEach;
    };
    await take(10);
    const early = await take(10);
    await take(all - 30);
    const late = await take(10);
    return { earlyCpuMsPerTurn: early, lateCpuMsPerTurn: late, lateOverEarly: late / early };
  },
};

function jobOf(subject: Subject, name: string, job: Partial<Job>): Job {
  return {
    url: subject.url,
    conversations: 1,
    atOnce: 1,
    name,
    text: shortText,
    turnsEach: 1,
    seconds: noLimit,
    staggerMs: 0,
    ...job,
  };
}

export const scenarios: Readonly<Record<string, Scenario>> = { busy, paced, tool, idle, long };
