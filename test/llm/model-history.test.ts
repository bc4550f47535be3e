/** Tests the rules of the scripted model, because a check that never fails proves nothing. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { historyViolations, requestBody } from '../support/model/history.ts';

const call = (id: string, written = '{}') => ({ id, type: 'function', function: { name: 'add', arguments: written } });
const user = { role: 'user', content: 'Hi' };
const asked = (...calls: object[]) => ({ role: 'assistant', content: null, tool_calls: calls });
const result = (id: string) => ({ role: 'tool', tool_call_id: id, content: '5' });

const violations = (messages: object[], rest: object = {}) =>
  historyViolations(requestBody.parse({ model: 'm', messages, ...rest }));

describe('the scripted model', () => {
  test('takes histories that every provider takes', () => {
    assert.deepEqual(violations([{ role: 'system', content: 'Be kind.' }, user]), []);
    assert.deepEqual(violations([user, asked(call('a'), call('b')), result('b'), result('a')]), []);
    assert.deepEqual(
      violations([user, asked(call('a')), result('a'), { role: 'assistant', content: 'Five.' }, user]),
      [],
    );
  });

  const table: [title: string, messages: object[], names: RegExp][] = [
    ['a call without a result', [user, asked(call('a')), user], /before the results of a/],
    ['a history that ends in a call', [user, asked(call('a'))], /ends before the results of a/],
    ['one result for two calls', [user, asked(call('a'), call('b')), result('a'), user], /before the results of b/],
    ['two results for one call', [user, asked(call('a')), result('a'), result('a')], /answers no open call/],
    ['an orphan result', [user, result('a')], /answers no open call/],
    [
      'an id that comes twice',
      [user, asked(call('a')), result('a'), asked(call('a')), result('a')],
      /repeats the call id/,
    ],
    ['arguments that are no JSON', [user, asked(call('a', '{')), result('a')], /no JSON object/],
    ['arguments that are no object', [user, asked(call('a', '[]')), result('a')], /no JSON object/],
    ['an empty message', [{ role: 'user', content: '' }], /is empty/],
    ['a system message in the middle', [user, { role: 'system', content: 'x' }, user], /after the conversation began/],
    ['an assistant who speaks first', [{ role: 'assistant', content: 'x' }, user], /opens the conversation/],
    ['an assistant who speaks last', [user, { role: 'assistant', content: 'x' }], /does not end with/],
  ];
  for (const [title, messages, names] of table) {
    test(`objects to ${title}`, () => assert.match(violations(messages).join('\n'), names));
  }

  test('objects to tools that no provider accepts', () => {
    const tool = { type: 'function', function: { name: 'a b' } };
    assert.match(violations([user], { tools: [] }).join(), /empty array/);
    assert.match(violations([user], { tools: [tool, tool] }).join(), /illegal name.*by one name/);
  });
});
