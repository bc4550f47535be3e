/**
 * Runs the attackers in their own process, so that they do not slow the honest clients. Makes several attacks at a time
 * until the time is up. Does one job at a time and reports what happened.
 */
import { setMaxListeners } from 'node:events';
import type { AttackerJob, FoundViolation, AttackReport } from './attacker-job.ts';
import { pickAttack, type Attack } from './attacks.ts';
import { createQuestions } from './questions.ts';
import type { Target } from './raw-socket.ts';
import { createAttackContext, type AttackContext } from './attack-context.ts';

/** Quick attacks at once. */
const lanes = 12;
/** Slow attacks at a time, in addition. */
const maxSlow = 200;
/** More violations of one run would show nothing new. */
const maxViolations = 10;

async function runJob({ url, tokens, seed, first, isReplay, seconds }: AttackerJob): Promise<AttackReport> {
  const { hostname: host, port, pathname: path } = new URL(url);
  const target: Target = { host, port: Number(port), path, credential: null };
  const questions = createQuestions();
  const counts = new Map<string, number>();
  const count = (what: string) => void counts.set(what, (counts.get(what) ?? 0) + 1);
  const violations: FoundViolation[] = [];
  const slow = new Set<Promise<void>>();
  const endMs = performance.now() + seconds * 1000;
  const beyond = isReplay ? first + 1 : Infinity;
  let next = first;

  const make = async (index: number, { name, run }: Attack, context: AttackContext, over: AbortController) => {
    count(`attack ${name}`);
    try {
      await run(context);
    } catch (error) {
      violations.push({
        attack: index,
        kind: name,
        what: error instanceof Error ? error.message : String(error),
        frames: [...context.trace.lines()],
      });
    } finally {
      over.abort();
    }
  };
  const lane = async () => {
    while (performance.now() < endMs && next < beyond && violations.length < maxViolations) {
      const index = next++;
      const over = new AbortController();
      // A crowd has one listener for each socket.
      setMaxListeners(0, over.signal);
      const context = createAttackContext(seed, index, target, { signal: over.signal, count, tokens, questions });
      const attack = pickAttack(context.random);
      const running = make(index, attack, context, over);
      if (!attack.isSlow) {
        await running;
        continue;
      }
      slow.add(running);
      void running.then(() => slow.delete(running));
      if (slow.size >= maxSlow) await Promise.race(slow);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  await Promise.all(slow);
  return { next, counts: Object.fromEntries([...counts].toSorted()), violations };
}

process.on('message', (job: AttackerJob) => {
  runJob(job).then(
    (report) => process.send?.(report),
    (error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
      process.exit(1);
    },
  );
});
process.once('disconnect', () => process.exit());
process.stdout.write('the attackers are ready\n');
