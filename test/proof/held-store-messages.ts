/**
 * Defines the messages between the held store in the server's process and the proof, over the IPC channel. Appends,
 * reads and look-ups are numbered from 1, each kind on its own, in the order in which the server asks.
 */
import { z } from 'zod';
import type { LogRow } from '../../machines/log.ts';

/** Id of the conversation under test. Its store is held and its server killed. */
export const HELD_CONVERSATION = 'c1';
/** Id of the conversation that takes the only permit where a turn has to wait. Never held. */
export const OTHER_CONVERSATION = 'c0';

const logRow = z.custom<LogRow>((value) => typeof value === 'object' && value !== null && 'seq' in value);

const storeEvent = z.discriminatedUnion('event', [
  /** The server handed over an append; nothing of it is on disk. `rows` are the types of its rows. */
  z.object({ event: z.literal('append'), number: z.int(), rows: z.array(z.string()) }),
  /** The append is on disk, and the server is not notified yet. `rows` is empty if nothing was written. */
  z.object({ event: z.literal('landed'), number: z.int(), rows: z.array(logRow) }),
  /**
   * The server asks to remove the log, and nothing is removed yet. `removed`: the log is gone from the disk, and the
   * server is not notified yet.
   */
  z.object({ event: z.literal('removal') }),
  z.object({ event: z.literal('removed') }),
  z.object({ event: z.literal('read'), number: z.int() }),
  /** A question was looked up for a second answer, which is held. */
  z.object({ event: z.literal('lookedUp') }),
  /** A command about future operations was taken. */
  z.object({ event: z.literal('ready') }),
]);

const storeCommand = z.discriminatedUnion('command', [
  /** Passes these to the real store, in one tick. */
  z.object({ command: z.literal('store'), numbers: z.array(z.int()) }),
  /** Gives the server the outcomes of these, in one tick. One with `fails` never reaches the real store. */
  z.object({ command: z.literal('acknowledge'), appends: z.array(z.object({ number: z.int(), fails: z.boolean() })) }),
  /** Makes that future append throw. */
  z.object({ command: z.literal('break'), number: z.int() }),
  /** Removes the log. `acknowledgeRemoval` then notifies the server, or fails the removal at once. */
  z.object({ command: z.literal('remove') }),
  z.object({ command: z.literal('acknowledgeRemoval'), works: z.boolean() }),
  z.object({ command: z.literal('read'), number: z.int(), works: z.boolean() }),
  /** Holds the next look-up until `releaseLookUp`. */
  z.object({ command: z.literal('holdLookUp') }),
  z.object({ command: z.literal('releaseLookUp') }),
]);

export type StoreEvent = z.infer<typeof storeEvent>;
export type StoreCommand = z.infer<typeof storeCommand>;

/** Returns null for messages of other senders. */
export function parseStoreEvent(message: unknown): StoreEvent | null {
  return storeEvent.safeParse(message).data ?? null;
}

export function parseStoreCommand(message: unknown): StoreCommand | null {
  return storeCommand.safeParse(message).data ?? null;
}
