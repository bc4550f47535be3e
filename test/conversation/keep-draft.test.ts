/** Tests when an unfinished answer is saved. The clock is mocked, because the interval is under test. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { createKeepDraft } from '../../src/conversation/keep-draft.ts';
import { createDraft } from '../../src/outbox/draft.ts';

const ref = { owner: 'ann', conversationId: 'c' };

/** An unfinished answer, and what was saved of it. */
function setUp(t: TestContext, intervalMs = 1000) {
  t.mock.timers.enable({ apis: ['setInterval', 'setImmediate'] });
  const saved: unknown[] = [];
  const draft = createDraft({ messageId: 'm1', requestId: 'r1', flushMs: 0, deliver: () => undefined });
  const keepDraft = createKeepDraft({ store: { saveDraft: (draft) => void saved.push(draft) }, intervalMs });
  return { draft, saved, stop: keepDraft(ref, draft, 'demo'), pass: (ms: number) => t.mock.timers.tick(ms) };
}

describe('an unfinished answer', () => {
  test('is saved whole at the interval, with its ids', (t) => {
    const { draft, saved, pass } = setUp(t);
    draft.reasoning('A greeting.');
    draft.text('Hel');
    pass(999);
    assert.deepEqual(saved, []);
    pass(1);
    assert.deepEqual(saved, [
      { ...ref, requestId: 'r1', messageId: 'm1', text: 'Hel', reasoning: 'A greeting.', model: 'demo' },
    ]);
  });

  test('is saved again only when it has grown', (t) => {
    const { draft, saved, pass } = setUp(t);
    draft.text('Hel');
    pass(3000);
    assert.equal(saved.length, 1);
    draft.text('lo');
    pass(1000);
    draft.reasoning('Hm.');
    pass(1000);
    assert.equal(saved.length, 3);
  });

  test('is not saved once it is finished', (t) => {
    const { draft, saved, stop, pass } = setUp(t);
    draft.text('Hello');
    pass(999);
    stop();
    pass(10_000);
    assert.deepEqual(saved, []);
  });

  test('is never saved at an interval of 0', (t) => {
    const { draft, saved, pass } = setUp(t, 0);
    draft.text('Hello');
    pass(10_000);
    assert.deepEqual(saved, []);
  });
});
