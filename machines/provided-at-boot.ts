/**
 * Holds the placeholder for actors that the composition root provides. It throws if an actor was not provided.
 */

/** Throws at the first start of an actor that was not provided. */
export function providedAtBoot(): never {
  throw new Error('This actor is provided at boot.');
}
