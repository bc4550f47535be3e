/** Tests reasoning that comes in the content between tags: where it is found, however the pieces are cut, and where it is not. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createReasoningTags, type ReasoningTagMode } from '../../src/llm/stream/reasoning-tags.ts';
import { delta, done, finish, says, streams, usage } from '../support/model/replies.ts';
import { startScripted } from '../support/parley.ts';

/** What a content becomes in these pieces: `[reasoning, text]`. */
function split(pieces: readonly string[], mode: ReasoningTagMode = 'auto'): [string, string] {
  let [reasoning, text] = ['', ''];
  const add = (part: string) => {
    assert.notEqual(part, '', 'no part is empty');
    return part;
  };
  const tags = createReasoningTags(mode, {
    text: (part) => void (text += add(part)),
    reasoning: (part) => void (reasoning += add(part)),
    textWasReasoning() {
      reasoning += text;
      text = '';
    },
  });
  for (const piece of pieces) tags.add(piece);
  tags.end();
  return [reasoning, text];
}

/** The same result for every cut into two or three pieces, and for single characters. */
function splitAnywhere(content: string, mode?: ReasoningTagMode): [string, string] {
  const whole = split([content], mode);
  assert.deepEqual(split([...content], mode), whole, 'by characters');
  for (let first = 1; first < content.length; first += 1) {
    const cut = [content.slice(0, first), content.slice(first)];
    assert.deepEqual(split(cut, mode), whole, `cut at ${first}`);
    for (let second = first + 1; second < content.length; second += 1)
      assert.deepEqual(
        split([content.slice(0, first), content.slice(first, second), content.slice(second)], mode),
        whole,
        `cut at ${first} and ${second}`,
      );
  }
  return whole;
}

describe('tags at the head of an answer', () => {
  const cases: Record<string, [content: string, reasoning: string, text: string]> = {
    '<think>': ['<think>Hm.</think>Yes.', 'Hm.', 'Yes.'],
    'on lines of their own': ['\n<think>\nHm.\n</think>\n\nYes. ', 'Hm.\n', 'Yes. '],
    '<thinking>': ['<thinking>Hm.</thinking>Yes.', 'Hm.', 'Yes.'],
    '<reasoning>': ['<reasoning>Hm.</reasoning>Yes.', 'Hm.', 'Yes.'],
    '<thought>': ['<thought>Hm.</thought>Yes.', 'Hm.', 'Yes.'],
    '[THINK], of Magistral': ['[THINK]Hm.[/THINK]Yes.', 'Hm.', 'Yes.'],
    '◁think▷, of Kimi': ['◁think▷Hm.◁/think▷Yes.', 'Hm.', 'Yes.'],
    'in capitals': ['<THINK>Hm.</Think>Yes.', 'Hm.', 'Yes.'],
    'with nothing between': ['<think>\n\n</think>\n\nYes.', '', 'Yes.'],
    'twice in a row': ['<think>A</think>\n<think>B</think>Yes.', 'AB', 'Yes.'],
    'opened twice': ['<think>\n<think>Hm.</think>Yes.', 'Hm.', 'Yes.'],
    'with another tag within': ['<think>a <b> </thinking> < c</think>Yes.', 'a <b> </thinking> < c', 'Yes.'],
    'without a closing tag': ['<think>Hm, hm', 'Hm, hm', ''],
    'with half a closing tag': ['<think>Hm.</thi', 'Hm.</thi', ''],
    'without an answer': ['<think>Hm.</think>\n', 'Hm.', ''],
    'beside letters that change their length in lower case': ['<think>İİİ</think>Yes.', 'İİİ', 'Yes.'],
  };
  for (const [what, [content, ...expected]] of Object.entries(cases))
    test(`separate reasoning from text: ${what}`, () => assert.deepEqual(splitAnywhere(content), expected));
});

describe('text', () => {
  const texts: Record<string, string> = {
    'with tags in its middle': 'Use <think>x</think> for that.',
    'with tags in a code block': '```\n<think>x\n</think>\n```\nso',
    'with a closing tag in a code block': 'Write\n```\n</think>\n```\nso',
    'with a closing tag in inline code': 'The end is `</think>\n` here',
    'with a closing tag in a line': 'The tag </think> ends it.\n</think>\nso',
    'that begins like a tag': '<thin red line',
    'that begins with another tag': '<b>bold</b>',
    'of a part of a tag': ' <thi',
    'of white space': ' \n\t',
    'with white space around': '\n Yes. \n',
  };
  for (const [what, text] of Object.entries(texts))
    test(`stays as it is: ${what}`, () => assert.deepEqual(splitAnywhere(text), ['', text]));
});

describe('a closing tag without an opening one', () => {
  test('that ends a line makes reasoning of the text before it', () => {
    assert.deepEqual(splitAnywhere('Hm.\n</think>\n\nYes.'), ['Hm.\n', 'Yes.']);
    assert.deepEqual(splitAnywhere('Hm.</think>\n\nYes.'), ['Hm.', 'Yes.']);
  });

  test('counts once: a later one is text', () => {
    assert.deepEqual(splitAnywhere('a\n</think>\nb\n</think>\nc'), ['a\n', 'b\n</think>\nc']);
  });
});

describe('reasoning_tags', () => {
  test('opened begins within the reasoning', () => {
    assert.deepEqual(splitAnywhere('Hm.</think>Yes.', 'opened'), ['Hm.', 'Yes.']);
    assert.deepEqual(splitAnywhere('<think>Hm.</think>Yes.', 'opened'), ['Hm.', 'Yes.']);
  });

  test('never leaves all as text', () => {
    for (const text of ['<think>Hm.</think>Yes.', 'Hm.\n</think>\nYes.'])
      assert.deepEqual(splitAnywhere(text, 'never'), ['', text]);
  });
});

describe('in the whole server', () => {
  const tagged = '<think>I had better greet.</think>\n\nHello.';
  const chat = { conversation_id: 'c1' };

  test('reasoning between tags is streamed and stored as reasoning, and never sent back', async (t) => {
    const { client, model } = await startScripted(t);
    model.script(says(tagged), says('Bye.'));
    const turn = await client.chat('Hi', chat);
    assert.equal(turn.text, 'Hello.');
    const reasoning = turn.frames.filter(({ chunk }) => chunk?.type === 'reasoning').map(({ chunk }) => chunk?.data);
    assert.equal(reasoning.join(''), 'I had better greet.');
    await client.chat('Bye', chat);
    assert.deepEqual(model.requests[1]?.body.messages.map(({ content }) => content).slice(-3), ['Hi', 'Hello.', 'Bye']);
    const { result } = await client.ask('history', chat);
    assert.match(JSON.stringify(result), /"content":"Hello\.".*"reasoning":"I had better greet\."/);
  });

  test('an answer of reasoning between tags alone is an empty answer', async (t) => {
    const { client, model } = await startScripted(t);
    model.script(says('<think>Hm.</think>\n'), says('<think>Hm.'));
    assert.equal((await client.chat('Hi', chat)).end.error?.code, 'provider_empty');
  });

  test('with reasoning_tags: never the tags are text, and are sent back', async (t) => {
    const config = { llm: { providers: { scripted: { reasoning_tags: 'never' } } } };
    const { client, model } = await startScripted(t, { config });
    model.script(says(tagged), says('Bye.'));
    assert.equal((await client.chat('Hi', chat)).text, tagged);
    await client.chat('Bye', chat);
    assert.equal(model.requests[1]?.body.messages.at(-2)?.content, tagged);
    assert.equal('reasoning_tags' in (model.requests[0]?.body ?? {}), false);
  });

  test('text that a closing tag makes reasoning is taken back from those who saw it', async (t) => {
    const { client, model } = await startScripted(t);
    model.script(
      streams(
        delta({ content: 'Hm, hm.' }),
        { play: 'pause', ms: 300 },
        delta({ content: '\n</think>\n\n' }),
        delta({ content: 'Hello.' }),
        finish('stop'),
        usage(),
        done(),
      ),
    );
    const { frames, end } = await client.chat('Hi', chat);
    assert.equal(end.status, 'complete');
    const chunks = frames.flatMap(({ chunk }) => (chunk ? [chunk] : []));
    const reset = chunks.findIndex(({ type }) => type === 'reset');
    assert.equal(chunks[reset]?.['message_id'], chunks[0]?.['message_id']);
    const shown = chunks.slice(reset + 1);
    const partsOf = (kind: string) =>
      shown
        .filter(({ type }) => type === kind)
        .map(({ data }) => data)
        .join('');
    assert.deepEqual([partsOf('reasoning'), partsOf('text')], ['Hm, hm.\n', 'Hello.']);
    const { result } = await client.ask('history', chat);
    assert.match(JSON.stringify(result), /"content":"Hello\."/);
    assert.doesNotMatch(JSON.stringify(result), /<.think>/);
  });
});
