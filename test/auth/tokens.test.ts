/** Tokens: how they are made, and how one that is presented is told from all others. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { createToken, createTokenVerifier, hashToken } from '../../src/auth/tokens.ts';
import { withTimeout } from '../../src/auth/verifier.ts';

describe('a token', () => {
  test('is new each time, and of characters that a header and a subprotocol take as they are', () => {
    const [one, other] = [createToken(), createToken()];
    assert.match(one, /^parley_[\w-]{43}$/);
    assert.notEqual(one, other);
  });

  test('is hashed as any other tool would', () => {
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

  test('knows the subject of each token, whichever way its hash is written', () => {
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
    test(`knows nobody by ${name}`, () => assert.equal(verifier.verify(credential), null));
  }
});

describe('an answer within time', () => {
  test("is the verifier's, at once or later", async () => {
    assert.equal(await withTimeout({ verify: () => 'alice' }, 1000)(null), 'alice');
    assert.equal(await withTimeout({ verify: () => Promise.resolve(null) }, 1000)(null), null);
  });

  test('is a rejection when the verifier throws, rejects or says nothing', async () => {
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
