/** Says what part of a long suite a usual run plays: another part each day, and with `./run.sh test --all` every one. */

const MS_A_DAY = 86_400_000;

/** Days since 1970. */
export const today = Math.floor(Date.now() / MS_A_DAY);

/** True in a run with `--all`. */
export const playsAll = process.env['PARLEY_TEST_ALL'] === '1';

/**
 * Shares cases out over `days`. Returns what to `skip` a case by: false on its day and in a run with `--all`, else
 * why it is not played. `index` is the case's place among the others.
 */
export function sharedOut(
  days: number,
  { day = today, all = playsAll }: { day?: number; all?: boolean } = {},
): (index: number) => string | false {
  return (index) => (all || index % days === day % days ? false : 'played on another day, and by --all');
}
