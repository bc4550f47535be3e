/** Tests the search in titles and texts: its owner, its steps and its cursor. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SearchQuery } from '../../src/store/search.ts';
import type { Store } from '../../src/store/port.ts';
import { begin, owner, row, sandbox } from './support.ts';

const PATIENT_MS = 60_000;

const query = (text: string, changes: Partial<SearchQuery> = {}): SearchQuery => ({
  text,
  owner: null,
  cursor: null,
  limit: 50,
  maxMs: PATIENT_MS,
  ...changes,
});

async function found(store: Store, asked: SearchQuery) {
  const step = await store.search(asked);
  assert.ok(step);
  return {
    ...step,
    places: step.hits.map((hit) => `${hit.owner} ${hit.conversationId} ${hit.seq ?? 'title'} ${hit.type}`),
  };
}

describe('a search', () => {
  it('finds titles, then texts and reasoning from the newest, in any case', async (t) => {
    const { store, append } = await sandbox(t).open();
    await append(begin('c1', 'r1', { content: 'Where is Röslein?' }));
    await append({
      owner,
      conversationId: 'c1',
      rows: [
        row({ type: 'assistant_message', content: 'On the heath.', extra: { reasoning: 'rÖslein is a flower.' } }),
      ],
    });
    await append(begin('c2', 'r1', { content: 'Other' }));
    await append({ owner, conversationId: 'c2', rows: [row({ type: 'tool_result', content: '{"name":"röslein"}' })] });
    const { places, nextCursor, hits } = await found(store, query('RÖSLEIN'));
    assert.deepEqual(places, [
      'ann c1 title title',
      'ann c2 2 tool_result',
      'ann c1 2 reasoning',
      'ann c1 1 user_message',
    ]);
    assert.equal(nextCursor, null);
    for (const { excerpt, at } of hits) assert.equal(excerpt.slice(at, at + 7).toLowerCase(), 'röslein');
  });

  it('takes what it looks for as it is written, and shows no more than an excerpt', async (t) => {
    const { store, append } = await sandbox(t).open();
    await append(begin('c1', 'r1', { content: `${'x'.repeat(5000)} 100% (a.c)* ${'y'.repeat(5000)}` }));
    const { hits } = await found(store, query('(a.c)*'));
    assert.equal(hits.length, 1);
    assert.ok((hits[0]?.excerpt.length ?? 0) < 200);
    assert.deepEqual((await found(store, query('(abc)*'))).hits, []);
  });

  it('reads conversations of one owner, and none that were deleted', async (t) => {
    const { store, append } = await sandbox(t).open();
    for (const whose of ['ann', 'bob']) await append({ ...begin('c1', 'r1', { content: 'needle' }), owner: whose });
    assert.deepEqual((await found(store, query('needle', { owner: 'bob' }))).places, [
      'bob c1 title title',
      'bob c1 1 user_message',
    ]);
    assert.equal((await found(store, query('needle'))).hits.length, 4);
    await store.remove('bob', 'c1');
    assert.deepEqual((await found(store, query('needle', { owner: 'bob' }))).places, []);
  });

  it('goes on at its cursor, a row at a time where there is no time, and misses nothing', async (t) => {
    const { store, append } = await sandbox(t).open();
    for (let turn = 1; turn <= 5; turn += 1) await append(begin('c1', `r${turn}`, { content: `needle ${turn}` }));
    await append({ ...begin('c2', 'r1', { content: 'needle' }), owner: 'bob' });
    for (const changes of [{ limit: 1 }, { maxMs: 0 }]) {
      const places: string[] = [];
      let cursor: string | null = null;
      let steps = 0;
      do {
        const step: Awaited<ReturnType<typeof found>> = await found(
          store,
          query('needle', { ...changes, owner, cursor }),
        );
        assert.ok(step.hits.length <= 1);
        places.push(...step.places);
        cursor = step.nextCursor;
        steps += 1;
      } while (cursor !== null && steps < 100);
      assert.deepEqual(places, ['ann c1 title title', ...[5, 4, 3, 2, 1].map((seq) => `ann c1 ${seq} user_message`)]);
    }
  });

  it('refuses a cursor that is none', async (t) => {
    const { store } = await sandbox(t).open();
    for (const cursor of ['', 'x', Buffer.from('["rows",1]').toString('base64url')])
      assert.equal(await store.search(query('a', { cursor })), null);
  });
});
