/** Tests the creation and verification of tokens. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { createToken, createTokenVerifier, hashToken } from '../../src/auth/tokens.ts';
import { withTimeout } from '../../src/auth/verifier.ts';

describe('a token', () => {
  test('is new each time, with characters that are valid in a header and a subprotocol', () => {
    const [one, other] = [createToken(), createToken()];
    assert.match(one, /^parley_[\w-]{43}$/);
    assert.notEqual(one, other);
  });

  test('is hashed with plain SHA-256', () => {
    assert.equal(hashToken('parley_x'), createHash('sha256').update('parley_x').digest('hex'));
  });
});

describe('the verifier of tokens', () => {
  const [alices, alicesOther, bobs] = [createToken(), createToken(), createToken()];
  const verifier = createTokenVerifier([
    { subject: 'alice', sha256: hashToken(alices) },
    { subject: 'alice', sha256: hashToken(alicesOther).toUpperCase() },
    { subject: 'bob', sha256: createHash('sha256').update(bobs).digest('base64url') },
  ]);

  test('returns the subject of each token, with its hash in hex or base64url', () => {
    assert.deepEqual(
      [alices, alicesOther, bobs].map((token) => verifier.verify(token)),
      ['alice', 'alice', 'bob'],
    );
  });

  for (const [name, credential] of [
    ['nothing', null],
    ['an empty text', ''],
    ['another token', createToken()],
    ['part of a token', alices.slice(0, -1)],
    ['a hash', hashToken(alices)],
  ] as const) {
    test(`returns null for ${name}`, () => assert.equal(verifier.verify(credential), null));
  }
});

test('the verifier of tokens rejects the empty token, also if its hash is known', () => {
  const verifier = createTokenVerifier([{ subject: 'alice', sha256: hashToken('') }]);
  assert.equal(verifier.verify(''), null);
});

describe('withTimeout', () => {
  test("returns the verifier's result, now or later", async () => {
    assert.equal(await withTimeout({ verify: () => 'alice' }, 1000)(null), 'alice');
    assert.equal(await withTimeout({ verify: () => Promise.resolve(null) }, 1000)(null), null);
  });

  test('rejects if the verifier throws, rejects or does not settle', async () => {
    const broken = () => {
      throw new Error('no verdict');
    };
    await assert.rejects(withTimeout({ verify: broken }, 1000)(null), /no verdict/);
    await assert.rejects(
      withTimeout({ verify: () => Promise.reject(new Error('no verdict')) }, 1000)(null),
      /no verdict/,
    );
    await assert.rejects(withTimeout({ verify: () => new Promise(() => {}) }, 1)(null), /longer than 1 ms/);
  });
});
