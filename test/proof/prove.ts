/** One kill point from beginning to end: a server is led there, killed, started again and judged. */
import { createHash } from 'node:crypto';
import { rowLines } from '../support/machines/row-lines.ts';
import { comeBack } from './comeback.ts';
import { playTo } from './driver.ts';
import { judge } from './judge.ts';
import type { KillPoint } from './kill-points.ts';
import { readLog } from './log-on-disk.ts';
import { setStage, type Stage } from './stage.ts';

export interface Verdict {
  point: KillPoint;
  /** What is broken, in words; empty when the promises hold. */
  problems: string[];
  /** For a failure: the log in the end, a line a row, and what the servers wrote. */
  log: string[];
  output: string;
  tookMs: number;
}

/** `atRest`: the point is where all has come to an end, so the server comes back only for what has none. */
export async function prove(
  point: KillPoint,
  { cache, atRest = false }: { cache: string; atRest?: boolean },
): Promise<Verdict> {
  const startedMs = performance.now();
  const stage = await setStage(point.from, point.moves, cache);
  let problems: string[];
  let output = '';
  try {
    const killed = await playTo(point, stage);
    output = killed.output;
    if (!atRest || !allHasEnded(stage)) output += await comeBack(point.moves, killed, stage);
    problems = judge(stage, killed);
  } catch (error) {
    problems = [error instanceof Error ? error.message : String(error)];
  }
  const log = problems.length === 0 ? [] : linesOf(stage.home.database);
  await stage.clear();
  return { point, problems, log, output, tookMs: performance.now() - startedMs };
}

function allHasEnded({ home, sender }: Stage): boolean {
  return [...sender.turns.values()].every(({ end }) => end !== null) && readLog(home.database).open.length === 0;
}

function linesOf(database: string): string[] {
  try {
    const { rows } = readLog(database);
    return rowLines(rows).map((line, index) => `${rows[index]?.seq} ${rows[index]?.request_id}: ${line}`);
  } catch (error) {
    return [`the log cannot be read: ${String(error)}`];
  }
}

export interface ProveOptions {
  cache: string;
  atRest?: boolean;
  /** Runs at the same time; one keeps less than a core busy. */
  atOnce: number;
  onVerdict(verdict: Verdict, done: number): void;
  /** True: no further one is begun. */
  isStopped?(): boolean;
}

/** In the order of their ends. */
export async function proveAll(
  points: readonly KillPoint[],
  { cache, atRest = false, atOnce, onVerdict, isStopped = () => false }: ProveOptions,
): Promise<Verdict[]> {
  const waiting = points.values();
  const verdicts: Verdict[] = [];
  const work = async () => {
    for (const point of waiting) {
      if (isStopped()) return;
      const verdict = await prove(point, { cache, atRest });
      onVerdict(verdict, verdicts.push(verdict));
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return verdicts;
}

/** So many of them, the same for the same seed. */
export function sample<Point extends KillPoint>(points: readonly Point[], count: number, seed: string): Point[] {
  const drawn = (point: Point) => createHash('sha256').update(`${seed} ${point.id}`).digest('hex');
  return [...points].sort((one, other) => drawn(one).localeCompare(drawn(other))).slice(0, count);
}
