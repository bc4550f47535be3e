/** Runs a soak: moderate load for a time, samples of the server, and the verdict on their slopes and on the database. */
import { setTimeout as pause } from 'node:timers/promises';
import { createChildren } from '../bench/children.ts';
import { startFuzzModel } from '../fuzz/model.ts';
import { startLoad } from './load.ts';
import { slopesOf, type Bounds, type Sample, type Slope } from './slopes.ts';
import { startSoakServer } from './soak-server.ts';

export interface SoakOptions {
  minutes: number;
  warmUpMinutes: number;
  clients: number;
  pauseMs: number;
  sampleMs: number;
  bounds: Bounds;
  /** Gets each sample, for people who wait. */
  onSample?(sample: Sample): void;
  /** True ends the run early. */
  isOver?(): boolean;
}

export interface SoakReport {
  turns: number;
  samples: readonly Sample[];
  slopes: readonly Slope[];
  /** Of the clients, the histories that the model got, and the database. */
  problems: readonly string[];
  check: readonly string[];
}

/** `folder` is for the server's files. */
export async function soak(folder: string, options: SoakOptions): Promise<SoakReport> {
  const { minutes, warmUpMinutes, clients, pauseMs, sampleMs, bounds, onSample } = options;
  const children = createChildren();
  const model = await startFuzzModel();
  try {
    const server = await startSoakServer(children, folder, model.url);
    const load = startLoad(server.url, { clients, pauseMs });
    const samples: Sample[] = [];
    const beganMs = performance.now();
    const elapsed = () => (performance.now() - beganMs) / 60_000;
    const goesOn = () => elapsed() < minutes && load.problems.length === 0 && options.isOver?.() !== true;
    while (goesOn()) {
      await pause(sampleMs);
      const sample = { minutes: elapsed(), ...(await server.sample()) };
      samples.push(sample);
      onSample?.(sample);
    }
    await load.stop();
    await server.stop();
    const { lines, isClean } = server.audit();
    return {
      turns: load.turns(),
      samples,
      slopes: slopesOf(samples, warmUpMinutes, bounds),
      problems: [...load.problems, ...model.violations, ...(isClean ? [] : ['check found problems in the database'])],
      check: lines,
    };
  } finally {
    await children.stopAll();
    await model.close();
  }
}
