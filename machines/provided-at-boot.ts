/**
 * What stands in a chart for an actor of the outside world: charts name what they need, and the composition root
 * provides it. One that was forgotten is found out at its first start.
 */

/** The body of an actor that nobody has provided. */
export function providedAtBoot(): never {
  throw new Error('This actor is provided at boot.');
}
