/** Checks the inspector's API: open interrupts, rows without a gap, a whole row, titles, and the search. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createToken, hashToken } from '../../src/auth/tokens.ts';
import type { Client } from '../support/client.ts';
import { pageOf } from '../support/metrics.ts';
import { says } from '../support/model/replies.ts';
import { asks } from '../support/model/tool-calls.ts';
import {
  demoServer,
  misbehavingServer,
  serveScripted,
  startParley,
  startScripted,
  type Parley,
} from '../support/parley.ts';

interface Interrupt {
  interrupt_id: string;
  kind: string;
  name: string;
  server: string;
  since_ms: number;
  until_ms: number;
  content: unknown;
}

interface Listed {
  conversation_id: string;
  title: string | null;
}

/** The checked part of the API's responses, by name. */
interface Answers {
  conversations: { waiting: number; conversations: Listed[] };
  waiting: { total: number; next_offset: number | null; conversations: Listed[]; busy: Listed[] };
  interrupts: { may_answer: boolean; interrupts: Interrupt[] };
  rows: { rows: { seq: number; type: string; duration_ms: number; first_token_ms: number }[]; head_seq: number };
  row: { row: { seq: number; type: string; content: string } };
  replay: { messages: unknown[] };
  search: {
    include_content: boolean;
    hits: { conversation_id: string; seq: number | null; type: string }[];
    next_cursor: string | null;
    read_back_to: string | null;
  };
}

const get = (parley: Pick<Parley, 'url'>, name: string, query: Record<string, string> = {}, token = '') =>
  fetch(pageOf(parley.url, `/inspect/api/${name}?${new URLSearchParams(query)}`), {
    headers: { authorization: `Bearer ${token}` },
  });

async function ask<Name extends keyof Answers>(
  parley: Pick<Parley, 'url'>,
  name: Name,
  query?: Record<string, string>,
  token?: string,
): Promise<Answers[Name]> {
  const response = await get(parley, name, query, token);
  assert.equal(response.status, 200, name);
  const answer: Answers[Name] = JSON.parse(await response.text());
  return answer;
}

const statusOf = async (...asked: Parameters<typeof get>) => (await get(...asked)).status;

const asking = {
  mcpServers: demoServer,
  config: { chat: { service: { tools: { permission: { 'demo.current_time': 'ask', 'demo.add': 'always' } } } } },
};

/** Starts a turn that waits for an approval; returns the interrupt's id. */
async function untilAsked(client: Client, conversationId: string): Promise<string> {
  client.send('chat', { text: 'What time is it?', conversation_id: conversationId }, `r-${conversationId}`);
  const asked = await client.waitFor(
    (frame) => frame.chunk?.type === 'approval_request' && frame.conversation_id === conversationId,
    'the question',
  );
  return String(asked.chunk?.['interrupt_id']);
}

describe('an open interrupt', () => {
  it('is listed and counted with its arguments, in memory and after a restart', async (t) => {
    const { parley, model, client } = await startScripted(t, asking);
    const call = { name: 'current_time', arguments: { timezone: 'Europe/Berlin' } };
    model.script(asks([call]), says('Noon.'));
    const before = Date.now();
    const interruptId = await untilAsked(client, 'c1');
    for (const round of ['in memory', 'out of memory']) {
      const { waiting } = await ask(parley, 'conversations');
      const list = await ask(parley, 'waiting');
      assert.deepEqual([waiting, list.total, list.next_offset], [1, 1, null], round);
      assert.deepEqual(
        list.conversations.map((each) => [each.conversation_id, each.title]),
        [['c1', 'What time is it?']],
        round,
      );
      const { interrupts, may_answer: mayAnswer } = await ask(parley, 'interrupts', { conversation: 'c1' });
      const [interrupt] = interrupts;
      assert.ok(interrupt && interrupts.length === 1, round);
      assert.deepEqual(
        [mayAnswer, interrupt.interrupt_id, interrupt.kind, interrupt.name, interrupt.server, interrupt.content],
        [true, interruptId, 'approval', 'current_time', 'demo', call.arguments],
        round,
      );
      assert.ok(interrupt.since_ms >= before - 1000 && interrupt.until_ms > interrupt.since_ms, round);
      await parley.restart();
    }
    const again = await parley.connect();
    await again.ask('subscribe', { conversation_id: 'c1' });
    await again.ask('respond', { conversation_id: 'c1', interrupt_id: interruptId, decision: 'deny' });
    await again.waitFor((frame) => frame.status === 'complete', 'the end');
    assert.deepEqual((await ask(parley, 'interrupts', { conversation: 'c1' })).interrupts, []);
    assert.equal((await ask(parley, 'waiting')).total, 0);
  });

  it('is counted while other calls run', async (t) => {
    const { parley, model, client } = await startScripted(t, {
      ...asking,
      mcpServers: { ...demoServer, ...misbehavingServer() },
    });
    model.script(
      asks([
        { name: 'hang', arguments: {} },
        { name: 'current_time', arguments: {} },
      ]),
    );
    await untilAsked(client, 'c1');
    const { total, busy, conversations } = await ask(parley, 'waiting');
    assert.deepEqual([total, busy.map((each) => each.conversation_id), conversations], [1, ['c1'], []]);
    assert.equal((await ask(parley, 'conversations')).waiting, 1);
    await client.ask('cancel', { conversation_id: 'c1' });
  });

  it('accepts a response only from its owner, and hides arguments if content is not included', async (t) => {
    const tokens = { root: createToken(), alice: createToken() };
    const auth = {
      mode: 'token',
      tokens: Object.entries(tokens).map(([subject, token]) => ({ subject, sha256: hashToken(token) })),
    };
    const { parley, model } = await serveScripted(t, {
      ...asking,
      config: { ...asking.config, auth, inspect: { viewers: ['root'] } },
    });
    model.script(asks([{ name: 'current_time', arguments: { timezone: 'Europe/Berlin' } }]));
    const alice = await parley.connect({ headers: { authorization: `Bearer ${tokens.alice}` } });
    await untilAsked(alice, 'c1');
    const { may_answer: mayAnswer, interrupts } = await ask(
      parley,
      'interrupts',
      { conversation: 'c1', owner: 'alice' },
      tokens.root,
    );
    assert.deepEqual([mayAnswer, interrupts[0]?.name, interrupts[0]?.content], [false, 'current_time', null]);
    assert.equal(
      JSON.stringify([
        interrupts,
        await ask(parley, 'waiting', {}, tokens.root),
        await ask(parley, 'replay', { conversation: 'c1', owner: 'alice' }, tokens.root),
      ]).includes('Berlin'),
      false,
    );
    assert.deepEqual(await ask(parley, 'search', { text: 'time' }, tokens.root), {
      include_content: false,
      hits: [],
      next_cursor: null,
      read_back_to: null,
    });
    assert.equal(await statusOf(parley, 'interrupts', { conversation: 'c1', owner: 'alice' }, tokens.alice), 403);
  });
});

describe('rows', () => {
  it('follow a cursor without a gap, and each can be read whole', async (t) => {
    const long = 'x'.repeat(3000);
    const parley = await startParley(t, { config: { inspect: { max_events: 10 } } });
    const client = await parley.connect();
    for (let turn = 0; turn < 6; turn += 1) await client.chat(long, { conversation_id: 'c1' });
    const seen: number[] = [];
    for (let head = 1; (seen.at(-1) ?? 0) < head;) {
      const { rows, head_seq: headSeq } = await ask(parley, 'rows', {
        conversation: 'c1',
        after: String(seen.at(-1) ?? 0),
      });
      assert.ok(rows.length > 0 && rows.length <= 10);
      seen.push(...rows.map(({ seq }) => seq));
      head = headSeq;
    }
    assert.deepEqual(
      seen,
      Array.from({ length: 18 }, (_, index) => index + 1),
    );
    const { row } = await ask(parley, 'row', { conversation: 'c1', seq: '1' });
    assert.deepEqual([row.seq, row.type, row.content], [1, 'user_message', long]);
    const { rows } = await ask(parley, 'rows', { conversation: 'c1', after: '1' });
    const [answer] = rows;
    assert.ok(
      answer?.type === 'assistant_message' && answer.duration_ms >= 0 && answer.first_token_ms <= answer.duration_ms,
    );
    for (const seq of ['0', '19', 'x']) assert.equal(await statusOf(parley, 'row', { conversation: 'c1', seq }), 404);
    for (const name of ['constructor', 'toString', '__proto__']) assert.equal(await statusOf(parley, name), 404);
  });
});

describe('the lists', () => {
  it('show titles, and respect the requested limit', async (t) => {
    const parley = await startParley(t);
    const client = await parley.connect();
    for (const id of ['a', 'b', 'c']) await client.chat(`Hello ${id}`, { conversation_id: id });
    const listed = async (query: Record<string, string>) =>
      (await ask(parley, 'conversations', query)).conversations.map((each) => each.title);
    assert.deepEqual(
      [await listed({}), await listed({ limit: '2' })],
      [
        ['Hello c', 'Hello b', 'Hello a'],
        ['Hello c', 'Hello b'],
      ],
    );
  });

  it('search titles and content step by step', async (t) => {
    const parley = await startParley(t);
    const client = await parley.connect();
    await client.chat('Where is the needle?', { conversation_id: 'c1' });
    await client.chat('Nothing here', { conversation_id: 'c2' });
    const hits: Answers['search']['hits'] = [];
    // A step ends when its time is up, so a busy machine takes several.
    for (let cursor: string | null | undefined; cursor !== null;) {
      const step = await ask(parley, 'search', { text: 'NEEDLE', ...(cursor === undefined ? {} : { cursor }) });
      hits.push(...step.hits);
      cursor = step.next_cursor;
    }
    assert.deepEqual(
      hits.slice(0, 1).map((hit) => [hit.conversation_id, hit.seq]),
      [['c1', null]],
    );
    assert.ok(hits.some((hit) => hit.seq === 1 && hit.type === 'user_message'));
    assert.equal(await statusOf(parley, 'search', { text: 'a', cursor: 'nonsense' }), 404);
  });
});
