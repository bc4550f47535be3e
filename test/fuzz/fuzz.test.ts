/** Runs a short fuzz campaign with the date as its seed; `npm run fuzz` is the long one. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createChildren } from '../bench/children.ts';
import { runCampaign } from './campaign.ts';

test(
  'an attack of a few seconds leaves no trace in the server and does not disturb its honest clients',
  { skip: process.platform !== 'linux' && 'reads /proc' },
  async (t) => {
    const seed = Number(new Date().toISOString().slice(0, 10).replaceAll('-', ''));
    const children = createChildren();
    const folder = await mkdtemp(join(tmpdir(), 'parley-fuzz-'));
    t.after(async () => {
      await children.stopAll();
      await rm(folder, { recursive: true, force: true });
    });

    const { counts, honest, problems, violations } = await runCampaign(children, folder, {
      seed,
      calmSeconds: 0.5,
      rounds: 2,
      roundSeconds: 1.5,
      only: null,
      note: (line) => t.diagnostic(line),
    });

    assert.deepEqual(violations, []);
    assert.deepEqual(problems, []);
    assert.ok((counts['requests'] ?? 0) > 100, `${counts['requests']} requests are no attack`);
    assert.ok(
      honest.attacked.every(({ turns }) => turns > 0),
      'the honest clients were not served',
    );
  },
);
