/**
 * Tests that the judge of the proof finds violations. Each case breaks one promise in evidence that was sound before.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import Database from 'better-sqlite3';
import { restartAndFinish } from './restart.ts';
import { playTo, type Killed } from './driver.ts';
import { judge } from './judge.ts';
import { createEnvironment, type Environment } from './environment.ts';
import { worldsOf } from './story-worlds.ts';
import type { Move } from './moves.ts';
import { start } from './world.ts';

let environment: Environment;
let killed: Killed;
let cache: string;

before(async () => {
  cache = await mkdtemp(join(tmpdir(), 'parley-proof-cache-'));
  const deny: Move = { do: 'respond', decision: 'deny', to: 'first' };
  const story: Move[] = [
    { do: 'chat', id: 'r1', mode: 'queue', words: 'own' },
    { do: 'ask', tools: ['table'] },
    { do: 'call', tool: 'table', ends: 'asks' },
    deny,
    { do: 'call', tool: 'table', ends: 'ok' },
    { do: 'ask', tools: ['pay'] },
    deny,
    { do: 'answer' },
  ];
  const moves = worldsOf(story).findLast(({ path }) => path.at(-1)?.do === 'answer')?.path ?? [];
  environment = await createEnvironment(start, moves, { cache, api: 'chat' });
  killed = await playTo({ id: '', of: '', from: start, moves, instant: 'held' }, environment);
  await restartAndFinish(moves, killed, environment);
});

after(async () => {
  await environment.close();
  await rm(cache, { recursive: true, force: true });
});

describe('the judge', () => {
  test('accepts a server that kept its promises', () => {
    assert.deepEqual(judge(environment, killed), []);
  });

  const [sender, tools] = [() => environment.sender, () => environment.tools];
  const row = () => {
    const [first] = killed.landed;
    assert.ok(first);
    return first;
  };
  const broken: { what: string; evidence(): [Environment, Killed]; says: RegExp }[] = [
    {
      what: 'a row that was on disk and is gone',
      evidence: () => [environment, { ...killed, landed: [...killed.landed, { ...row(), seq: 99 }] }],
      says: /row 99 .* was on disk and is "gone"/,
    },
    {
      what: 'a row that has changed',
      evidence: () => [environment, { ...killed, landed: [{ ...row(), content: 'other words' }] }],
      says: /row 1 .* was on disk and is/,
    },
    {
      what: 'a message that was acknowledged and is missing',
      evidence: () => [
        {
          ...environment,
          sender: { ...sender(), frames: [{ request_id: 'r9', status: 'processing', conversation_id: 'c1', seq: 1 }] },
        },
        killed,
      ],
      says: /received processing with seq 1 for r9/,
    },
    {
      what: 'an end that differs from the end in the log',
      evidence: () => [
        {
          ...environment,
          sender: {
            ...sender(),
            frames: sender().frames.map((frame) => (frame.status === 'complete' ? { ...frame, metadata: {} } : frame)),
          },
        },
        killed,
      ],
      says: /received the end \{\} for r1/,
    },
    {
      what: 'a Stop that was confirmed and lost',
      evidence: () => [
        {
          ...environment,
          sender: {
            ...sender(),
            frames: [{ request_id: 's1', status: 'result', conversation_id: 'c1', result: { cancelled: ['r1'] } }],
          },
        },
        killed,
      ],
      says: /the Stop of r1 was confirmed/,
    },
    {
      what: 'a Stop on disk after which the turn went on',
      evidence: () => [
        environment,
        {
          ...killed,
          requests: 0,
          landed: [{ ...row(), type: 'meta', extra: { kind: 'cancel', reason: 'cancelled' } }],
        },
      ],
      says: /r1 was stopped, and the model was asked for it again/,
    },
    {
      what: 'a request that a strict provider rejects',
      evidence: () => [{ ...environment, model: { ...environment.model, violations: ['two heads'] } }, killed],
      says: /invalid request: two heads/,
    },
    {
      what: 'a call made twice',
      evidence: () => [
        { ...environment, tools: { ...tools(), effects: new Map([['r1.0.0', { times: 2, idempotent: false }]]) } },
        killed,
      ],
      says: /r1\.0\.0 took effect 2 times$/m,
    },
    {
      what: 'a call that was denied, never dispatched and made',
      evidence: () => [
        { ...environment, tools: { ...tools(), effects: new Map([['r1.1.0', { times: 1, idempotent: false }]]) } },
        killed,
      ],
      says: /dispatched 0 times[^]*was not approved, and took effect/,
    },
    {
      what: 'a call that took effect although a person declined the question of its server',
      evidence: () => [
        { ...environment, tools: { ...tools(), effects: new Map([['r1.0.0', { times: 1, idempotent: false }]]) } },
        killed,
      ],
      says: /no person answered the question of call r1\.0\.0's server, and the call took effect/,
    },
    {
      what: 'a sender that lacks the end and the text of its turn',
      evidence: () => [
        {
          ...environment,
          sender: {
            ...sender(),
            turns: new Map([...sender().turns].map(([id, turn]) => [id, { ...turn, end: null, texts: new Map() }])),
          },
        },
        killed,
      ],
      says: /the sender of r1 did not receive its end[^]*has \[\]/,
    },
    {
      what: 'a follower that misses a row',
      evidence: () => [
        { ...environment, watcher: { ...environment.watcher, rows: environment.watcher.rows.slice(1) } },
        killed,
      ],
      says: /the follower has \d+ rows of \d+/,
    },
    {
      what: 'a follower that shows a text without a row',
      evidence: () => [
        { ...environment, watcher: { ...environment.watcher, drafts: new Map([['m9', 'Once ']]) } },
        killed,
      ],
      says: /still shows "Once "/,
    },
    {
      what: 'a removed conversation that still exists',
      evidence: () => [environment, { ...killed, removed: true, requests: 0 }],
      says: /was removed and has \d+ rows[^]*the model was asked/,
    },
  ];
  for (const { what, evidence, says } of broken) {
    test(`finds ${what}`, () => {
      assert.match(judge(...evidence()).join('\n'), says);
    });
  }

  test('finds a log with a gap', () => {
    const database = new Database(environment.home.database);
    database.exec('DELETE FROM chat_events WHERE seq = 2');
    database.close();
    assert.match(judge(environment, killed).join('\n'), /row 2 is missing/);
  });
});
