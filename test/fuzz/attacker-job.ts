/** What a fuzz run and its attackers, which are a process of their own, say to one another. */
import { z } from 'zod';
import type { Tokens } from './tokens.ts';

export interface AttackerJob {
  url: string;
  /** Null where nobody is asked for a token. */
  tokens: Tokens | null;
  seed: number;
  /** The number of the first attack; they are counted through over all rounds. */
  first: number;
  /** True to make that one alone, false to go on until the time is up. */
  isReplay: boolean;
  seconds: number;
}

const violation = z.object({
  attack: z.number(),
  kind: z.string(),
  what: z.string(),
  /** What passed on its connection last. */
  frames: z.array(z.string()),
});

/** An attack that found a rule broken. */
export type FoundViolation = z.infer<typeof violation>;

export const tally = z.object({
  /** The number of the next attack. */
  next: z.number(),
  /** How often what has happened. */
  counts: z.record(z.string(), z.number()),
  violations: z.array(violation),
});

export type Tally = z.infer<typeof tally>;
