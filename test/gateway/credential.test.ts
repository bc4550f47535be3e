/** Tests where a client may send its token, and the subprotocol that the handshake selects. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { credentialOf, selectProtocol } from '../../src/gateway/admission/credential.ts';

describe('the credential of a request', () => {
  for (const { name, headers, credential } of [
    { name: 'is absent without headers', headers: {}, credential: null },
    { name: 'is a bearer token', headers: { authorization: 'Bearer abc.d-e_f' }, credential: 'abc.d-e_f' },
    {
      name: 'may be in any case and with extra space',
      headers: { authorization: 'bearer   abc ' },
      credential: 'abc',
    },
    { name: 'is not that of another scheme', headers: { authorization: 'Basic abc' }, credential: null },
    { name: 'is not two words', headers: { authorization: 'Bearer abc def' }, credential: null },
    {
      name: 'may be an offered subprotocol',
      headers: { 'sec-websocket-protocol': 'parley, parley.token.abc.d-e_f' },
      credential: 'abc.d-e_f',
    },
    {
      name: 'is no other subprotocol',
      headers: { 'sec-websocket-protocol': 'parley,parley.tokens.abc' },
      credential: null,
    },
    {
      name: 'is that of the header if both are present',
      headers: { authorization: 'Bearer one', 'sec-websocket-protocol': 'parley.token.two' },
      credential: 'one',
    },
    {
      name: 'is found beside subprotocols of a proxy',
      headers: { authorization: 'Basic one', 'sec-websocket-protocol': 'parley.token.two' },
      credential: 'two',
    },
  ]) {
    test(name, () => assert.equal(credentialOf(headers), credential));
  }
});

test('the handshake selects parley, else another offer, and never a token', () => {
  const select = (...offers: string[]) => selectProtocol(new Set(offers));
  assert.equal(select('parley.token.abc', 'chat', 'parley'), 'parley');
  assert.equal(select('parley.token.abc', 'chat'), 'chat');
  assert.equal(select('parley.token.abc'), false);
});
