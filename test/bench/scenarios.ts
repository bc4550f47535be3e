/**
 * What is measured: five situations, each the same for every server. A scenario says what the model
 * answers and what the people do, and turns one go at one server into figures. All are bounded in time.
 */
import type { Child } from './children.ts';
import { seenSchema, type Job, type Seen } from './load-job.ts';
import { usageOf } from './process-tree.ts';
import { hurry } from './script.ts';
import type { Subject, SubjectName } from './subjects.ts';

/** By name, with the unit in the name. */
export type Figures = Record<string, number>;

export interface Scenario {
  readonly title: string;
  /** What the model answers: the part of its URL behind the host. For the relays, which have no tools, `relayPath`. */
  readonly modelPath: string;
  readonly relayPath?: string;
  readonly subjects: readonly SubjectName[];
  readonly rounds: number;
  /** The figure that servers are compared by; less is better. */
  readonly compared: string;
  /** Brings code and connections to where they are after a while of work. */
  warmUp(subject: Subject, load: Child): Promise<unknown>;
  measure(subject: Subject, load: Child, go: Go): Promise<Figures>;
}

/** One go at one server. */
export interface Go {
  round: number;
  /** From the command line; null for the scenario's own. */
  seconds: number | null;
  turns: number | null;
}

const shortText = 'Tell me something about the weather in the mountains, please.';
/** So long that the context window is full after some eight turns, and every later turn asks for as much. */
const longText = `${shortText} `.repeat(28);
/** For jobs that end by their time; Infinity is no JSON. */
const noEnd = 1e9;
/** For jobs that end by their turns: nothing in the bench takes longer. */
const noLimit = 60;
/** Some thousand turns: servers run for days, and code that has not run often is slow. */
const warmUpSeconds = 2.5;
/** V8 takes the heap of a server that stands idle for 8 s, as each does while the others are measured, for one to be shrunk. */
const wakeSeconds = 1.5;

const everyone: readonly SubjectName[] = ['parley', 'relay', 'relay-sqlite', 'parley-normal'];

function run(load: Child, job: Job): Promise<Seen> {
  return load.ask(job, seenSchema);
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

/** Conversations that take turn after turn. Each round has new ones, so that all rounds see histories of the same lengths. */
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
      run(load, { ...job(subject, 'warm'), text: hurry, seconds: warmUpSeconds, staggerMs: 0 }),
    async measure(subject, load, go) {
      await run(load, { ...job(subject, `wake${go.round}`), text: hurry, seconds: wakeSeconds, staggerMs: 0 });
      const before = usageOf(subject.pid);
      const seen = await run(load, {
        ...job(subject, `round${go.round}`),
        ...(go.turns === null ? {} : { turnsEach: go.turns, seconds: noLimit }),
        ...(go.seconds === null ? {} : { seconds: go.seconds }),
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
  title: '64 conversations, answers of 64 chunks as fast as they can be taken',
  modelPath: '/64/0',
  subjects: everyone,
  conversations: 64,
  seconds: 3,
  staggerMs: 0,
});

const paced = steady({
  title: '50 conversations, answers of 100 chunks 10 ms apart',
  modelPath: '/100/10',
  subjects: everyone,
  conversations: 50,
  seconds: 2.5,
  // No multiple of the pace, so that the chunks of different answers do not meet.
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

const idlePeople = 2000;
/** Few, because what is busy leaves connections and garbage behind that are not what is measured. */
const idleAtOnce = 32;

/** Memory: with the sockets alone, and after the turns. */
const idle: Scenario = {
  title: `${idlePeople} connected and idle conversations with 10 past turns each`,
  modelPath: '/1/0',
  subjects: ['parley', 'relay'],
  rounds: 1,
  compared: 'rssBytesPerConversation',
  warmUp: (subject, load) =>
    run(load, jobOf(subject, 'warm', { conversations: idleAtOnce, atOnce: idleAtOnce, turnsEach: 10 })),
  async measure(subject, load, { round, turns }) {
    const measure = async () => ({ heap: await subject.heapBytes(), rss: usageOf(subject.pid).rssBytes });
    const people = { conversations: idlePeople, atOnce: idleAtOnce, turnsEach: 0 };
    const alone = await measure();
    await run(load, jobOf(subject, `round${round}`, people));
    const connected = await measure();
    await run(load, jobOf(subject, `round${round}`, { ...people, turnsEach: turns ?? 10 }));
    const after = await measure();
    return {
      heapBytesPerSocket: (connected.heap - alone.heap) / idlePeople,
      heapBytesPerConversation: (after.heap - connected.heap) / idlePeople,
      warmBytesPerConversation: (await subject.warmBytes()) / idlePeople,
      rssBytesPerConversation: (after.rss - alone.rss) / idlePeople,
      rssMb: after.rss / 2 ** 20,
    };
  },
};

/** One conversation: do its late turns cost what its early ones do? */
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
