/** Says what part of a long suite a usual run plays: another part each day, and with `./run.sh test --all` every one. */

const MS_A_DAY = 86_400_000;

/** Days since 1970. */
export const today = Math.floor(Date.now() / MS_A_DAY);

/** True in a run with `--all`. */
export const playsAll = process.env['PARLEY_TEST_ALL'] === '1';
