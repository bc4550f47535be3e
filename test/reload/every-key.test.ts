/**
 * Shows from outside that a reload puts the new value of each reloadable key in force. A usual run plays a part of the
 * proofs, another part each day; `./run.sh test --all` plays every one.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { expectedConfig, keysOf, type Expected } from '../../src/config/expected.ts';
import { needsRestart, restartKeys } from '../../src/config/restart-keys.ts';
import { sharedOut } from '../support/daily-sample.ts';
import { chatProofs } from './proofs-chat.ts';
import { llmProofs } from './proofs-llm.ts';
import { mcpProofs } from './proofs-mcp.ts';
import { otherProofs } from './proofs-other.ts';
import { quotaProofs } from './proofs-quota.ts';
import { websocketProofs } from './proofs-websocket.ts';

const proofs = [...llmProofs, ...chatProofs, ...websocketProofs, ...mcpProofs, ...quotaProofs, ...otherProofs];

/** Keys that hold a value; the blocks of providers are one of them. */
function keysBelow(section: Expected, above: readonly string[] = []): string[][] {
  return keysOf(section).flatMap(([key, expected]) =>
    expected.properties && key !== 'providers' ? keysBelow(expected, [...above, key]) : [[...above, key]],
  );
}

const keys = keysBelow(expectedConfig());

describe('the table of keys that need a restart', () => {
  it('names only keys and sections that there are', () => {
    const known = keys.map((path) => path.join('.'));
    assert.deepEqual(
      Object.keys(restartKeys).filter((key) => !known.some((each) => each === key || each.startsWith(`${key}.`))),
      [],
    );
  });

  it('leaves no key without a proof that it is reloaded', () => {
    const reloadable = keys.filter((path) => !needsRestart(path)).map((path) => path.join('.'));
    assert.deepEqual(proofs.flatMap((proof) => proof.keys).toSorted(), reloadable.toSorted());
  });
});

const notToday = sharedOut(6);

// Servers that mostly wait.
describe('a reload puts in force', { concurrency: 4 }, () => {
  for (const [
    index,
    {
      keys: [key],
      shows,
      prove,
    },
  ] of proofs.entries())
    it(`${shows} (${key})`, { skip: notToday(index) }, prove);
});
