/** Checks the context window: the messages that the model gets, their order, and what is cut when they do not fit. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { buildWindow, type WindowOptions } from '../../../machines/context-window/context-window.ts';
import type { ModelMessage } from '../../../machines/context-window/model-messages.ts';
import { foldRow, type TurnRows } from '../../../machines/context-window/past-turns.ts';
import type { LogRow, ToolCallRequest } from '../../../machines/log.ts';
import { row } from '../../support/machines/values.ts';
import { assertValidWindow } from '../../support/machines/validity.ts';

const roomy: WindowOptions = { systemPrompt: '', systemTokens: 0, budgetTokens: 10_000, preserveRecent: 1 };

type Part = [requestId: string | null, changes: Partial<LogRow>];
const user = (id: string | null, content: string): Part => [id, { type: 'user_message', role: 'user', content }];
const assistant = (id: string | null, content: string, calls: string[] = []): Part => [
  id,
  { type: 'assistant_message', role: 'assistant', content, tool_calls: calls.length === 0 ? null : calls.map(request) },
];
const result = (id: string | null, callId: string, content: string): Part => [
  id,
  { type: 'tool_result', role: 'tool', content, tool_call_id: callId },
];
const meta = (id: string, kind: string): Part => [id, { type: 'meta', extra: { kind } }];
const turn = (id: string, question: string, reply: string): Part[] => [
  user(id, question),
  assistant(id, reply),
  meta(id, 'turn_end'),
];

function request(id: string): ToolCallRequest {
  return { id, type: 'function', function: { name: 'add', arguments: '{}' } };
}

function folded(...parts: Part[]): TurnRows[] {
  const turns: TurnRows[] = [];
  for (const [index, [id, changes]] of parts.entries()) foldRow(turns, row(index + 1, id, changes));
  return turns;
}

const contents = (messages: readonly ModelMessage[]) => messages.map(({ content }) => content);
const windowOf = (parts: Part[], requestId: string, options: Partial<WindowOptions> = {}) =>
  buildWindow(folded(...parts), requestId, { ...roomy, ...options });

describe('reasoning that is sent back', () => {
  const thought = 'hm '.repeat(400);
  const [, asks] = assistant('r1', 'Adding.', ['c1']);
  const parts: Part[] = [
    user('r1', 'one'),
    ['r1', { ...asks, extra: { reasoning: thought } }],
    result('r1', 'c1', '3'),
    assistant('r1', 'Three.'),
    meta('r1', 'turn_end'),
    user('r2', 'two'),
  ];
  const textsWith = (options: Partial<WindowOptions>) =>
    contents(windowOf(parts, 'r2', { budgetTokens: 200, ...options }).messages);

  test('counts in the window and in the sizes', () => {
    assert.deepEqual(textsWith({ sendsReasoning: true }), ['two']);
    const { sizes, tokens } = windowOf(parts, 'r2', { sendsReasoning: true });
    const without = windowOf(parts, 'r2');
    assert.deepEqual([sizes.rest - without.sizes.rest, tokens - without.tokens], [300, 300]);
  });

  test('does not count for a provider that gets none', () =>
    assert.deepEqual(textsWith({}), ['one', 'Adding.', '3', 'Three.', 'two']));

  test('counts by its signatures if they are longer', () => {
    const signed = parts.map(([id, changes]): Part => [
      id,
      changes.extra?.['reasoning'] === undefined
        ? changes
        : { ...changes, extra: { reasoning: 'hm', signatures: { details: [{ data: 'x'.repeat(2_000) }] } } },
    ]);
    const tokens = windowOf(signed, 'r2', { sendsReasoning: true }).tokens - windowOf(signed, 'r2').tokens;
    assert.ok(tokens > 500 && tokens < 520, String(tokens));
  });

  test('does not count in a turn without tool calls, which does not send it', () => {
    const [, says] = assistant('r1', 'First.');
    const plain: Part[] = [
      user('r1', 'one'),
      ['r1', { ...says, extra: { reasoning: thought } }],
      meta('r1', 'turn_end'),
      user('r2', 'two'),
    ];
    assert.equal(windowOf(plain, 'r2', { sendsReasoning: true }).tokens, windowOf(plain, 'r2').tokens);
  });
});

const rewind = (id: string, toSeq: number): Part => [id, { type: 'meta', extra: { kind: 'rewind', to_seq: toSeq } }];

describe('a turn that rewinds', () => {
  const two = [...turn('r1', 'one', 'first'), ...turn('r2', 'two', 'second')];

  test('has the context before the replaced message, and so have the turns after it', () => {
    const edited = [...two, user('r3', 'TWO'), rewind('r3', 4)];
    assert.deepEqual(contents(windowOf(edited, 'r3').messages), ['one', 'first', 'TWO']);
    const after = [...edited, assistant('r3', 'SECOND'), meta('r3', 'turn_end'), user('r4', 'three')];
    assert.deepEqual(contents(windowOf(after, 'r4').messages), ['one', 'first', 'TWO', 'SECOND', 'three']);
  });

  test('may rewind to the first message, and again to its own message', () => {
    const again = [
      ...two,
      user('r3', 'ONE'),
      rewind('r3', 1),
      assistant('r3', 'FIRST'),
      meta('r3', 'turn_end'),
      user('r4', 'Uno'),
      rewind('r4', 7),
    ];
    assert.deepEqual(contents(windowOf(again.slice(0, 8), 'r3').messages), ['ONE']);
    assert.deepEqual(contents(windowOf(again, 'r4').messages), ['Uno']);
  });

  test('continues from its own past if the replaced turn had rewound too', () => {
    const edited = [
      ...two,
      user('r3', 'TWO'),
      rewind('r3', 4),
      assistant('r3', 'SECOND'),
      meta('r3', 'turn_end'),
      user('r4', 'zwei'),
      rewind('r4', 7),
    ];
    assert.deepEqual(contents(windowOf(edited, 'r4').messages), ['one', 'first', 'zwei']);
  });

  test('keeps queued turns that it overtook', () => {
    const interrupting = [
      user('r1', 'one'),
      user('r2', 'waits'),
      user('r3', 'ONE'),
      rewind('r3', 1),
      assistant('r1', 'Hel'),
      meta('r1', 'turn_end'),
    ];
    assert.deepEqual(contents(windowOf(interrupting, 'r3').messages), ['ONE']);
    const later = [...interrupting, assistant('r3', 'now'), meta('r3', 'turn_end')];
    assert.deepEqual(contents(windowOf(later, 'r2').messages), ['ONE', 'now', 'waits']);
  });
});

describe('the order of messages', () => {
  test('is system prompt, past turns, running turn', () => {
    const { messages } = windowOf([...turn('r1', 'one', 'first'), user('r2', 'two')], 'r2', {
      systemPrompt: 'Be kind.',
    });
    assert.deepEqual(messages, [
      { role: 'system', content: 'Be kind.' },
      { role: 'user', content: 'one' },
      { role: 'assistant', content: 'first' },
      { role: 'user', content: 'two' },
    ]);
  });

  test('follows the ends of the turns, not the order in which their messages came', () => {
    const ends = (id: string, reply: string) => [assistant(id, reply), meta(id, 'turn_end')];
    const parts = [
      user('r1', 'one'),
      user('r2', 'waits'),
      user('r3', 'urgent'),
      ...ends('r1', 'Hel'),
      ...ends('r3', 'now'),
    ];
    const interrupted = ['one', 'Hel', 'urgent', 'now', 'waits'];
    assert.deepEqual(contents(windowOf(parts, 'r2').messages), interrupted);
    assert.deepEqual(contents(windowOf([...parts, ...ends('r2', 'then'), user('r4', 'on')], 'r4').messages), [
      ...interrupted,
      'then',
      'on',
    ]);
  });

  test('excludes queued turns', () => {
    assert.deepEqual(contents(windowOf([user('r1', 'one'), user('r2', 'two'), user('r3', 'three')], 'r2').messages), [
      'two',
    ]);
  });

  test('puts results behind their message, in the order of the calls and not of their ends', () => {
    const parts = [
      user('r1', 'go'),
      assistant('r1', '', ['a', 'b']),
      result('r1', 'b', 'second'),
      result('r1', 'a', 'first'),
    ];
    const { messages } = windowOf(parts, 'r1');
    assert.deepEqual(messages.slice(1), [
      { role: 'assistant', content: null, tool_calls: [request('a'), request('b')] },
      { role: 'tool', content: 'first', tool_call_id: 'a' },
      { role: 'tool', content: 'second', tool_call_id: 'b' },
    ]);
  });
});

describe('a gap in the log', () => {
  test('is filled with fixed texts: no answer, an empty answer, a lost result', () => {
    const parts = [
      user('r1', 'one'),
      meta('r1', 'turn_end'),
      ...turn('r2', 'two', ''),
      user('r3', 'go'),
      assistant('r3', 'Let me see.', ['a']),
      meta('r3', 'turn_end'),
      user('r4', 'on'),
    ];
    const { messages } = windowOf(parts, 'r4');
    assert.match(String(messages[1]?.content), /before an answer began/);
    assert.match(String(messages[3]?.content), /no text/);
    assert.match(String(messages[6]?.content), /not known/);
    assert.deepEqual(
      messages.map(({ role }) => role),
      ['user', 'assistant', 'user', 'assistant', 'user', 'assistant', 'tool', 'assistant', 'user'],
    );
  });

  test('may be a missing request id of another program: each user message then begins a turn', () => {
    const parts = [
      user(null, 'one'),
      assistant(null, 'first'),
      user(null, 'two'),
      assistant(null, '', ['a']),
      result(null, 'a', '3'),
      assistant(null, 'second'),
    ];
    assert.equal(folded(...parts).length, 2);
    const { messages } = windowOf([...parts, user('r1', 'three')], 'r1');
    assert.deepEqual(contents(messages), ['one', 'first', 'two', null, '3', 'second', 'three']);
    assertValidWindow(messages);
  });

  test('never causes a result without a call', () => {
    const { messages } = windowOf([user(null, 'one'), result(null, 'gone', 'x'), user('r1', 'two')], 'r1');
    assert.ok(messages.every(({ role }) => role !== 'tool'));
  });
});

describe('the token budget', () => {
  const past = [
    ...turn('r1', 'a'.repeat(46), 'b'.repeat(46)),
    ...turn('r2', 'c'.repeat(46), 'd'.repeat(46)),
    user('r3', 'e'.repeat(46)),
  ];

  test('keeps whole turns, newest first: one token less drops one turn', () => {
    assert.equal(windowOf(past, 'r3', { budgetTokens: 250 }).messages.length, 5);
    assert.equal(windowOf(past, 'r3', { budgetTokens: 249 }).messages.length, 3);
    assert.equal(windowOf(past, 'r3', { budgetTokens: 149 }).messages.length, 1);
    assert.equal(windowOf(past, 'r3', { budgetTokens: 250, systemTokens: 1 }).messages.length, 3);
  });

  test('keeps no turn older than one that does not fit', () => {
    const parts = [...turn('r0', 'x', 'y'), ...past];
    assert.deepEqual(
      contents(windowOf(parts, 'r3', { budgetTokens: 150 }).messages).map((text) => text?.[0]),
      ['c', 'd', 'e'],
    );
  });

  test('always includes the newest messages', () => {
    const { messages } = windowOf(past, 'r3', { budgetTokens: 60, preserveRecent: 4 });
    assert.equal(messages.length, 5);
  });

  test('cuts messages that must stay in the middle, longest first, with a notice', () => {
    const parts = [...turn('r1', 'short', 'b'.repeat(3_000)), user('r2', 'e'.repeat(400))];
    const { messages, cut } = windowOf(parts, 'r2', { budgetTokens: 1_000, preserveRecent: 3 });
    assert.equal(cut, 1);
    assert.deepEqual([messages[0]?.content, messages[2]?.content], ['short', 'e'.repeat(400)]);
    assert.match(String(messages[1]?.content), /^b+\n\[\.\.\. \d+ characters left out \.\.\.\]\nb+$/);
    assert.ok(String(messages[1]?.content).length < 650);
  });

  test('never splits a character', () => {
    for (const before of ['', 'x']) {
      const { messages } = windowOf([user('r1', before + '😀'.repeat(500))], 'r1', { budgetTokens: 201 });
      assert.ok(String(messages[0]?.content).isWellFormed());
      assert.match(String(messages[0]?.content), /left out/);
    }
  });

  test('does not cut where the notice would make the message longer', () => {
    const [id, long] = assistant('r1', 'ok!', ['a']);
    const parts: Part[] = [user('r1', 'go'), [id, { ...long, token_count: 5_000 }], result('r1', 'a', '3')];
    const { messages, cut } = windowOf(parts, 'r1', { budgetTokens: 100 });
    assert.deepEqual([cut, messages[1]?.content], [0, 'ok!']);
  });

  test('cuts nothing that fits, even if rows outside the context are long', () => {
    const parts = [user('r1', 'y'.repeat(200)), result('r1', 'gone', 'x'.repeat(5_000))];
    const { messages, cut } = windowOf(parts, 'r1', { budgetTokens: 1_000 });
    assert.deepEqual([cut, contents(messages)], [0, ['y'.repeat(200)]]);
  });

  test('is kept except for the notices, wherever the messages are long enough to be cut', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 4_000 }), { minLength: 1, maxLength: 12 });
    const property = fc.property(sizes, fc.integer({ min: 3_000, max: 20_000 }), (lengths, budgetTokens) => {
      const notices = lengths.length * 60;
      const parts = lengths.flatMap((length, index) => turn(`r${index}`, 'q'.repeat(length), 'a'));
      const { messages } = windowOf([...parts, user('now', 'x')], 'now', { budgetTokens, preserveRecent: 100 });
      assert.ok(
        contents(messages).reduce((sum, content) => sum + (content?.length ?? 0) + 4, 0) <= budgetTokens + notices,
      );
    });
    fc.assert(property, { seed: 20_261_101, numRuns: 200 });
  });
});

test('a turn is folded from its rows wherever they are in the log, with the tokens of its messages', () => {
  const turns = folded(
    user('r1', 'four'),
    user('r2', 'x'),
    assistant('r1', 'seven..'),
    ['r1', { type: 'tool_call', content: '{"long":"arguments"}', tool_call_id: 'a' }],
    meta('r1', 'turn_end'),
  );
  assert.deepEqual(
    turns.map(({ requestId, tokens, ended, rows }) => [requestId, tokens, ended, rows.length]),
    [
      ['r1', 19, true, 4],
      ['r2', 5, false, 1],
    ],
  );
});
