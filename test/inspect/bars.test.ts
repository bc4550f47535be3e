/** Checks the bars of the timeline, computed from rows and from states that were followed live. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { phasesOf, slowestOf, turnsOf } from '../../src/inspect/page/bars.js';
import { scaleOf } from '../../src/inspect/page/time-scale.js';
import { blankFacts } from '../support/blank-facts.ts';

const blank = { request_id: 'r1', ...blankFacts };
let last = 0;
const row = (at_ms: number, type: string, more: object = {}) => ({ ...blank, seq: (last += 1), at_ms, type, ...more });
const answer = (at: number, more: object) => row(at, 'assistant_message', { model: 'm', duration_ms: 0, ...more });

const spans = (turn: ReturnType<typeof turnsOf>[number] | undefined) =>
  turn?.spans.map(({ kind, startMs, endMs }) => `${kind} ${startMs}-${endMs ?? ''}`);

describe('the bars of a turn', () => {
  it('show queue, model calls, tools and waits with the times of the rows', () => {
    const [turn] = turnsOf(
      [
        row(1000, 'user_message', { text: 'Hi' }),
        answer(1500, {
          duration_ms: 400,
          first_token_ms: 150,
          hop: 0,
          prompt_tokens: 10,
          completion_tokens: 5,
          cost: 0.5,
        }),
        row(1500, 'approval_request', { call_id: 'b', name: 'ask_me' }),
        row(1500, 'tool_call', { call_id: 'a', name: 'add', server: 'demo' }),
        row(1800, 'tool_result', { call_id: 'a', name: 'add', duration_ms: 250, outcome: 'ok' }),
        row(5000, 'response', { call_id: 'b', outcome: 'approve' }),
        row(5000, 'tool_call', { call_id: 'b', name: 'ask_me', server: 'demo' }),
        row(5200, 'tool_result', { call_id: 'b', name: 'ask_me', duration_ms: 200, outcome: 'ok' }),
        answer(5600, {
          duration_ms: 390,
          first_token_ms: 10,
          hop: 1,
          prompt_tokens: 20,
          completion_tokens: 5,
          cost: 0.5,
        }),
        row(5600, 'turn_end', { outcome: 'stop' }),
      ],
      [],
    );
    assert.deepEqual(spans(turn), [
      'queue 1000-1100',
      'model 1100-1500',
      'wait 1500-5000',
      'commit 1500-1550',
      'tool 1550-1800',
      'tool 5000-5200',
      'context 5200-5210',
      'model 5210-5600',
    ]);
    assert.equal(turn?.spans[1]?.firstTokenMs, 1250);
    assert.deepEqual(
      [turn?.promptTokens, turn?.completionTokens, turn?.cost, turn?.calls, turn?.tools, turn?.outcome, turn?.text],
      [30, 10, 1, 2, 2, 'stop', 'Hi'],
    );
    assert.ok(turn);
    assert.equal(slowestOf(turn, 5600)?.startMs, 1100, 'the longest, waits for people excluded');
  });

  it('stay open while work goes on', () => {
    const kinds = (rows: ReturnType<typeof row>[]) =>
      turnsOf(rows, [])[0]
        ?.spans.filter(({ endMs }) => endMs === null)
        .map(({ kind }) => kind);
    const message = row(1000, 'user_message');
    assert.deepEqual(kinds([message]), ['model']);
    assert.deepEqual(kinds([message, answer(1100, {}), row(1100, 'tool_call', { call_id: 'a' })]), ['tool']);
    assert.deepEqual(kinds([message, answer(1100, {}), row(1100, 'elicitation_request', { call_id: 'a' })]), ['wait']);
    assert.deepEqual(kinds([message, answer(1100, {}), row(1200, 'turn_end')]), []);
  });

  it('belong to their own turn if turns queue', () => {
    const turns = turnsOf(
      [
        row(1000, 'user_message'),
        row(1001, 'user_message', { request_id: 'r2' }),
        answer(2000, { duration_ms: 900 }),
        row(2000, 'turn_end'),
        answer(2500, { request_id: 'r2', duration_ms: 400 }),
        row(2500, 'turn_end', { request_id: 'r2' }),
      ],
      [],
    );
    assert.deepEqual(turns.map(spans), [
      ['queue 1000-1100', 'model 1100-2000'],
      ['queue 1001-2100', 'model 2100-2500'],
    ]);
  });

  it('use the states that were followed live instead of guesses from rows', () => {
    const actor = (state: string) =>
      new Map([
        [
          'x:0',
          {
            id: 'x:0',
            name: 'c1',
            machine: 'conversation',
            parentId: undefined,
            state,
            status: 'active',
            context: null,
            transitions: [],
          },
        ],
      ]);
    const step = (atMs: number, state: string) => ({
      key: String(atMs),
      atMs,
      kind: 'event' as const,
      actorId: 'x:0',
      label: '',
      from: null,
      event: null,
      actors: actor(state),
      seq: null,
      commit: null,
    });
    const phases = phasesOf([
      step(990, 'turn.receiving'),
      step(1010, 'turn.queued'),
      step(1080, 'turn.loadingContext'),
      step(1100, 'turn.streaming'),
      step(1500, 'turn.persisting'),
      step(1520, 'idle'),
    ]);
    const [turn] = turnsOf(
      [row(1000, 'user_message'), answer(1500, { duration_ms: 400 }), row(1500, 'turn_end')],
      phases,
    );
    assert.deepEqual(spans(turn), [
      'commit 990-1010',
      'queue 1010-1080',
      'context 1080-1100',
      'model 1100-1500',
      'commit 1500-1520',
    ]);
  });
});

describe('the scale', () => {
  it('is linear, and compresses only long waits for people', () => {
    const rows = (waitMs: number) =>
      turnsOf(
        [
          row(0, 'user_message'),
          answer(100, { duration_ms: 100 }),
          row(100, 'approval_request', { call_id: 'a' }),
          row(100 + waitMs, 'response', { call_id: 'a' }),
          answer(200 + waitMs, { duration_ms: 100 }),
          row(200 + waitMs, 'turn_end'),
        ],
        [],
      );
    const [short] = rows(10);
    const [long] = rows(3_600_000);
    assert.ok(short && long);
    assert.equal(scaleOf(short, 0).isCompressed, false);
    assert.equal(scaleOf(short, 0).at(105), 0.5);
    const { at, isCompressed } = scaleOf(long, 0);
    assert.equal(isCompressed, true);
    assert.deepEqual(
      [0, 100, 3_600_100, 3_600_200].map((ms) => Math.round(at(ms) * 1000)),
      [0, 375, 625, 1000],
    );
  });
});
