/**
 * What the held store in the server's process and the proof say to each other over the process's IPC channel.
 * Appends, reads and look-ups are numbered from 1, each kind by itself, in the order in which the server asks.
 */
import { z } from 'zod';
import type { LogRow } from '../../machines/log.ts';

const logRow = z.custom<LogRow>((value) => typeof value === 'object' && value !== null && 'seq' in value);

const fromStore = z.discriminatedUnion('said', [
  /** The server has handed an append over; nothing of it is on disk. `rows` says what it is about. */
  z.object({ said: z.literal('append'), number: z.int(), rows: z.array(z.string()) }),
  /** It is on disk, and the server has not been told. Without rows where nothing was written. */
  z.object({ said: z.literal('landed'), number: z.int(), rows: z.array(logRow) }),
  /** The log is to go; nothing of it has. And then: it is gone from the disk, and the server has not been told. */
  z.object({ said: z.literal('removal') }),
  z.object({ said: z.literal('removed') }),
  z.object({ said: z.literal('read'), number: z.int() }),
  /** A question has been looked up for somebody's answer, which stays where it is. */
  z.object({ said: z.literal('lookedUp') }),
  /** What was said about things to come is known from now on. */
  z.object({ said: z.literal('understood') }),
]);

const toStore = z.discriminatedUnion('say', [
  /** Hands these to the real store, in one tick. */
  z.object({ say: z.literal('store'), numbers: z.array(z.int()) }),
  /** Tells the server what became of these, in one tick; `fails` has not been handed over and never will be. */
  z.object({ say: z.literal('tell'), appends: z.array(z.object({ number: z.int(), fails: z.boolean() })) }),
  /** That append, still to come, throws. */
  z.object({ say: z.literal('break'), number: z.int() }),
  /** Has the log removed for good; then tells the server. Or tells it at once that this cannot be. */
  z.object({ say: z.literal('remove') }),
  z.object({ say: z.literal('tellRemoval'), works: z.boolean() }),
  z.object({ say: z.literal('read'), number: z.int(), works: z.boolean() }),
  /** The next look-up is kept back, until `letGo`. */
  z.object({ say: z.literal('holdLookUp') }),
  z.object({ say: z.literal('letGo') }),
]);

export type FromStore = z.infer<typeof fromStore>;
export type ToStore = z.infer<typeof toStore>;

/** Null for what is none of ours. */
export function readFromStore(message: unknown): FromStore | null {
  return fromStore.safeParse(message).data ?? null;
}

export function readToStore(message: unknown): ToStore | null {
  return toStore.safeParse(message).data ?? null;
}
