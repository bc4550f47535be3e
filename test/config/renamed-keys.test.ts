/** Tests the refusal of each renamed key. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parse, stringify } from 'yaml';
import { expectedAt, expectedConfig } from '../../src/config/expected.ts';
import { renamedKeys } from '../../src/config/renamed-keys.ts';
import { problemsOf } from './config-folder.ts';

/** Providers of each kind: a plain preset, Azure, and a block of the user's own. */
const providers = ['groq', 'azure', 'mine'];

/** A file that states `key` and nothing else. A block of the user's own also states what it must. */
function fileWith(key: string): string {
  return key.split('.').reduceRight<string>((inner, step) => {
    const own = step === 'mine' ? { base_url: 'http://localhost/v1', model: 'm' } : {};
    const value: unknown = inner === '' ? 1 : { ...own, ...parse(inner) };
    return stringify({ [step]: value });
  }, '');
}

describe('a renamed key is refused with its new name:', () => {
  for (const [oldKey, newKey] of Object.entries(renamedKeys)) {
    for (const provider of oldKey.includes('*') ? providers : ['']) {
      const [from, to] = [oldKey.replace('*', provider), newKey.replace('*', provider)];
      test(from, async (t) => {
        const [problem, ...others] = await problemsOf(t, fileWith(from));
        assert.match(problem ?? '', /^my\.yaml:\d+: /);
        assert.equal(problem?.split(': ')[1], `${from} is now ${to}.`);
        assert.deepEqual(others, []);
        assert.ok(expectedAt(expectedConfig(), to.split('.')), `${to} is a key`);
      });
    }
  }
});
