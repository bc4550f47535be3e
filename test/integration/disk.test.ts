/**
 * Checks a server whose disk fails: the errors that clients get, the requests to the model, and the recovery without a
 * restart. It uses the plain client, because the shipped one retries and would hide errors.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import Database from 'better-sqlite3';
import { check } from '../../src/cli/check.ts';
import { textOf } from '../support/client.ts';
import { says, saysStepwise } from '../support/model/replies.ts';
import { startParley, startScripted } from '../support/parley.ts';
import { withoutMounting, smallDisk } from '../support/small-disk.ts';

/** Larger than the free space in blocks that a full disk has already allocated. */
const longText = 'word '.repeat(10_000);

async function startOnSmallDisk(t: TestContext, megabytes: number) {
  const disk = smallDisk(t, megabytes);
  const database = join(disk.folder, 'events.db');
  return { disk, database, ...(await startScripted(t, { config: { repository: { path: database } } })) };
}

describe('a full disk', { skip: withoutMounting, concurrency: 2 }, () => {
  test('rejects a message that cannot be stored with storage_failed, without processing or a model request', async (t) => {
    const { disk, client, model, database } = await startOnSmallDisk(t, 8);
    model.script(says('before'), says('after'));
    await client.chat('Hi', { conversation_id: 'c1' });
    disk.fill();
    const refused = await client.chat(longText, { conversation_id: 'c1' }, 'r1');
    assert.deepEqual(
      refused.frames.map(({ status }) => status),
      ['error'],
    );
    assert.deepEqual(
      [refused.end.error?.code, refused.end.error?.retryable, refused.end.seq],
      ['storage_failed', true, undefined],
    );
    assert.equal(model.requests.length, 1);

    disk.free();
    const other = client.frames.length;
    const requestId = client.send('chat', { text: longText, conversation_id: 'c1' }, 'r1');
    await client.waitFor(
      (frame) => client.frames.indexOf(frame) >= other && frame.request_id === requestId && frame.status === 'complete',
    );
    assert.equal(textOf(client.frames.slice(other)), 'after');
    assert.equal(check(database).exitCode, 0);
  });

  test('ends a turn whose answer cannot be stored with conversation_failed, and the conversation reopens from its log', async (t) => {
    const { disk, client, model, parley, database } = await startOnSmallDisk(t, 8);
    const step = saysStepwise(longText, 'the end');
    model.script(step.reply, says('asked again'), says('and on'));
    client.send('chat', { text: 'one', conversation_id: 'c1' }, 'r1');
    step.release(1);
    await client.waitFor((frame) => frame.chunk?.type === 'text');
    disk.fill();
    step.release();
    const failed = await client.turn('r1');
    assert.deepEqual(
      [failed.end.error?.code, failed.end.error?.retryable, failed.end.seq],
      ['conversation_failed', true, undefined],
    );

    disk.free();
    const follower = await parley.connect();
    const second = await follower.chat('two', { conversation_id: 'c1' }, 'r2');
    assert.equal(second.text, 'and on');
    const first = await follower.chat('one', { conversation_id: 'c1' }, 'r1');
    assert.equal(first.text, 'asked again', 'what was shown before the failure was never stored');
    assert.equal(first.end.status, 'complete');
    assert.equal(check(database).exitCode, 0);
  });
});

test('a server whose database is locked by another program rejects chats, and accepts them after the unlock', async (t) => {
  const { client, model, parley } = await startScripted(t);
  model.script(says('before'), says('after'));
  await client.chat('Hi', { conversation_id: 'c1' });
  const other = new Database(parley.database);
  t.after(() => other.close());
  other.exec('BEGIN IMMEDIATE');
  const refused = await client.chat('Still there?', { conversation_id: 'c1' }, 'r1');
  assert.deepEqual(
    refused.frames.map(({ status, error }) => [status, error?.code]),
    [['error', 'storage_failed']],
  );
  other.exec('ROLLBACK');
  assert.equal((await client.chat('Still there?', { conversation_id: 'c1' }, 'r2')).text, 'after');
  assert.equal(model.requests.length, 2);
});

test('a start on a read-only disk fails with the reason', { skip: withoutMounting }, async (t) => {
  const disk = smallDisk(t, 4);
  new Database(join(disk.folder, 'events.db')).close();
  disk.makeReadOnly();
  await assert.rejects(
    startParley(t, { config: { repository: { path: join(disk.folder, 'events.db') } } }),
    /mounted read-only\. Mount it for writing/,
  );
});
