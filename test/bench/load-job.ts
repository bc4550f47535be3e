/** Defines the messages between the bench and the load process. */
import { z } from 'zod';

export interface Job {
  /** The server's WebSocket. Sockets stay open from job to job. */
  url: string;
  /** Number of sockets, one conversation each. */
  conversations: number;
  /** Conversations that run at the same time; the others wait until one of them is finished. */
  atOnce: number;
  /** Prefix of the conversation ids; another name means other conversations. */
  name: string;
  /** Text of every message. */
  text: string;
  /** Ends the job when each conversation has had so many turns ... */
  turnsEach: number;
  /** ... or when this time is over; running turns still end. */
  seconds: number;
  /** Delay between the first messages of two conversations. */
  staggerMs: number;
}

const spread = z.object({ p50: z.number(), p99: z.number() });

export const loadResult = z.object({
  turns: z.number(),
  seconds: z.number(),
  /** From sending a message to the first text of its answer. */
  firstChunkMs: spread,
  /** From the model's sending a delta to its arrival. */
  addedMs: spread,
});

export type LoadResult = z.output<typeof loadResult>;
