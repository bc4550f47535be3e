/**
 * Runs a fuzz *campaign* from its first process to its report. It has a calm phase, a warm-up round of attack that
 * fills the caches, and further rounds. After each of these the server must be as after the warm-up. Collects what the
 * attacks find.
 */
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Child, Children } from '../bench/children.ts';
import { attackReport, type AttackerJob, type FoundViolation } from './attacker-job.ts';
import { connectHonestClients, type HonestClients, type Latency } from './honest-clients.ts';
import { startFuzzModel } from './model.ts';
import { createTokens, type Tokens } from './tokens.ts';
import { startTarget, type Measured, type TargetProcess } from './target-process.ts';

export interface CampaignOptions {
  seed: number;
  calmSeconds: number;
  /** Rounds of attack; the first is the warm-up. */
  rounds: number;
  roundSeconds: number;
  /** Makes only this attack of the seed, by its number; null for all. */
  only: number | null;
  /** Called with a line as each phase begins. */
  note(line: string): void;
}

export interface CampaignReport {
  /** Number of events by kind: attacks, answers by status or code, closes by code. */
  counts: Record<string, number>;
  honest: { calm: Latency; attacked: Latency[] };
  /** Measured when the server is idle: before the attack, after the warm-up and after each round. */
  idle: { heapMegabytes: number; rssMegabytes: number; descriptors: number }[];
  audit: readonly string[];
  /** Rules that the server broke as a whole; empty means a pass. */
  problems: string[];
  /** Attacks that found a violation, with the last frames of their socket. */
  violations: (FoundViolation & { replay: string })[];
}

/** Allowed growth from the warm-up to the last round, as a factor. */
const maxGrowth = 1.2;

/** Starts all processes among `children`, which the caller stops. Leaves the database and the logs in `folder`. */
export async function runCampaign(
  children: Children,
  folder: string,
  options: CampaignOptions,
): Promise<CampaignReport> {
  const model = await startFuzzModel();
  const tokens = createTokens(options.seed);
  try {
    const target = await startTarget(children, folder, { modelUrl: model.url, tokens });
    const attackers = await children.start(
      [join(import.meta.dirname, 'attacker-process.ts')],
      join(folder, 'attack.log'),
    );
    const honest = connectHonestClients(target.url, tokens?.honest ?? null);
    const { counts, rests, violations, ...seen } = await runRounds({ target, attackers, honest, tokens }, options);
    honest.close();
    await target.stop();
    const audit = target.audit();
    return {
      counts: Object.fromEntries([...counts].toSorted()),
      honest: { calm: seen.calm, attacked: seen.attacked },
      idle: rests.map(({ heapBytes, rssBytes, descriptors }) => ({
        heapMegabytes: megabytes(heapBytes),
        rssMegabytes: megabytes(rssBytes),
        descriptors,
      })),
      audit: audit.lines,
      problems: [
        ...seen.problems,
        ...(counts.size === 0 ? ['there was no attack'] : []),
        ...(audit.isClean ? [] : audit.lines),
        ...target.faults(),
        ...honest.problems,
        ...model.violations,
        ...growth(rests),
      ],
      violations: violations.map((violation) => ({
        ...violation,
        replay: `npm run fuzz -- --seed ${options.seed} --only ${violation.attack}`,
      })),
    };
  } finally {
    await model.close();
  }
}

/** Results of the rounds. */
interface Seen {
  calm: Latency;
  attacked: Latency[];
  counts: Map<string, number>;
  violations: FoundViolation[];
  rests: Measured[];
  /** Why there are no further rounds, if one failed. */
  problems: string[];
}

/** Runs the calm phase, the warm-up and the rounds, until an attack finds a violation. Never rejects. */
async function runRounds(
  {
    target,
    attackers,
    honest,
    tokens,
  }: { target: TargetProcess; attackers: Child; honest: HonestClients; tokens: Tokens | null },
  options: CampaignOptions,
): Promise<Seen> {
  const { seed, only, roundSeconds, note } = options;
  // The first turns of a process load code that the later ones use.
  await honest.chatUntil(Promise.resolve());
  note(`seed ${seed}, ${tokens ? 'with tokens' : 'without tokens'}: ${options.calmSeconds} s of calm`);
  const calm = await honest.chatUntil(pause(options.calmSeconds * 1000));
  const seen: Seen = { calm, attacked: [], counts: new Map(), violations: [], rests: [], problems: [] };
  const { counts, violations, rests, attacked } = seen;

  const rest = async () => {
    await target.waitUntilIdle({ connections: honest.count, descriptors: rests[0]?.descriptors ?? Infinity });
    rests.push(await target.measure());
  };
  const attack = async (job: AttackerJob) => {
    const report = await attackers.ask(job, attackReport);
    violations.push(...report.violations);
    for (const [what, count] of Object.entries(report.counts)) counts.set(what, (counts.get(what) ?? 0) + count);
    return report.next;
  };

  try {
    await rest();
    let next = only ?? 0;
    for (let round = 0; round < options.rounds && violations.length === 0; round += 1) {
      note(`${round === 0 ? 'warm-up' : `round ${round}`}: ${roundSeconds} s, from attack ${next} on`);
      const attacking = attack({
        url: target.url,
        tokens,
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
    seen.problems.push(error instanceof Error ? error.message : String(error));
  }
  return seen;
}

/** Reports memory that grew too much since the warm-up. */
function growth([, warm, ...later]: readonly Measured[]): string[] {
  const last = later.at(-1);
  if (!warm || !last) return [];
  return (['heapBytes', 'rssBytes'] as const)
    .filter((figure) => last[figure] > warm[figure] * maxGrowth)
    .map(
      (figure) =>
        `${figure} grew from ${megabytes(warm[figure])} MB after the warm-up to ${megabytes(last[figure])} MB after the last round`,
    );
}

const megabytes = (bytes: number) => Math.round(bytes / 104_857.6) / 10;
