/** Tests the command `replay`: the state after each row of a log, and what recovery would do there. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { replay } from '../../src/cli/replay.ts';
import { elsewhere, begin, end, owner, row, sandbox } from '../store/support.ts';
import { versionThreeFile } from '../store/version-3.ts';
import { parley } from './support.ts';

const recovery = { mode: 'resume', attempts: 3, maxAgeMs: 3_600_000 } as const;

/** A turn that was cut off in the middle of two calls, and one that waits behind it. */
async function interrupted(t: TestContext): Promise<string> {
  const { path, open } = sandbox(t);
  const { store, append } = await open();
  await append(begin('c', 'r0'));
  await append(end('c', 'r0'));
  await append(begin('c', 'r1', { content: 'Add\nand delete' }));
  const call = (id: string, name: string) => ({ id, type: 'function' as const, function: { name, arguments: '{}' } });
  const dispatch = (id: string, name: string, idempotent: boolean) =>
    row({
      type: 'tool_call',
      role: 'assistant',
      content: '{}',
      tool_call_id: id,
      request_id: 'r1',
      extra: { name, idempotent, attempt: 1 },
    });
  await append({
    conversationId: 'c',
    owner,
    rows: [
      row({
        type: 'assistant_message',
        role: 'assistant',
        content: null,
        tool_calls: [call('a', 'add'), call('d', 'delete')],
        request_id: 'r1',
      }),
      dispatch('a', 'add', true),
      dispatch('d', 'delete', false),
    ],
  });
  await append(begin('c', 'r2'));
  await store.close();
  return path;
}

const linesOf = (
  database: string,
  options: { exported?: string; recovery?: Parameters<typeof replay>[0]['recovery'] } = {},
) => [...replay({ conversationId: 'c', database, exported: null, recovery, ...options }).lines];

describe('replay', () => {
  test('prints each row and the state after it', async (t) => {
    const { exitCode, stdout } = await parley(await interrupted(t), 'replay', 'c');
    assert.equal(exitCode, 0);
    assert.deepEqual(stdout.trimEnd().split('\n'), [
      '    1  user_message       r0  "Hello"',
      '       -> turn r0, 0 hops | recovery would go on',
      '    2  assistant_message  r0  "Hi"',
      '       -> turn r0, 0 hops | recovery would go on',
      '    3  meta               r0  turn_end: no reason',
      '       -> idle',
      '    4  user_message       r1  "Add and delete"',
      '       -> turn r1, 0 hops | recovery would go on',
      '    5  assistant_message  r1  asks add (a) asks delete (d)',
      '       -> turn r1, 1 hop, open calls: add (asked), delete (asked) | recovery would close add as cancelled, close delete as cancelled, go on',
      '    6  tool_call          r1  add (a) "{}"',
      '       -> turn r1, 1 hop, open calls: add (dispatched, idempotent), delete (asked) | recovery would close delete as cancelled, call add once more, go on',
      '    7  tool_call          r1  delete (d) "{}"',
      '       -> turn r1, 1 hop, open calls: add (dispatched, idempotent), delete (dispatched) | recovery would close delete as outcome_unknown, call add once more, go on',
      '    8  user_message       r2  "Hello"',
      '       -> turn r1, 1 hop, open calls: add (dispatched, idempotent), delete (dispatched) | waiting: r2 | recovery would close delete as outcome_unknown, call add once more, go on',
    ]);
  });

  test('reads whether a call is idempotent from a file of an earlier version', (t) => {
    const { path } = sandbox(t);
    versionThreeFile(path);
    assert.match(linesOf(path).join('\n'), /open calls: look \(dispatched, idempotent\), look \(dispatched\), look \(/);
  });

  test('prints a turn that waits for a person', async (t) => {
    const { path, open } = sandbox(t);
    const { store, append } = await open();
    await append(begin('c', 'r1', { content: 'Delete' }));
    const meta = (extra: Record<string, unknown>) =>
      row({
        type: 'meta',
        tool_call_id: 'd',
        request_id: 'r1',
        extra: { interrupt_id: 'i', name: 'delete', ...extra },
      });
    await append({
      conversationId: 'c',
      owner,
      rows: [
        row({
          type: 'assistant_message',
          role: 'assistant',
          content: null,
          tool_calls: [{ id: 'd', type: 'function', function: { name: 'delete', arguments: '{}' } }],
          request_id: 'r1',
        }),
        meta({ kind: 'approval_request', arguments: {}, expires_at: '2026-01-02T00:00:00.000Z' }),
      ],
    });
    await append({ conversationId: 'c', owner, rows: [meta({ kind: 'response', decision: 'deny' })] });
    await append({
      conversationId: 'c',
      owner,
      rows: [meta({ kind: 'remember', server: 'files', tool_name: 'delete', decision: 'deny' })],
    });
    await store.close();
    assert.deepEqual(linesOf(path).slice(4), [
      '    3  meta               r1  asks for approval of delete (d)',
      '       -> turn r1, 1 hop, open calls: delete (waits for approval until 2026-01-02T00:00:00.000Z) | recovery would wait on',
      '    4  meta               r1  response: deny (d)',
      '       -> turn r1, 1 hop, open calls: delete (asked) | recovery would close delete as cancelled, go on',
      '    5  meta               r1  from now on deny files.delete',
      '       -> turn r1, 1 hop, open calls: delete (asked) | recovery would close delete as cancelled, go on',
    ]);
  });

  test('prints arguments that a person changed, and questions that expired', (t) => {
    const meta = (extra: object) => ({ type: 'meta', tool_call_id: 'd', extra });
    const rows = [
      { type: 'user_message', content: 'Delete' },
      meta({ kind: 'response', decision: 'approve', arguments: { path: '/b' } }),
      meta({ kind: 'response', decision: 'approve', remembered: true }),
      { type: 'tool_call', tool_call_id: 'e', content: '{}', extra: { name: 'delete', remembered: true } },
    ];
    const { path } = sandbox(t);
    const exported = join(dirname(path), 'piece');
    writeFileSync(
      exported,
      JSON.stringify(
        rows.map((fields, index) => ({
          seq: index + 1,
          request_id: 'r1',
          tool_calls: null,
          usage: null,
          extra: null,
          ...fields,
        })),
      ),
    );
    assert.deepEqual(
      linesOf(path, { exported })
        .filter((_, index) => index % 2 === 0)
        .slice(1),
      [
        '    2  meta               r1  response: approve (d) with "{\\"path\\":\\"/b\\"}"',
        '    3  meta               r1  response: approve (d), as remembered',
        '    4  tool_call          r1  delete (e) "{}", as remembered',
      ],
    );
  });

  test('asks the configuration what recovery would do', async (t) => {
    const [last] = linesOf(await interrupted(t), { recovery: { ...recovery, mode: 'interrupt' } }).slice(-1);
    assert.match(
      last ?? '',
      /recovery would close add as outcome_unknown, close delete as outcome_unknown, end the turn: recovery_failed$/,
    );
  });

  for (const [form, write] of [
    ['JSON lines of columns', (rows: object[]) => rows.map((exported) => JSON.stringify(exported)).join('\n')],
    ['a JSON array of columns, as the sqlite3 shell writes it', (rows: object[]) => JSON.stringify(rows)],
    [
      'event frames, with JSON columns parsed',
      (rows: Record<string, unknown>[]) =>
        rows
          .map(({ conversation_id, extra, tool_calls, ...event }) =>
            JSON.stringify({
              status: 'event',
              conversation_id,
              event: { ...event, extra: JSON.parse(String(extra ?? '{}')), tool_calls: JSON.parse(String(tool_calls)) },
            }),
          )
          .join('\n'),
    ],
  ] as const) {
    test(`reads an exported piece: ${form}`, async (t) => {
      const path = await interrupted(t);
      const exported = join(dirname(path), 'piece');
      const rows = elsewhere(path, (db) =>
        db.prepare<[], Record<string, unknown>>('SELECT * FROM chat_events WHERE seq >= 4 ORDER BY seq DESC').all(),
      );
      writeFileSync(exported, write(rows));
      const { exitCode, stdout } = await parley(join(dirname(path), 'nowhere.db'), 'replay', 'c', '--file', exported);
      assert.equal(exitCode, 0);
      assert.deepEqual(stdout.trimEnd().split('\n'), linesOf(path).slice(6));
    });
  }

  test('says what it cannot read, and where', async (t) => {
    const { path } = sandbox(t);
    const exported = join(dirname(path), 'piece');
    for (const [text, problem] of [
      ['{"seq": 1, "type": "meta"}\n{"seq": 1', /piece:2: not JSON\. Write one row per line/],
      ['{"seq": "first", "type": "meta"}', /piece:1: seq: /],
      ['', /Conversation c has no rows in .*piece\./],
    ] as const) {
      writeFileSync(exported, text);
      assert.throws(() => linesOf(path, { exported }), problem);
    }
    assert.throws(() => linesOf(path, { exported: join(path, 'nowhere') }), /cannot be read/);
    const unknown = await parley(await interrupted(t), 'replay', 'unknown');
    assert.equal(unknown.exitCode, 1);
    assert.match(unknown.stderr, /Conversation unknown has no rows in/);
  });
});
