/** Defines the messages between a fuzz run and its attackers, which run in another process. */
import { z } from 'zod';
import type { Tokens } from './tokens.ts';

export interface AttackerJob {
  url: string;
  /** Null if the run uses no tokens. */
  tokens: Tokens | null;
  seed: number;
  /** Number of the first attack. Attacks are numbered over all rounds. */
  first: number;
  /** True makes only that attack; false continues until the time is up. */
  isReplay: boolean;
  seconds: number;
}

const violation = z.object({
  attack: z.number(),
  kind: z.string(),
  what: z.string(),
  /** Last frames of its connection. */
  frames: z.array(z.string()),
});

/** An attack that found a violation. */
export type FoundViolation = z.infer<typeof violation>;

export const attackReport = z.object({
  /** Number of the next attack. */
  next: z.number(),
  /** Number of events by kind. */
  counts: z.record(z.string(), z.number()),
  violations: z.array(violation),
});

export type AttackReport = z.infer<typeof attackReport>;
