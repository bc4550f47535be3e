/** What a fuzz run and its attackers, which are a process of their own, say to one another. */
import { z } from 'zod';
import type { Passes } from './tokens.ts';

export interface AttackJob {
  url: string;
  /** Null where nobody is asked for a token. */
  passes: Passes | null;
  seed: number;
  /** The number of the first assault; they are counted through over all rounds. */
  first: number;
  /** True to make that one alone, false to go on until the time is up. */
  isReplay: boolean;
  seconds: number;
}

const breach = z.object({
  assault: z.number(),
  kind: z.string(),
  what: z.string(),
  /** What passed on its connection last. */
  frames: z.array(z.string()),
});

/** An assault that found a rule broken. */
export type FoundBreach = z.infer<typeof breach>;

export const tally = z.object({
  /** The number of the next assault. */
  next: z.number(),
  /** How often what has happened. */
  counts: z.record(z.string(), z.number()),
  breaches: z.array(breach),
});

export type Tally = z.infer<typeof tally>;
