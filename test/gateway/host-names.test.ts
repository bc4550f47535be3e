/** Tests how hosts and origins of requests and of the configuration are parsed and matched. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  matchesHost,
  matchesOrigin,
  parseHost,
  parseHostPattern,
  parseOriginPattern,
  parsePage,
} from '../../src/host-names.ts';
import { isLoopbackName } from '../../src/loopback.ts';

describe('a Host header of this machine', () => {
  for (const host of [
    'localhost',
    'localhost:8000',
    'LOCALHOST:8000',
    'localhost.',
    'localhost.:8000',
    'app.localhost',
    'App.LocalHost:1',
    '127.0.0.1',
    '127.0.0.1:8000',
    '127.8.9.10:8000',
    '[::1]',
    '[::1]:8000',
    '[0:0:0:0:0:0:0:1]:8000',
    'localhost:',
  ]) {
    test(`accepts ${host}`, () => assert.ok(isLoopbackName(parseHost(host)?.hostname ?? '')));
  }
  for (const host of [
    'evil.example',
    'localhost.evil.example',
    'evillocalhost',
    '127.0.0.1.evil.example',
    '128.0.0.1',
    '0.0.0.0',
    '[::]',
    '[::2]',
    '::1',
    '10.0.0.1',
    '',
    ' ',
    ':8000',
    '.',
    'localhost..',
    'localhost:99999',
    'localhost:80x',
    'user@localhost',
    'localhost/evil.example',
    'localhost, evil.example',
    'localhost evil.example',
    '%6cocalhost',
    'localhost#x',
    'evil.example\\@localhost',
  ]) {
    test(`rejects ${JSON.stringify(host)}`, () => assert.ok(!isLoopbackName(parseHost(host)?.hostname ?? 'none')));
  }
});

describe('an entry of allowed_hosts', () => {
  for (const { entry, fits = [], not = [] } of [
    {
      entry: 'chat.example.com',
      fits: ['chat.example.com', 'CHAT.example.com:8443', 'chat.example.com.'],
      not: ['example.com', 'x.chat.example.com', 'chat.example.com.evil.example', 'evilchat.example.com'],
    },
    { entry: 'Chat.Example.COM.', fits: ['chat.example.com'] },
    {
      entry: 'chat.example.com:8443',
      fits: ['chat.example.com:8443'],
      not: ['chat.example.com', 'chat.example.com:8000'],
    },
    {
      entry: 'chat.example.com:443',
      fits: ['chat.example.com', 'chat.example.com:443'],
      not: ['chat.example.com:8443'],
    },
    {
      entry: '*.example.com',
      fits: ['a.example.com', 'a.b.example.com:99'],
      not: ['example.com', 'aexample.com', 'example.com.evil.example'],
    },
    { entry: '*.example.com:8443', fits: ['a.example.com:8443'], not: ['a.example.com'] },
    { entry: '192.0.2.7', fits: ['192.0.2.7:8000'], not: ['192.0.2.8'] },
    { entry: '[2001:db8::7]', fits: ['[2001:DB8::7]:8000'], not: ['[2001:db8::8]'] },
    { entry: 'münchen.example', fits: ['xn--mnchen-3ya.example'] },
  ]) {
    const pattern = parseHostPattern(entry);
    test(`${entry} matches ${fits.join(', ')}${not.length > 0 ? ` and not ${not.join(', ')}` : ''}`, () => {
      const fit = (host: string) => matchesHost(pattern ?? assert.fail(), parseHost(host) ?? assert.fail(host));
      assert.deepEqual([fits.filter((host) => !fit(host)), not.filter(fit)], [[], []]);
    });
  }
  for (const entry of [
    '',
    '*',
    '*.',
    '*.*.example.com',
    'a*.example.com',
    'https://chat.example.com',
    'chat.example.com/',
    'chat.example.com/ws',
    'user@chat.example.com',
    'chat example.com',
    '.example.com',
    'chat..example.com',
    'chat.example.com:',
    'chat.example.com:0x1',
    'chat.example.com:70000',
    '::1',
    '*.192.0.2.7',
    '*.[::1]',
    'chat.example.com?x',
    'chat.example.com#x',
  ]) {
    test(`rejects ${JSON.stringify(entry)}`, () => assert.equal(parseHostPattern(entry), null));
  }
});

describe('an entry of allow_origins', () => {
  for (const { entry, fits = [], not = [] } of [
    {
      entry: 'https://chat.example.com',
      fits: ['https://chat.example.com'],
      not: [
        'http://chat.example.com',
        'https://chat.example.com:8443',
        'https://chat.example.com.evil.example',
        'https://x.chat.example.com',
      ],
    },
    { entry: 'HTTPS://Chat.Example.com:443/', fits: ['https://chat.example.com'] },
    { entry: 'http://chat.example.com:80', fits: ['http://chat.example.com'], not: ['http://chat.example.com:8080'] },
    {
      entry: 'http://chat.example.com:8080/',
      fits: ['http://chat.example.com:8080'],
      not: ['http://chat.example.com'],
    },
    {
      entry: 'https://*.example.com',
      fits: ['https://a.example.com', 'https://a.b.example.com'],
      not: ['https://example.com', 'http://a.example.com', 'https://a.example.com:8443'],
    },
    { entry: 'https://*.example.com:8443', fits: ['https://a.example.com:8443'], not: ['https://a.example.com'] },
    { entry: 'chrome-extension://ABCDEF', fits: ['chrome-extension://abcdef'], not: ['https://abcdef'] },
    { entry: 'http://[::2]:3000', fits: ['http://[::2]:3000'] },
  ]) {
    const pattern = parseOriginPattern(entry);
    test(`${entry} matches ${fits.join(', ')}${not.length > 0 ? ` and not ${not.join(', ')}` : ''}`, () => {
      const fit = (origin: string) => matchesOrigin(pattern ?? assert.fail(), parsePage(origin) ?? assert.fail(origin));
      assert.deepEqual([fits.filter((origin) => !fit(origin)), not.filter(fit)], [[], []]);
    });
  }
  for (const entry of [
    '',
    'null',
    'chat.example.com',
    'https://',
    'https://*',
    'https://*.',
    'https://a.*.example.com',
    'https://chat.example.com/chat',
    'https://chat.example.com//',
    'https://chat.example.com?x',
    'https://user@chat.example.com',
    'https://chat.example.com:70000',
    'wss://chat.example.com',
    'file:///x',
    '//chat.example.com',
  ]) {
    test(`rejects ${JSON.stringify(entry)}`, () => assert.equal(parseOriginPattern(entry), null));
  }
});
