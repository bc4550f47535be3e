/** Finds exports, files and dependencies that nothing uses (.knip.json). `npm run dead` lists them. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';

const project = join(import.meta.dirname, '..');
const knip = join(project, 'node_modules', 'knip', 'bin', 'knip.js');

describe('the project', () => {
  it('has no unused exports, files and dependencies', () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [knip], { cwd: project, encoding: 'utf8' });
    assert.equal(status, 0, `${stdout}${stderr}`);
  });
});
