/** What the bench asks of the load, and what it gets back. */
import { z } from 'zod';

export interface Job {
  /** The server's WebSocket. Sockets stay open from job to job. */
  url: string;
  /** As many sockets, one conversation each. */
  conversations: number;
  /** Conversations that take turns at the same time; the others wait for one of them to be through. */
  atOnce: number;
  /** Begins the conversations' ids; another name means other conversations. */
  name: string;
  /** What every message says. */
  text: string;
  /** Ends the job when each conversation has had so many turns ... */
  turnsEach: number;
  /** ... or when no turn may start any more; running ones are waited for. */
  seconds: number;
  /** Between the first messages of two conversations. */
  staggerMs: number;
}

const spread = z.object({ p50: z.number(), p99: z.number() });

export const seenSchema = z.object({
  turns: z.number(),
  seconds: z.number(),
  /** From sending a message to the first text of its answer. */
  firstChunkMs: spread,
  /** From the model's sending a delta to its arrival. */
  addedMs: spread,
});

export type Seen = z.output<typeof seenSchema>;
