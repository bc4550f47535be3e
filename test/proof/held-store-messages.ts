/**
 * What the held store in the server's process and the proof say to each other over the process's IPC channel.
 * Appends, reads and look-ups are numbered from 1, each kind by itself, in the order in which the server asks.
 */
import { z } from 'zod';
import type { LogRow } from '../../machines/log.ts';

/** Conversation under test: its store is held, its server killed. */
export const HELD_CONVERSATION = 'c1';
/** Takes the only permit where a path needs a turn that waits. Never held. */
export const OTHER_CONVERSATION = 'c0';

const logRow = z.custom<LogRow>((value) => typeof value === 'object' && value !== null && 'seq' in value);

const storeEvent = z.discriminatedUnion('event', [
  /** The server has handed an append over; nothing of it is on disk. `rows` says what it is about. */
  z.object({ event: z.literal('append'), number: z.int(), rows: z.array(z.string()) }),
  /** It is on disk, and the server has not been told. Without rows where nothing was written. */
  z.object({ event: z.literal('landed'), number: z.int(), rows: z.array(logRow) }),
  /** The log is to go; nothing of it has. And then: it is gone from the disk, and the server has not been told. */
  z.object({ event: z.literal('removal') }),
  z.object({ event: z.literal('removed') }),
  z.object({ event: z.literal('read'), number: z.int() }),
  /** A question has been looked up for somebody's answer, which stays where it is. */
  z.object({ event: z.literal('lookedUp') }),
  /** What was event about things to come is known from now on. */
  z.object({ event: z.literal('ready') }),
]);

const storeCommand = z.discriminatedUnion('command', [
  /** Hands these to the real store, in one tick. */
  z.object({ command: z.literal('store'), numbers: z.array(z.int()) }),
  /** Tells the server what became of these, in one tick; `fails` has not been handed over and never will be. */
  z.object({ command: z.literal('acknowledge'), appends: z.array(z.object({ number: z.int(), fails: z.boolean() })) }),
  /** That append, still to come, throws. */
  z.object({ command: z.literal('break'), number: z.int() }),
  /** Has the log removed for good; then tells the server. Or tells it at once that this cannot be. */
  z.object({ command: z.literal('remove') }),
  z.object({ command: z.literal('acknowledgeRemoval'), works: z.boolean() }),
  z.object({ command: z.literal('read'), number: z.int(), works: z.boolean() }),
  /** The next look-up is kept back, until `letGo`. */
  z.object({ command: z.literal('holdLookUp') }),
  z.object({ command: z.literal('releaseLookUp') }),
]);

export type StoreEvent = z.infer<typeof storeEvent>;
export type StoreCommand = z.infer<typeof storeCommand>;

/** Null for what is none of ours. */
export function parseStoreEvent(message: unknown): StoreEvent | null {
  return storeEvent.safeParse(message).data ?? null;
}

export function parseStoreCommand(message: unknown): StoreCommand | null {
  return storeCommand.safeParse(message).data ?? null;
}
