/** Tests the totals of owners: they are the sums of the log after every kind of change, and quotas are judged by them. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { noQuotas } from '../../machines/quota.ts';
import { assertTotals, bareTable, begin, elsewhere, end, sandbox } from './support.ts';

const at = (time: string) => ({ now: Date.parse(`2026-01-01T${time}Z`) });

/** The fault of a rejected append. */
const exceeded = (quota: string, limit: number, used: number, rest: object = {}) => ({
  status: 'failed',
  fault: { code: 'quota_exceeded', data: { quota, limit, used, ...rest } },
});

describe('the totals of an owner', () => {
  test('are the sums of the log after appends, a fork, a deletion and retention', async (t) => {
    const box = sandbox(t);
    const { store, append } = await box.open({ retention: { policy: 'message_count', maxMessages: 4 } });
    for (const conversation of ['c', 'd', 'e'])
      for (const turn of ['r1', 'r2', 'r3', 'r4']) {
        await append(begin(conversation, turn, { content: `Häßlich ${'x'.repeat(500)}`, extra: { turn } }));
        await append(end(conversation, turn));
      }
    await append({ ...begin('other', 'r1'), owner: 'bob' });
    assert.equal((await store.fork('ann', 'c', 12)).status, 'forked');
    await store.remove('ann', 'd');
    assertTotals(box.path);
    const [ann] = elsewhere(box.path, (db) => db.prepare('SELECT conversations, forks FROM owner_totals').all());
    assert.deepEqual(ann, { conversations: 3, forks: 1 });
  });

  test('count an imported file', async (t) => {
    const box = sandbox(t);
    elsewhere(box.path, (db) =>
      db.exec(`${bareTable}; INSERT INTO chat_events (id, conversation_id, seq, type, role, content)
        VALUES ('m1', 'c', 1, 'user_message', 'user', 'Hello')`),
    );
    await (await box.open({ legacyOwner: 'ann' })).store.close();
    assertTotals(box.path);
  });

  test('are unchanged by an append that fails', async (t) => {
    const box = sandbox(t);
    const { append } = await box.open();
    await append(begin('c', 'r1'));
    await append(begin('c', 'r1'));
    assert.equal((await append(end('c', 'unknown'))).status, 'failed');
    assertTotals(box.path);
  });
});

describe('a quota', () => {
  test('of turns a minute refuses the next new turn, no repeated one, and ends with the minute', async (t) => {
    const clock = at('10:00:15.000');
    const { append } = await sandbox(t).open({
      now: () => clock.now,
      quotas: { ...noQuotas, turns_per_minute: 2 },
    });
    await append(begin('c', 'r1'));
    await append(begin('c', 'r2'));
    const refused = await append(begin('c', 'r3'));
    assert.partialDeepStrictEqual(refused, exceeded('turns_per_minute', 2, 2, { retry_after_ms: 45_000 }));
    assert.deepEqual(await append(begin('c', 'r2')), { status: 'duplicate', ended: false });
    assert.equal((await append(end('c', 'r1'))).status, 'stored');
    assert.equal((await append({ ...begin('c', 'r1'), owner: 'bob' })).status, 'stored');
    clock.now += 45_000;
    assert.equal((await append(begin('c', 'r3'))).status, 'stored');
  });

  test('of tokens a day holds after a deletion and a restart, until midnight UTC', async (t) => {
    const box = sandbox(t);
    const clock = at('23:00:00.000');
    const quotas = { ...noQuotas, tokens_per_day: 10 };
    const usage = { prompt_tokens: 8, completion_tokens: 2, total_tokens: 10 };
    const first = await box.open({ now: () => clock.now, quotas });
    await first.append(begin('c', 'r1'));
    await first.append(end('c', 'r1', { usage }));
    await first.store.remove('ann', 'c');
    await first.store.close();
    const { append } = await box.open({ now: () => clock.now, quotas });
    const refused = await append(begin('d', 'r1'));
    assert.partialDeepStrictEqual(refused, exceeded('tokens_per_day', 10, 10, { retry_after_ms: 3_600_000 }));
    clock.now += 3_600_000;
    assert.equal((await append(begin('d', 'r1'))).status, 'stored');
  });

  test('of cost a day counts every answer', async (t) => {
    const { append } = await sandbox(t).open({ quotas: { ...noQuotas, cost_per_day: 0.3 } });
    const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2, cost: 0.1 };
    for (const turn of ['r1', 'r2', 'r3']) {
      await append(begin('c', turn));
      await append(end('c', turn, { usage }));
    }
    const refused = await append(begin('c', 'r4'));
    assert.ok(refused.status === 'failed' && refused.fault.data['quota'] === 'cost_per_day', JSON.stringify(refused));
  });

  test('of conversations counts forks, and a deletion makes room', async (t) => {
    const { store, append } = await sandbox(t).open({ quotas: { ...noQuotas, conversations: 2 } });
    for (const conversation of ['c', 'd']) {
      await append(begin(conversation, 'r1'));
      await append(end(conversation, 'r1'));
    }
    assert.partialDeepStrictEqual(await append(begin('e', 'r1')), exceeded('conversations', 2, 2));
    assert.partialDeepStrictEqual(await store.fork('ann', 'c', 3), exceeded('conversations', 2, 2));
    assert.equal((await append(begin('c', 'r2'))).status, 'stored');
    await store.remove('ann', 'd');
    assert.equal((await append(begin('e', 'r1'))).status, 'stored');
  });

  test('of stored bytes counts what a message brings, and its deletion makes room', async (t) => {
    const { store, append } = await sandbox(t).open({ quotas: { ...noQuotas, stored_bytes: 20_000 } });
    const large = { extra: { metadata: 'x'.repeat(12_000) } };
    assert.equal((await append(begin('c', 'r1', large))).status, 'stored');
    const refused = await append(begin('d', 'r1', large));
    assert.ok(refused.status === 'failed' && refused.fault.data['quota'] === 'stored_bytes', JSON.stringify(refused));
    assert.equal((await append(begin('d', 'r2'))).status, 'stored');
    await store.remove('ann', 'c');
    assert.equal((await append(begin('d', 'r1', large))).status, 'stored');
  });

  test('of forks a day refuses a further fork and leaves nothing of it', async (t) => {
    const box = sandbox(t);
    const { store, append } = await box.open({ quotas: { ...noQuotas, forks_per_day: 1 } });
    await append(begin('c', 'r1'));
    await append(end('c', 'r1'));
    assert.equal((await store.fork('ann', 'c', 3)).status, 'forked');
    assert.partialDeepStrictEqual(await store.fork('ann', 'c', 3), exceeded('forks_per_day', 1, 1));
    assertTotals(box.path);
    assert.deepEqual(
      elsewhere(box.path, (db) => db.prepare('SELECT * FROM pending_deletions').all()),
      [],
    );
  });
});
