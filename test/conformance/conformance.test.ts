/** A part of the conformance run that is quick enough for every day: `npm run conformance` is the whole. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { play } from './play.ts';
import { revisions, scenariosOf, type Revision } from './scenarios.ts';

const daily: readonly (readonly [Revision, string])[] = [
  ['2025-11-25', 'tools_call'],
  ['2025-11-25', 'auth/scope-step-up'],
  ['2026-07-28', 'request-metadata'],
  ['2025-11-25', 'elicitation-sep1034-client-defaults'],
  ['2026-07-28', 'sep-2322-client-request-state'],
  ['2026-07-28', 'auth/authorization-server-migration'],
];

describe('the conformance suite', () => {
  for (const [revision, name] of daily) {
    test(`passes ${name} (${revision})`, async () => {
      const { passed, output } = await play(name, revision);
      assert.ok(passed, output);
    });
  }

  test('has the frozen lists that docs/mcp.md counts', () => {
    const scored = revisions.map((revision) => scenariosOf(revision).filter((scenario) => scenario.scored).length);
    assert.deepEqual(scored, [18, 32]);
  });
});
