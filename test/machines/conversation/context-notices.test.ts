/** Checks the notices about tools that do not fit the context, and about messages that were cut. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { contextNotices } from '../../../machines/conversation/decisions/context-notices.ts';
import { hopContext } from '../../support/machines/values.ts';

describe('the notices of a context', () => {
  const without = (count: number) => ({
    ...hopContext,
    toolsLeftOut: { byModel: null, byWindow: [{ server: 'demo', count }] },
  });

  it('are none if all fits', () => assert.deepEqual(contextNotices(null, hopContext), []));

  it('count the tools that are left out', () =>
    assert.deepEqual(contextNotices(null, without(3)), [
      {
        kind: 'tools_left_out',
        data: '3 of 3 tools do not fit the context window and are not offered (demo: 3).',
        details: { provider: 'openai' },
      },
    ]));

  it('do not repeat the tools of the request before', () => {
    assert.deepEqual(contextNotices(without(3), without(3)), []);
    assert.equal(contextNotices(without(3), without(4)).length, 1);
    assert.equal(contextNotices(hopContext, without(3)).length, 1);
  });

  it('say once for a provider which tools its model does not take', () => {
    const said = { kind: 'tools_left_out' as const, data: 'Not offered, because the model rejects it: a.' };
    const rejected = { ...hopContext, toolsLeftOut: { byModel: said, byWindow: [] } };
    assert.deepEqual(contextNotices(null, rejected), [{ ...said, details: { provider: 'openai' } }]);
    assert.deepEqual(contextNotices(rejected, rejected), []);
    // The request before has learned it, and has said so itself.
    assert.deepEqual(contextNotices(hopContext, rejected), []);
    assert.equal(contextNotices(hopContext, { ...rejected, provider: 'second' }).length, 1);
  });

  it('count the messages that were cut, in each request', () =>
    assert.deepEqual(
      [1, 2].map((cut) => contextNotices(hopContext, { ...hopContext, cut }).map(({ data }) => data)),
      [
        ['1 long message was cut in the middle to fit the context window.'],
        ['2 long messages were cut in the middle to fit the context window.'],
      ],
    ));
});
