/** Runs one kill point from beginning to end: plays its moves, kills the server, restarts it and judges it. */
import { createHash } from 'node:crypto';
import { apiNames, type ApiName } from '../../src/llm/api/wire-api.ts';
import { rowLines } from '../support/machines/row-lines.ts';
import { restartAndFinish } from './restart.ts';
import { playTo } from './driver.ts';
import { judge } from './judge.ts';
import type { KillPoint } from './kill-points.ts';
import { readLog } from './log-on-disk.ts';
import { createEnvironment, type Environment } from './environment.ts';

export interface Verdict {
  point: KillPoint;
  /** Violations as sentences; empty when the promises hold. */
  problems: string[];
  /** For a failure: the log at the end, one string a row, and the output of the servers. */
  log: string[];
  output: string;
  tookMs: number;
}

/**
 * Runs one kill point. `atEnd`: the moves lead to the end of all turns, so the server restarts only if one has no end.
 */
export async function prove(
  point: KillPoint,
  { cache, atEnd = false, api = apiOf(point) }: { cache: string; atEnd?: boolean; api?: ApiName | undefined },
): Promise<Verdict> {
  const startedMs = performance.now();
  const environment = await createEnvironment(point.from, point.moves, { cache, api });
  let problems: string[];
  let output = '';
  try {
    const killed = await playTo(point, environment);
    output = killed.output;
    if (!atEnd || !allHasEnded(environment)) output += await restartAndFinish(point.moves, killed, environment);
    problems = judge(environment, killed);
  } catch (error) {
    problems = [error instanceof Error ? error.message : String(error)];
  }
  const log = problems.length === 0 ? [] : linesOf(environment.home.database);
  await environment.close();
  return { point, problems, log, output, tookMs: performance.now() - startedMs };
}

/** The wire protocol of a run: each has its share of the points, the same in every run. */
function apiOf({ id }: KillPoint): ApiName {
  return apiNames[(createHash('sha256').update(id).digest()[0] ?? 0) % apiNames.length] ?? 'chat';
}

function allHasEnded({ home, sender }: Environment): boolean {
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
  atEnd?: boolean;
  /** The wire protocol of all runs. If not stated, each has its share. */
  api?: ApiName | undefined;
  /** Number of runs at the same time. One run keeps less than a core busy. */
  atOnce: number;
  onVerdict(verdict: Verdict, done: number): void;
  /** Returns true when no further run may begin. */
  isStopped?(): boolean;
}

/** Runs all kill points. Returns the verdicts in the order of their ends. */
export async function proveAll(
  points: readonly KillPoint[],
  { cache, atEnd = false, api, atOnce, onVerdict, isStopped = () => false }: ProveOptions,
): Promise<Verdict[]> {
  const waiting = points.values();
  const verdicts: Verdict[] = [];
  const work = async () => {
    for (const point of waiting) {
      if (isStopped()) return;
      const verdict = await prove(point, { cache, atEnd, api });
      onVerdict(verdict, verdicts.push(verdict));
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return verdicts;
}

/** Chooses so many of them, the same for the same seed. */
export function sample<Point extends KillPoint>(points: readonly Point[], count: number, seed: string): Point[] {
  const drawn = (point: Point) => createHash('sha256').update(`${seed} ${point.id}`).digest('hex');
  return [...points].sort((one, other) => drawn(one).localeCompare(drawn(other))).slice(0, count);
}
