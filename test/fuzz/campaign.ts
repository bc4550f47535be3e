/**
 * One fuzz run from its first process to its report: a calm phase, a first round of attack that fills the
 * caches, and rounds that must leave the server as the first one did. Judges; the assaults find.
 */
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Child, Children } from '../bench/children.ts';
import { tally as tallySchema, type AttackJob, type FoundBreach } from './attacker-job.ts';
import { connectHonestClients, type HonestClients, type Latency } from './honest-clients.ts';
import { startFuzzModel } from './model.ts';
import { createPasses, type Passes } from './tokens.ts';
import { startTarget, type Measured, type TargetProcess } from './target-process.ts';

export interface CampaignOptions {
  seed: number;
  calmSeconds: number;
  /** Of attack; the first is the warm-up. */
  rounds: number;
  roundSeconds: number;
  /** Only this assault of the seed, by its number; null for all. */
  only: number | null;
  /** Told of each phase as it begins. */
  note(line: string): void;
}

export interface CampaignReport {
  /** How often what has happened: assaults by kind, answers by status or code, closes by code. */
  counts: Record<string, number>;
  honest: { calm: Latency; attacked: Latency[] };
  /** In MB and numbers: at rest before the attack, after the warm-up and after each round. */
  atRest: { heapMegabytes: number; rssMegabytes: number; descriptors: number }[];
  audit: readonly string[];
  /** Rules of the run that the server broke; none is a pass. */
  complaints: string[];
  /** Assaults that found a rule broken, with the last frames of their socket. */
  breaches: (FoundBreach & { replay: string })[];
}

/** How much more than after the warm-up may be in use after the last round. */
const mostGrowth = 1.2;

/** Starts everything among `children`, whom the caller stops; the database and logs are left in `folder`. */
export async function runCampaign(
  children: Children,
  folder: string,
  options: CampaignOptions,
): Promise<CampaignReport> {
  const model = await startFuzzModel();
  const passes = createPasses(options.seed);
  try {
    const target = await startTarget(children, folder, { modelUrl: model.url, passes });
    const attackers = await children.start([join(import.meta.dirname, 'attacker-process.ts')], join(folder, 'attack.log'));
    const honest = connectHonestClients(target.url, passes?.honest ?? null);
    const { counts, rests, breaches, ...seen } = await runRounds({ target, attackers, honest, passes }, options);
    honest.close();
    await target.stop();
    const audit = target.audit();
    return {
      counts: Object.fromEntries([...counts].toSorted()),
      honest: { calm: seen.calm, attacked: seen.attacked },
      atRest: rests.map(({ heapBytes, rssBytes, descriptors }) => ({
        heapMegabytes: megabytes(heapBytes),
        rssMegabytes: megabytes(rssBytes),
        descriptors,
      })),
      audit: audit.lines,
      complaints: [
        ...seen.complaints,
        ...(counts.size === 0 ? ['there was no attack'] : []),
        ...(audit.isClean ? [] : audit.lines),
        ...target.faults(),
        ...honest.complaints,
        ...model.violations,
        ...growth(rests),
      ],
      breaches: breaches.map((breach) => ({
        ...breach,
        replay: `npm run fuzz -- --seed ${options.seed} --only ${breach.assault}`,
      })),
    };
  } finally {
    await model.close();
  }
}

/** What the rounds have shown. */
interface Seen {
  calm: Latency;
  attacked: Latency[];
  counts: Map<string, number>;
  breaches: FoundBreach[];
  rests: Measured[];
  /** Why there were no more of them, if something went wrong between two. */
  complaints: string[];
}

/** The calm phase, the warm-up and the rounds, as long as nothing is found. Never rejects. */
async function runRounds(
  {
    target,
    attackers,
    honest,
    passes,
  }: { target: TargetProcess; attackers: Child; honest: HonestClients; passes: Passes | null },
  options: CampaignOptions,
): Promise<Seen> {
  const { seed, only, roundSeconds, note } = options;
  // The first turns of a process load what the later ones use.
  await honest.chatUntil(Promise.resolve());
  note(`seed ${seed}, ${passes ? 'with tokens' : 'open to all'}: ${options.calmSeconds} s of calm`);
  const calm = await honest.chatUntil(pause(options.calmSeconds * 1000));
  const seen: Seen = { calm, attacked: [], counts: new Map(), breaches: [], rests: [], complaints: [] };
  const { counts, breaches, rests, attacked } = seen;

  const rest = async () => {
    await target.atRest({ connections: honest.count, descriptors: rests[0]?.descriptors ?? Infinity });
    rests.push(await target.measure());
  };
  const attack = async (job: AttackJob) => {
    const tally = await attackers.ask(job, tallySchema);
    breaches.push(...tally.breaches);
    for (const [what, count] of Object.entries(tally.counts)) counts.set(what, (counts.get(what) ?? 0) + count);
    return tally.next;
  };

  try {
    await rest();
    let next = only ?? 0;
    for (let round = 0; round < options.rounds && breaches.length === 0; round += 1) {
      note(`${round === 0 ? 'warm-up' : `round ${round}`}: ${roundSeconds} s, from assault ${next} on`);
      const attacking = attack({
        url: target.url,
        passes,
        seed,
        first: next,
        isReplay: only !== null,
        seconds: roundSeconds,
      });
      attacked.push(await honest.chatUntil(attacking));
      next = await attacking;
      await rest();
    }
  } catch (error) {
    seen.complaints.push(error instanceof Error ? error.message : String(error));
  }
  return seen;
}

/** What has grown too much since the warm-up. */
function growth([, warm, ...later]: readonly Measured[]): string[] {
  const last = later.at(-1);
  if (!warm || !last) return [];
  return (['heapBytes', 'rssBytes'] as const)
    .filter((figure) => last[figure] > warm[figure] * mostGrowth)
    .map(
      (figure) =>
        `${figure} grew from ${megabytes(warm[figure])} MB after the warm-up to ${megabytes(last[figure])} MB after the last round`,
    );
}

const megabytes = (bytes: number) => Math.round(bytes / 104_857.6) / 10;
