/**
 * Attacks with reads of the log, from another process, while another subject pings. Asserts on memory, not on speed;
 * `node test/bench/read-attacks.ts` measures both. Without limits the server grows by gigabytes.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sharedOut } from '../support/daily-sample.ts';
import { startAttacked } from './attacked-server.ts';
import { readAttacks, RESULT_BYTES } from './read-attacks.ts';

const MIB = 1024 * 1024;
/** Measured: at most 150 MiB. A few responses are under way, and code is compiled meanwhile. */
const ALLOWED_BYTES = 300 * MIB;

describe('the memory of a server', { skip: process.platform === 'linux' ? false : 'reads /proc' }, () => {
  const notToday = sharedOut(3);
  for (const [at, { name, attack }] of readAttacks.entries())
    it(`stays within bounds during ${name}, and others are served`, { skip: notToday(at) }, async (t) => {
      const server = await startAttacked(t, { resultBytes: RESULT_BYTES });
      const { pings, grownBytes } = await server.during(attack, 4);
      t.diagnostic(
        `${pings.length} pings, p50 ${pings.at(pings.length / 2)?.toFixed()} ms, last ${pings.at(-1)?.toFixed()} ms, grown ${(grownBytes / MIB).toFixed()} MiB`,
      );
      assert.ok(pings.length > 0);
      assert.ok(grownBytes < ALLOWED_BYTES, `the server grew by ${(grownBytes / MIB).toFixed()} MiB`);
    });
});
