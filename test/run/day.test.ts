/** What a usual run leaves out is played on another day, and by `--all`. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { sharedOut } from '../support/day.ts';

const CASES = [0, 1, 2, 3, 4, 5, 6];

const playedOn = (day: number) => CASES.filter((index) => sharedOut(3, { day, all: false })(index) === false);

describe('cases that are shared out over three days', () => {
  it('are each played on one of them', () => {
    assert.deepEqual([20_000, 20_001, 20_002].flatMap(playedOn).toSorted(), CASES);
  });

  it('are played again three days later', () => {
    assert.deepEqual(playedOn(20_003), playedOn(20_000));
  });

  it('say why they are skipped', () => {
    assert.equal(sharedOut(3, { day: 1, all: false })(0), 'played on another day, and by --all');
  });

  it('are all played by a run with --all', () => {
    const program = `import { sharedOut } from ${JSON.stringify(new URL('../support/day.ts', import.meta.url).href)};
      process.stdout.write(JSON.stringify(${JSON.stringify(CASES)}.map(sharedOut(3))));`;
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
      env: { ...process.env, PARLEY_TEST_ALL: '1' },
    });
    assert.equal(stdout.toString(), JSON.stringify(CASES.map(() => false)));
  });
});
