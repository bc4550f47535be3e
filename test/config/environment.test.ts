/** Tests variables in values: which are filled in, which are rejected, and that values are never printed. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { expandVariables } from '../../src/config/environment.ts';

const env = { HOME: '/home/ada', EMPTY: '', NESTED: '${HOME}' };

describe('expandVariables', () => {
  for (const [text, expanded] of [
    ['plain $HOME text', 'plain $HOME text'],
    ['${HOME}/a and ${HOME}/b', '/home/ada/a and /home/ada/b'],
    ['${EMPTY}', ''],
    ['${UNSET:-}', ''],
    ['${UNSET:-a b:-c}', 'a b:-c'],
    ['${EMPTY:-stand-in}', 'stand-in'],
    ['${HOME:-stand-in}', '/home/ada'],
    ['$${HOME}', '${HOME}'],
    ['${NESTED}', '${HOME}'],
    ['${HOME}\n${HOME}', '/home/ada\n/home/ada'],
  ] as const) {
    test(`makes ${JSON.stringify(expanded)} of ${JSON.stringify(text)}`, () => {
      assert.deepEqual(expandVariables(text, env), { text: expanded, problems: [] });
    });
  }

  test('names every variable that is not set', () => {
    const { problems } = expandVariables('${ONE}${HOME}${TWO}', env);
    assert.deepEqual(problems, [
      'needs the environment variable ONE, which is not set; set it, or write ${ONE:-default}',
      'needs the environment variable TWO, which is not set; set it, or write ${TWO:-default}',
    ]);
  });

  for (const text of ['${', '${}', '${1ST}', '${HOME', '${a b}', '${HOME-default}', '${A:-${HOME}}']) {
    test(`refuses ${text}`, () => {
      assert.match(expandVariables(text, env).problems.join(), /is not a variable: write \$\{NAME\}/);
    });
  }
});
