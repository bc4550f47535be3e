/**
 * The kinds of number that the configuration counts in. Each carries its unit and its
 * bounds, so that no key states them again; keys add only a default and a reason.
 */
import { z } from 'zod';

/** A week. Far above any use, and below the 24.8 days at which a timer overflows and fires at once. */
const longestSeconds = 604_800;

/** A duration that must pass: in seconds, fractions allowed, never 0. */
export function seconds() {
  return z.number().positive().max(longestSeconds).meta({ unit: 'seconds' });
}

/** A duration that may be left out by stating 0. */
export function secondsOrNone() {
  return z.number().nonnegative().max(longestSeconds).meta({ unit: 'seconds' });
}

/** A short interval in milliseconds; 0 means none. Keys of this kind end in `_ms`. */
export function milliseconds() {
  return z.int().nonnegative().max(60_000).meta({ unit: 'milliseconds' });
}

/** A size in bytes. */
export function bytes(least: number) {
  return z.int().min(least).meta({ unit: 'bytes' });
}

/** A number of whole things, `unit` in the plural: `tokens`, `messages`. */
export function count(unit: string, least: number, most: number = Number.MAX_SAFE_INTEGER) {
  return z.int().min(least).max(most).meta({ unit });
}

/** Text that must say something. */
export function text() {
  return z.string().min(1);
}
