/** Tests which values of a server's block are struck from texts, in which forms, and what stays readable. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { HttpServer, ServerBlock } from '../../src/mcp/config/server-block.ts';
import { secretFilterOf } from '../../src/mcp/secrets/secret-filter.ts';
import { httpServer, stdioServer } from '../support/mcp-servers.ts';

const http = (changes: Partial<HttpServer>): ServerBlock => ({
  ...httpServer('web', 'http://127.0.0.1:9/mcp'),
  ...changes,
});
const stdio = (args: string[], env: Record<string, string> = {}): ServerBlock => ({ ...stdioServer('one', env), args });

const client = { client_id: 'parley', client_secret: 'oauth/secret+1' };
const basic = Buffer.from('ann:pass word!').toString('base64');

describe('a secret of a server block', () => {
  const rows: { what: string; block: ServerBlock; secrets: string[] }[] = [
    { what: 'a header', block: http({ headers: { 'X-Key': 'hush hush' } }), secrets: ['hush hush'] },
    {
      what: 'a bearer token',
      block: http({ headers: { Authorization: 'Bearer hush-hush' } }),
      secrets: ['Bearer hush-hush', 'hush-hush'],
    },
    {
      what: 'a password in a header',
      block: http({ headers: { Authorization: `Basic ${basic}` } }),
      secrets: [basic, 'pass word!'],
    },
    {
      what: 'a key in an address',
      block: http({ url: 'https://h/mcp?apiKey=hush%2Fhush&limit=5' }),
      secrets: ['hush/hush', 'hush%2Fhush'],
    },
    {
      what: 'a key in a path',
      block: http({ url: 'https://h/s/3f2a9c1be07d4a51b2c6/mcp' }),
      secrets: ['3f2a9c1be07d4a51b2c6'],
    },
    { what: 'a password in an address', block: http({ url: 'https://ann:hush-hush@h/mcp' }), secrets: ['hush-hush'] },
    {
      what: 'an OAuth client secret',
      block: http({ oauth: { client, scope: null } }),
      secrets: [client.client_secret],
    },
    {
      what: 'a variable',
      block: stdio([], { API_KEY: 'plainword', GITHUB_TOKEN: '12345678' }),
      secrets: ['plainword', '12345678'],
    },
    {
      what: 'a variable that looks like a key',
      block: stdio([], { X: 'sk-live_abcdef' }),
      secrets: ['sk-live_abcdef'],
    },
    {
      what: 'an address in a variable',
      block: stdio([], { DB: 'postgres://ann:hush-hush@db/x' }),
      secrets: ['hush-hush'],
    },
    {
      what: 'a flag',
      block: stdio(['--api-key', 'plainword', '--token=otherword', '-y']),
      secrets: ['plainword', 'otherword'],
    },
    {
      what: 'a header in an argument',
      block: stdio(['--header', 'Authorization: Bearer hush-hush']),
      secrets: ['hush-hush'],
    },
    {
      what: 'an argument that looks like a key',
      block: stdio(['ghp_abcdefgh', '3f2a9c1be07d4a51b2c6']),
      secrets: ['ghp_abcdefgh', '3f2a9c1be07d4a51b2c6'],
    },
    {
      what: 'an address in an argument',
      block: stdio(['postgresql://ann:hush%20hush@db/x']),
      secrets: ['hush hush', 'hush%20hush'],
    },
  ];
  for (const { what, block, secrets } of rows) {
    it(`is struck from reports and results: ${what}`, () => {
      const { report, contentAll } = secretFilterOf(block);
      for (const secret of secrets) {
        const text = `before ${secret} after`;
        assert.doesNotMatch(report(text), new RegExp(RegExp.escape(secret)));
        assert.deepEqual(contentAll({ deep: [{ text }] }), { deep: [{ text: 'before [secret] after' }] });
      }
    });
  }

  it('is struck in each of its forms', () => {
    const secret = 'a b"c/+ü=';
    const { report } = secretFilterOf(stdio([], { API_KEY: secret }));
    const bytes = Buffer.from(secret);
    for (const form of [
      secret,
      encodeURIComponent(secret),
      encodeURI(secret),
      new URLSearchParams({ q: secret }).toString().slice(2),
      bytes.toString('base64'),
      bytes.toString('base64url'),
      JSON.stringify(secret),
    ])
      assert.match(report(`it is ${form}`), /^it is "?\[secret\]"?$/);
  });

  it('is struck whole if another one is a part of it', () => {
    const { report } = secretFilterOf(stdio([], { KEY_A: 'hush-hush', KEY_B: 'hush-hush-more' }));
    assert.equal(report('hush-hush-more, hush-hush'), '[secret], [secret]');
  });
});

describe('a report', () => {
  it('has no key of any address and no token, also of another origin', () => {
    const { report } = secretFilterOf(stdio([]));
    assert.equal(
      report('GET https://ann:x@h/?a=1&apiKey=abc&access_token=d%20e#top failed: Bearer abc.def123'),
      'GET https://[secret]@h/?a=1&apiKey=[secret]&access_token=[secret]#top failed: Bearer [secret]',
    );
  });

  it('has no other value of the block that may be one', () => {
    const { report, contentAll } = secretFilterOf(stdio([], { LABEL: 'hush-hush 5' }));
    assert.equal(report('label hush-hush 5 is unknown'), 'label [secret] is unknown');
    assert.equal(contentAll('label hush-hush 5'), 'label hush-hush 5');
  });

  it('stays readable: words, numbers, paths, packages and names of files', () => {
    const block = stdio(
      ['-y', '@scope/secret-server', '--port', '8080123', 'report-2026-12-01-final.json', '/srv/data'],
      {
        NODE_ENV: 'production',
        ROOT: '/srv/data',
        PORT: '8080123',
        API: 'https://api.example.org/v1',
      },
    );
    const text =
      'production: /srv/data/x on 8080123 with @scope/secret-server at https://api.example.org/v1, report-2026-12-01-final.json';
    assert.equal(secretFilterOf(block).report(text), text);
  });
});

describe('a list', () => {
  it('keeps the names and addresses that go back to the server', () => {
    const { listAll } = secretFilterOf(stdio([], { API_KEY: 'hush-hush' }));
    const listed = [
      { name: 'hush-hush', uri: 'x://hush-hush', description: 'with hush-hush', inputSchema: { default: 'hush-hush' } },
    ];
    assert.deepEqual(listAll(listed), [
      { name: 'hush-hush', uri: 'x://hush-hush', description: 'with [secret]', inputSchema: { default: '[secret]' } },
    ]);
    const plain = [{ name: 'a' }];
    assert.equal(listAll(plain), plain, 'an unchanged list is the same object');
  });
});
