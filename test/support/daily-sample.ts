/**
 * Chooses the part of a long suite that a usual run plays: another part each day, all of it with `./run.sh test --all`.
 */

const MS_A_DAY = 86_400_000;

/** Days since 1970. */
export const today = Math.floor(Date.now() / MS_A_DAY);

/** True in a run with `--all`. */
export const playsAll = process.env['PARLEY_TEST_ALL'] === '1';
