/** Checks when viewers see content, by default and by an explicit setting. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createToken, hashToken } from '../../src/auth/tokens.ts';
import { includesContent } from '../../src/config/options.ts';
import { configSchema } from '../../src/config/schema/schema.ts';
import { pageOf } from '../support/metrics.ts';
import { startParley } from '../support/parley.ts';

const token = { mode: 'token', tokens: [{ subject: 'root', sha256: hashToken('root') }] };

describe('inspect.include_content', () => {
  const cases: [sentence: string, config: object, shown: boolean][] = [
    ['is on by default on a loopback listener without auth', {}, true],
    ['is on by default on ::1 without auth', { chat: { websocket: { host: '::1' } } }, true],
    ['is off by default with tokens', { auth: token }, false],
    [
      'is off by default beyond loopback',
      { auth: { allow_anonymous_beyond_loopback: true }, chat: { websocket: { host: '0.0.0.0' } } },
      false,
    ],
    [
      'is off by default if a proxy may admit anonymous clients',
      { auth: { allow_anonymous_beyond_loopback: true } },
      false,
    ],
    [
      'is off by default if a proxy serves its own host name',
      { chat: { websocket: { allowed_hosts: ['chat.example.com'] } } },
      false,
    ],
    [
      'is off by default if inspection is served beyond loopback',
      { auth: token, inspect: { beyond_loopback: true, viewers: ['root'] } },
      false,
    ],
    ['is off if the configuration says false', { inspect: { include_content: false } }, false],
    ['is on if the configuration says true', { auth: token, inspect: { include_content: true } }, true],
  ];
  for (const [sentence, config, shown] of cases) {
    it(sentence, () => assert.equal(includesContent(configSchema.parse(config)), shown));
  }

  it('makes the API show titles by default, and none with tokens', async (t) => {
    const secret = createToken();
    const auth = { mode: 'token', tokens: [{ subject: 'root', sha256: hashToken(secret) }] };
    for (const [config, title] of [
      [{}, 'Rosebud'],
      [{ auth, inspect: { viewers: ['root'] } }, null],
    ] as const) {
      const parley = await startParley(t, { config });
      const headers = { authorization: `Bearer ${secret}` };
      const client = await parley.connect({ headers });
      await client.chat('Rosebud', { conversation_id: 'c1' });
      const { conversations }: { conversations: { title: string | null }[] } = JSON.parse(
        await (await fetch(pageOf(parley.url, '/inspect/api/stored'), { headers })).text(),
      );
      assert.deepEqual(
        conversations.map((each) => each.title),
        [title],
      );
    }
  });
});
