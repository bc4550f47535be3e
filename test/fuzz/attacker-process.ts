/**
 * The attackers, in a process of their own, so that the honest clients' times are not theirs: several lanes
 * of assaults until the time is up. Does one job at a time and tells what happened.
 */
import { setMaxListeners } from 'node:events';
import type { AttackJob, FoundBreach, Tally } from './attacker-job.ts';
import { pickAssault, type Assault } from './attacks.ts';
import { createQuestions } from './questions.ts';
import type { Target } from './raw-socket.ts';
import { createScene, type Scene } from './attack-context.ts';

/** Quick assaults at once. */
const lanes = 12;
/** Patient ones at once, beside them. */
const mostPatient = 200;
/** More of the same would tell nobody more. */
const mostBreaches = 10;

async function attack({ url, passes, seed, first, isReplay, seconds }: AttackJob): Promise<Tally> {
  const { hostname: host, port, pathname: path } = new URL(url);
  const target: Target = { host, port: Number(port), path, credential: null };
  const questions = createQuestions();
  const counts = new Map<string, number>();
  const count = (what: string) => void counts.set(what, (counts.get(what) ?? 0) + 1);
  const breaches: FoundBreach[] = [];
  const patient = new Set<Promise<void>>();
  const endMs = performance.now() + seconds * 1000;
  const beyond = isReplay ? first + 1 : Infinity;
  let next = first;

  const make = async (index: number, { name, run }: Assault, scene: Scene, over: AbortController) => {
    count(`assault ${name}`);
    try {
      await run(scene);
    } catch (error) {
      breaches.push({
        assault: index,
        kind: name,
        what: error instanceof Error ? error.message : String(error),
        frames: [...scene.trace.lines()],
      });
    } finally {
      over.abort();
    }
  };
  const lane = async () => {
    while (performance.now() < endMs && next < beyond && breaches.length < mostBreaches) {
      const index = next++;
      const over = new AbortController();
      // One for each socket of a crowd.
      setMaxListeners(0, over.signal);
      const scene = createScene(seed, index, target, { signal: over.signal, count, passes, questions });
      const assault = pickAssault(scene.random);
      const running = make(index, assault, scene, over);
      if (!assault.isPatient) {
        await running;
        continue;
      }
      patient.add(running);
      void running.then(() => patient.delete(running));
      if (patient.size >= mostPatient) await Promise.race(patient);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  await Promise.all(patient);
  return { next, counts: Object.fromEntries([...counts].toSorted()), breaches };
}

process.on('message', (job: AttackJob) => {
  attack(job).then(
    (tally) => process.send?.(tally),
    (error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
      process.exit(1);
    },
  );
});
process.once('disconnect', () => process.exit());
process.stdout.write('the attackers are ready\n');
