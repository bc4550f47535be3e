/**
 * Turns the figures of all rounds into the report: medians for each server, and medians of the ratios of each round. On
 * a shared machine only ratios within a round are reliable.
 */
import type { Figures } from './scenarios.ts';
import type { SubjectName } from './subjects.ts';

/** Figures of every server in one round. */
export type Round = ReadonlyMap<SubjectName, Figures>;

export interface ScenarioReport {
  title: string;
  rounds: number;
  /** Medians. */
  servers: Record<string, Figures>;
  compared: string;
  /** Ratios of the compared figure: a Parley server over a relay. */
  ratios: Record<string, number>;
}

export function reportOf(
  { title, compared }: { title: string; compared: string },
  rounds: readonly Round[],
): ScenarioReport {
  const names = [...(rounds[0]?.keys() ?? [])];
  const servers: Record<string, Figures> = {};
  for (const name of names) servers[name] = mediansOf(rounds.map((round) => round.get(name) ?? {}));
  const ratios: Record<string, number> = {};
  for (const ours of names.filter((name) => name.startsWith('parley'))) {
    for (const theirs of names.filter((name) => name.startsWith('relay'))) {
      ratios[`${ours} / ${theirs}`] = median(
        rounds.map((round) => ratio(round.get(ours), round.get(theirs), compared)),
      );
    }
  }
  return { title, rounds: rounds.length, servers, compared, ratios };
}

function ratio(ours: Figures | undefined, theirs: Figures | undefined, figure: string): number {
  return (ours?.[figure] ?? NaN) / (theirs?.[figure] ?? NaN);
}

function mediansOf(all: readonly Figures[]): Figures {
  const names = Object.keys(all[0] ?? {});
  return Object.fromEntries(names.map((name) => [name, median(all.map((figures) => figures[name] ?? NaN))]));
}

/** Median, rounded to three digits. */
function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? NaN;
  const value = sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
  return Number(value.toPrecision(3));
}
