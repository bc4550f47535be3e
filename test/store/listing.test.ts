/** Tests the list of conversations: newest first, page by page, while it changes. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import type { Store } from '../../src/store/port.ts';
import { begin, end, owner, row, sandbox, waitingFor } from './support.ts';

/** A store with a clock that the test moves. */
async function opened(t: TestContext) {
  const clock = { now: Date.UTC(2026, 0, 1) };
  const { store, append } = await sandbox(t).open({ now: () => clock.now });
  const chat = async (conversationId: string) => {
    clock.now += 1000;
    await append({ conversationId, owner, rows: [row()] });
  };
  return { store, append, clock, chat };
}

async function page(store: Store, limit: number, cursor?: string | null) {
  const list = await store.conversations(owner, { limit, ...(typeof cursor === 'string' ? { cursor } : {}) });
  assert.ok(list !== null);
  return { ids: list.conversations.map(({ conversationId }) => conversationId), next: list.nextCursor };
}

/** All pages, one after the other. */
async function pages(store: Store, limit: number): Promise<string[][]> {
  const found: string[][] = [];
  for (let next: string | null | undefined; next !== null;) {
    const { ids, next: after } = await page(store, limit, next);
    found.push(ids);
    next = after;
  }
  return found;
}

describe('the list of conversations', () => {
  test('is newest first, and says of each what a sidebar shows', async (t) => {
    const { store, append, clock } = await opened(t);
    await append(begin('a', 'r1', { content: 'What is love?', token_count: 4 }));
    clock.now += 60_000;
    await append({
      conversationId: 'b',
      owner,
      rows: [row({ type: 'meta', role: null, content: null, token_count: null })],
    });
    clock.now += 60_000;
    await append(end('a', 'r1', { token_count: 7 }));
    assert.deepEqual(await store.conversations(owner, { limit: 10 }), {
      conversations: [
        {
          conversationId: 'a',
          title: 'What is love?',
          createdAt: '2026-01-01T00:00:00.000Z',
          updatedAt: '2026-01-01T00:02:00.000Z',
          messageCount: 2,
          tokens: 11,
          spentTokens: 0,
          cost: 0,
          headSeq: 3,
          activity: 'idle',
        },
        {
          conversationId: 'b',
          title: null,
          createdAt: '2026-01-01T00:01:00.000Z',
          updatedAt: '2026-01-01T00:01:00.000Z',
          messageCount: 0,
          tokens: 0,
          spentTokens: 0,
          cost: 0,
          headSeq: 1,
          activity: 'idle',
        },
      ],
      nextCursor: null,
    });
  });

  test('shows which of them run and which wait for a person, also with a message queued behind', async (t) => {
    const { store, append } = await opened(t);
    for (const conversationId of ['idle', 'running', 'waiting']) await append(begin(conversationId, 'r1'));
    await append(end('idle', 'r1'));
    await append(waitingFor('waiting', 'r1', 1000));
    await append(begin('waiting', 'r2'));
    const list = await store.conversations(owner, { limit: 10 });
    assert.deepEqual(
      new Map(list?.conversations.map((each) => [each.conversationId, each.activity])),
      new Map([
        ['waiting', 'waiting'],
        ['running', 'running'],
        ['idle', 'idle'],
      ]),
    );
  });

  test('comes in pages that meet, the last of them without a cursor', async (t) => {
    const { store, chat } = await opened(t);
    for (const conversationId of ['a', 'b', 'c', 'd']) await chat(conversationId);
    assert.deepEqual(await pages(store, 3), [['d', 'c', 'b'], ['a']]);
    assert.deepEqual(await pages(store, 2), [
      ['d', 'c'],
      ['b', 'a'],
    ]);
  });

  test('orders those of the same moment by their updates', async (t) => {
    const { store, append } = await opened(t);
    for (const conversationId of ['b', 'ä', 'a']) await append({ conversationId, owner, rows: [row()] });
    assert.deepEqual((await pages(store, 1)).flat(), ['a', 'ä', 'b']);
  });

  test('is newest first, also while the clock goes back, page by page and after a restart', async (t) => {
    const box = sandbox(t);
    const clock = { now: Date.UTC(2030, 0, 1) };
    const first = await box.open({ now: () => clock.now });
    for (const conversationId of ['a', 'b', 'c', 'd']) {
      await first.append({ conversationId, owner, rows: [row()] });
      clock.now -= 3_600_000;
    }
    assert.deepEqual(await pages(first.store, 2), [
      ['d', 'c'],
      ['b', 'a'],
    ]);
    await first.store.close();
    clock.now = Date.UTC(2001, 0, 1);
    const second = await box.open({ now: () => clock.now });
    await second.append({ conversationId: 'b', owner, rows: [row()] });
    await second.append({ conversationId: 'e', owner, rows: [row()] });
    assert.deepEqual((await pages(second.store, 1)).flat(), ['e', 'b', 'd', 'c', 'a']);
  });

  test('shows none twice while turns move some to the top, and leaves out none that stayed', async (t) => {
    const { store, chat } = await opened(t);
    for (const conversationId of ['a', 'b', 'c', 'd', 'e']) await chat(conversationId);
    const first = await page(store, 2);
    await chat('a');
    await chat('d');
    const second = await page(store, 2, first.next);
    await chat('new');
    assert.deepEqual([first.ids, second.ids, second.next], [['e', 'd'], ['c', 'b'], null]);
    assert.deepEqual((await page(store, 3)).ids, ['new', 'd', 'a']);
  });

  test("is its owner's alone", async (t) => {
    const { store, chat, append } = await opened(t);
    await chat('mine');
    await append({ conversationId: 'hers', owner: 'eve', rows: [row()] });
    assert.deepEqual(await pages(store, 5), [['mine']]);
    assert.deepEqual(await store.conversations('unknown', { limit: 5 }), { conversations: [], nextCursor: null });
  });

  test('is null for a cursor that no page has given', async (t) => {
    const { store, chat } = await opened(t);
    await chat('a');
    const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    for (const cursor of [
      '',
      'garbage',
      '\u0000',
      encoded(null),
      encoded(['yesterday', 'a']),
      encoded(['2026-01-01T00:00:00.000Z']),
      encoded(['2026-01-01T00:00:00.000Z', 'a']),
      encoded([0]),
      encoded([1.5]),
      encoded([1, 2]),
    ]) {
      assert.equal(await store.conversations(owner, { limit: 5, cursor }), null, cursor);
    }
  });
});
