/**
 * Defines the kinds of number in the configuration. Each has its unit and its bounds; keys add only a default and a
 * description.
 */
import { z } from 'zod';

/** A week. Far above any use, and below the 24.8 days of the longest timer (MAX_TIMER_MS). */
const longestSeconds = 604_800;

/** A duration in seconds, fractions allowed, never 0. */
export function seconds() {
  return z.number().positive().max(longestSeconds).meta({ unit: 'seconds' });
}

/** A duration in seconds that 0 disables. */
export function secondsOrNone() {
  return z.number().nonnegative().max(longestSeconds).meta({ unit: 'seconds' });
}

/** A short interval in milliseconds. 0 disables it. Keys of this kind end in `_ms`. */
export function milliseconds() {
  return z.int().nonnegative().max(60_000).meta({ unit: 'milliseconds' });
}

/** A size in bytes. */
export function bytes(least: number) {
  return z.int().min(least).meta({ unit: 'bytes' });
}

/** A whole number of things. `unit` is their plural: `tokens`, `messages`. */
export function count(unit: string, least: number, most: number = Number.MAX_SAFE_INTEGER) {
  return z.int().min(least).max(most).meta({ unit });
}

/** Text that must not be empty. */
export function text() {
  return z.string().min(1);
}
