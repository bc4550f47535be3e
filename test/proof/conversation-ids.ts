/** The two conversations of a proof. */

/** The one that is held, killed and judged. */
export const PROVEN = 'c1';
/** Keeps it company: its turn takes the permit that the other one waits for. Never held. */
export const COMPANY = 'c0';
