/** The judge of the proof finds what is broken: each promise is broken once, in evidence that was sound before. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import Database from 'better-sqlite3';
import { comeBack } from './comeback.ts';
import { playTo, type Killed } from './driver.ts';
import { judge } from './judge.ts';
import { setStage, type Stage } from './stage.ts';
import { worldsOf } from './stories.ts';
import type { Move } from './vocabulary.ts';
import { start } from './world.ts';

let stage: Stage;
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
  stage = await setStage(start, moves, cache);
  killed = await playTo({ id: '', of: '', from: start, moves, instant: 'held' }, stage);
  await comeBack(moves, killed, stage);
});

after(async () => {
  await stage.clear();
  await rm(cache, { recursive: true, force: true });
});

describe('the judge', () => {
  test('is content with a server that has kept its promises', () => {
    assert.deepEqual(judge(stage, killed), []);
  });

  const [sender, tools] = [() => stage.sender, () => stage.tools];
  const row = () => {
    const [first] = killed.landed;
    assert.ok(first);
    return first;
  };
  const broken: { what: string; evidence(): [Stage, Killed]; says: RegExp }[] = [
    {
      what: 'a row that was on disk and is gone',
      evidence: () => [stage, { ...killed, landed: [...killed.landed, { ...row(), seq: 99 }] }],
      says: /row 99 .* was on disk and is "gone"/,
    },
    {
      what: 'a row that has changed',
      evidence: () => [stage, { ...killed, landed: [{ ...row(), content: 'other words' }] }],
      says: /row 1 .* was on disk and is/,
    },
    {
      what: 'a message that was promised and is not there',
      evidence: () => [
        {
          ...stage,
          sender: { ...sender(), frames: [{ request_id: 'r9', status: 'processing', conversation_id: 'c1', seq: 1 }] },
        },
        killed,
      ],
      says: /processing with seq 1 was told of r9/,
    },
    {
      what: 'an end that was told otherwise',
      evidence: () => [
        {
          ...stage,
          sender: {
            ...sender(),
            frames: sender().frames.map((frame) => (frame.status === 'complete' ? { ...frame, metadata: {} } : frame)),
          },
        },
        killed,
      ],
      says: /the end \{\} was told of r1/,
    },
    {
      what: 'a Stop that was confirmed and forgotten',
      evidence: () => [
        {
          ...stage,
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
        stage,
        {
          ...killed,
          requests: 0,
          landed: [{ ...row(), type: 'meta', extra: { kind: 'cancel', reason: 'cancelled' } }],
        },
      ],
      says: /r1 was stopped, and the model was asked for it again/,
    },
    {
      what: 'a request that no provider takes',
      evidence: () => [{ ...stage, model: { ...stage.model, violations: ['two heads'] } }, killed],
      says: /invalid request: two heads/,
    },
    {
      what: 'a call made twice',
      evidence: () => [
        { ...stage, tools: { ...tools(), effects: new Map([['r1.0.0', { times: 2, idempotent: false }]]) } },
        killed,
      ],
      says: /r1\.0\.0 took effect 2 times$/m,
    },
    {
      what: 'a call made that was denied, and never dispatched',
      evidence: () => [
        { ...stage, tools: { ...tools(), effects: new Map([['r1.1.0', { times: 1, idempotent: false }]]) } },
        killed,
      ],
      says: /dispatched 0 times[^]*was not approved, and took effect/,
    },
    {
      what: 'a call that did what its server had asked about, and a person declined',
      evidence: () => [
        { ...stage, tools: { ...tools(), effects: new Map([['r1.0.0', { times: 1, idempotent: false }]]) } },
        killed,
      ],
      says: /nobody answered what the server of call r1\.0\.0 asked, and it took effect/,
    },
    {
      what: 'a sender without its end and its text',
      evidence: () => [
        {
          ...stage,
          sender: {
            ...sender(),
            turns: new Map([...sender().turns].map(([id, turn]) => [id, { ...turn, end: null, texts: new Map() }])),
          },
        },
        killed,
      ],
      says: /the sender of r1 was not told its end[^]*holds \[\]/,
    },
    {
      what: 'a follower that misses a row',
      evidence: () => [{ ...stage, watcher: { ...stage.watcher, rows: stage.watcher.rows.slice(1) } }, killed],
      says: /the follower has \d+ rows of \d+/,
    },
    {
      what: 'a follower that shows what is not there',
      evidence: () => [{ ...stage, watcher: { ...stage.watcher, drafts: new Map([['m9', 'Once ']]) } }, killed],
      says: /still shows "Once "/,
    },
    {
      what: 'a conversation that was removed and is there',
      evidence: () => [stage, { ...killed, removed: true, requests: 0 }],
      says: /was removed and has \d+ rows[^]*the model was asked/,
    },
  ];
  for (const { what, evidence, says } of broken) {
    test(`finds ${what}`, () => {
      assert.match(judge(...evidence()).join('\n'), says);
    });
  }

  test('finds a log with a gap', () => {
    const database = new Database(stage.home.database);
    database.exec('DELETE FROM chat_events WHERE seq = 2');
    database.close();
    assert.match(judge(stage, killed).join('\n'), /row 2 is missing/);
  });
});
