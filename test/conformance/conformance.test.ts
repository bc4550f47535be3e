/**
 * Runs a quick part of the conformance suite: some scenarios always, and others by the date. `npm run conformance` runs
 * all.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { today } from '../support/day.ts';
import { revisions, runScenario, scenariosOf, type Revision } from './scenarios.ts';

const scored = revisions.flatMap((revision) =>
  scenariosOf(revision)
    .filter((scenario) => scenario.scored)
    .map(({ name }) => ({ revision, name })),
);

/** One scenario of each kind. */
const everyDay: readonly { revision: Revision; name: string }[] = [
  { revision: '2025-11-25', name: 'tools_call' },
  { revision: '2025-11-25', name: 'elicitation-sep1034-client-defaults' },
  { revision: '2026-07-28', name: 'sep-2322-client-request-state' },
  { revision: '2026-07-28', name: 'auth/scope-step-up' },
];

const A_DAY = 1;
const ofToday = Array.from({ length: A_DAY }, (_, at) => scored[(today * A_DAY + at) % scored.length]).filter(
  (each) => each !== undefined,
);

describe('the conformance suite', () => {
  for (const { revision, name } of [...everyDay, ...ofToday]) {
    test(`passes ${name} (${revision})`, async () => {
      const { passed, output } = await runScenario(name, revision);
      assert.ok(passed, output);
    });
  }

  test('has the frozen lists that docs/reference/mcp.md counts', () => {
    assert.deepEqual(
      revisions.map((each) => scored.filter(({ revision }) => revision === each).length),
      [18, 32],
    );
  });
});
