/** Tests how documents of authorization servers are read, and which addresses count as one server. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createLenientFetch } from '../../src/mcp/oauth/lenient-answers.ts';
import { awayStatus, awayTokens } from '../../src/mcp/oauth/renewal.ts';
import { resourceOf } from '../../src/mcp/oauth/resource-indicator.ts';
import { asSeen, isSameServer } from '../../src/mcp/oauth/same-server.ts';

const SERVER = 'https://mcp.example/mcp';

async function read(url: string, body: string | object, init: RequestInit = {}) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const response = await createLenientFetch(async () => new Response(text), SERVER)(url, init);
  return response.ok ? (response.json() as Promise<Record<string, unknown>>) : response.status;
}

const WELL_KNOWN = 'https://mcp.example/.well-known';
const server = {
  issuer: 'https://mcp.example',
  authorization_endpoint: 'https://mcp.example/authorize',
  token_endpoint: 'https://mcp.example/token',
  response_types_supported: ['code'],
};
const openId = {
  jwks_uri: 'https://x.example/j',
  subject_types_supported: ['public'],
  id_token_signing_alg_values_supported: ['RS256'],
};

describe('one server', () => {
  for (const [named, seen, is] of [
    ['http://mcp.example', 'https://mcp.example', true],
    ['https://mcp.example', 'http://mcp.example:8080', true],
    ['http://localhost:8080', 'https://mcp.example', true],
    ['http://localhost:8080', 'http://127.0.0.1:8080', true],
    ['http://localhost:8081', 'http://127.0.0.1:8080', false],
    ['https://mcp.example:8443', 'https://mcp.example', false],
    ['https://evil.example', 'https://mcp.example', false],
  ] as const) {
    it(`${is ? 'is' : 'is not'} ${named}, reached at ${seen}`, () =>
      assert.equal(isSameServer(new URL(named), new URL(seen)), is));
  }

  it('is asked at the address where it was reached, and never without https', () => {
    assert.equal(asSeen('http://mcp.example/a?b=c', new URL(SERVER)), 'https://mcp.example/a?b=c');
    assert.equal(asSeen('https://mcp.example/a', new URL('http://mcp.example')), 'https://mcp.example/a');
    assert.equal(asSeen('https://as.example', new URL(SERVER)), 'https://as.example');
  });
});

describe('the stated resource', () => {
  for (const stated of ['https://mcp.example', 'https://mcp.example/', SERVER, `${SERVER}/`, 'http://mcp.example/mcp'])
    it(`may be ${stated}, and is sent as written`, () => assert.equal(resourceOf(SERVER, stated)?.href, stated));
  for (const stated of ['https://evil.example/mcp', 'https://mcp.example/other', 'https://mcp.example/mc'])
    it(`must not be ${stated}`, () => assert.throws(() => resourceOf(SERVER, stated), /metadata of another resource/));
});

describe('metadata', () => {
  it('is missing where a page or another document is', async () => {
    for (const path of ['oauth-protected-resource/mcp', 'oauth-authorization-server', 'openid-configuration'])
      for (const body of ['<!doctype html>', '[]', 'null', {}, { error: 'not found' }])
        assert.equal(await read(`${WELL_KNOWN}/${path}`, body), 404);
  });

  it('of an authorization server is read without null and malformed members', async () => {
    const odd = {
      scopes_supported: 'read write',
      service_documentation: '',
      revocation_endpoint: null,
      op_tos_uri: 'no',
    };
    assert.deepEqual(await read(`${WELL_KNOWN}/oauth-authorization-server`, { ...server, ...odd }), {
      ...server,
      ...openId,
      scopes_supported: ['read', 'write'],
    });
  });

  it('may state its issuer with a slash, or with http behind a proxy', async () => {
    for (const issuer of ['https://mcp.example/', 'http://mcp.example', null])
      assert.notEqual(await read(`${WELL_KNOWN}/oauth-authorization-server`, { ...server, issuer }), 404);
    const tenant = { ...server, issuer: 'https://mcp.example/t1/' };
    for (const path of ['/.well-known/oauth-authorization-server/t1', '/t1/.well-known/openid-configuration'])
      assert.notEqual(await read(`https://mcp.example${path}`, tenant), 404);
  });

  it('of another authorization server is rejected', async () => {
    for (const issuer of ['https://evil.example', 'https://mcp.example/t1'])
      await assert.rejects(read(`${WELL_KNOWN}/oauth-authorization-server`, { ...server, issuer }), /of another one/);
  });

  it('of a resource is read with one server as text, and without a resource', async () => {
    assert.deepEqual(
      await read(`${WELL_KNOWN}/oauth-protected-resource`, { authorization_servers: 'http://mcp.example/as' }),
      {
        resource: SERVER,
        authorization_servers: ['https://mcp.example/as'],
      },
    );
  });
});

describe('an answer with tokens', () => {
  const init = { method: 'POST', body: new URLSearchParams() };

  it('is read without nulls, with a lifetime as text, and without a type', async () => {
    assert.deepEqual(
      await read(
        'https://as.example/token',
        { access_token: 'a', refresh_token: null, scope: null, expires_in: '60' },
        init,
      ),
      { access_token: 'a', token_type: 'Bearer', expires_in: 60 },
    );
    assert.deepEqual(
      await read(
        'https://as.example/token',
        { access_token: 'a', token_type: 'bearer', expires_in: null, scope: ['a', 'b'] },
        init,
      ),
      { access_token: 'a', token_type: 'bearer', scope: 'a b' },
    );
  });

  it('that is an error stays', async () => {
    assert.deepEqual(await read('https://as.example/token', { error: 'invalid_grant', x: null }, init), {
      error: 'invalid_grant',
      x: null,
    });
  });
});

describe('a registration', () => {
  it('is read without nulls, with the redirect URLs of the request', async () => {
    const body = JSON.stringify({ redirect_uris: ['http://127.0.0.1/cb'] });
    const answer = { client_id: 7, client_secret: null, logo_uri: null, client_uri: '', client_secret_expires_at: '0' };
    assert.deepEqual(await read('https://as.example/register', answer, { method: 'POST', body }), {
      client_id: '7',
      redirect_uris: ['http://127.0.0.1/cb'],
      client_secret_expires_at: 0,
    });
  });
});

describe('an authorization server', () => {
  it('is away if it says so, or if something else answers', () => {
    for (const [status, body] of [
      [503, ''],
      [429, '{}'],
      [404, ''],
      [200, '<html>'],
      [400, '{"error":"temporarily_unavailable"}'],
    ] as const)
      assert.notEqual(awayTokens(status, body), null, `${status} ${body}`);
    assert.deepEqual(
      [500, 502, 503, 429, 404, 200].map((status) => awayStatus(status) !== null),
      [true, true, true, true, false, false],
    );
  });

  it('is there if it refuses', () => {
    for (const [status, body] of [
      [400, '{"error":"invalid_grant"}'],
      [403, '{"error":"access_denied"}'],
      [401, 'no'],
      [200, '{"error":"bad_refresh_token"}'],
      [200, '{"access_token":"a"}'],
    ] as const)
      assert.equal(awayTokens(status, body), null, `${status} ${body}`);
  });
});
