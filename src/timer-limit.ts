/** States the longest delay of a Node timer. A longer one overflows, and the timer fires at once. */

/** In milliseconds: 24.8 days. */
export const MAX_TIMER_MS = 2 ** 31 - 1;
