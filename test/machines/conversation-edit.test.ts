/** Calls that a person approves with other arguments: what is made, what is written, and what the model is told. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { withEdit } from '../../machines/conversation/rows/approval.ts';
import { reopen, startWorld } from '../support/machine-conversation.ts';
import type { World } from '../support/machine-conversation.ts';
import { bringToRest } from '../support/machine-rest.ts';
import { streaming, worldIn } from '../support/machine-states.ts';
import { asked, cancel, respond, tool } from '../support/machine-values.ts';

const edited = { path: '/b' };
const note = '[A person changed the arguments of this call to {"path":"/b"}]\n';
const withEdited = () => respond('call_d', 'approve', { arguments: edited });
const rowOf = (world: World, fits: (row: ReturnType<World['log']['rows']>[number]) => boolean) =>
  world.log.rows().find(fits);
const result = (world: World) => String(rowOf(world, ({ type }) => type === 'tool_result')?.content);

describe('a call that was approved with other arguments', () => {
  test('is made with these; the log has both, and the model is told before the result', async () => {
    const world = await worldIn('turn.toolHop.waiting');
    world.send(withEdited());
    world.commit();
    assert.deepEqual(world.calling('delete').input.arguments, edited);
    await bringToRest(world);
    assert.deepEqual(rowOf(world, ({ extra }) => extra['kind'] === 'response')?.extra['arguments'], edited);
    const dispatch = rowOf(world, ({ type }) => type === 'tool_call');
    assert.deepEqual([dispatch?.content, dispatch?.extra['edited']], ['{"path":"/b"}', true]);
    assert.equal(rowOf(world, (row) => row.tool_calls !== null)?.tool_calls?.[0]?.function.arguments, '{"path":"/a"}');
    assert.equal(result(world), `${note}done`);
  });

  test('is made as it was asked when the answer could not be stored and the next one changes nothing', async () => {
    const world = await worldIn('turn.toolHop.waiting');
    world.send(withEdited());
    world.failCommit();
    world.send(respond('call_d'));
    world.commit();
    assert.deepEqual(world.calling('delete').input.arguments, { path: '/a' });
    await bringToRest(world);
    const response = rowOf(world, ({ extra }) => extra['kind'] === 'response');
    const dispatch = rowOf(world, ({ type }) => type === 'tool_call');
    assert.deepEqual(
      [response && 'arguments' in response.extra, dispatch && 'edited' in dispatch.extra, result(world)],
      [false, false, 'done'],
    );
  });

  test('is told so however it ends: stopped before it was made, or lost in a restart', async () => {
    const stopped = await worldIn('turn.toolHop.waiting');
    stopped.send(withEdited());
    stopped.send(cancel('stop'));
    await bringToRest(stopped);
    assert.ok(result(stopped).startsWith(`${note}The call was cancelled`));

    const before = await worldIn('turn.toolHop.waiting');
    before.send(withEdited());
    before.commit();
    const lost = await reopen(before);
    await bringToRest(lost);
    assert.ok(result(lost).startsWith(`${note}The server restarted`));
  });

  test('is repeated with these if its tool is idempotent, also after a restart', async () => {
    const world = await startWorld();
    await streaming(world, { tools: new Map([['look', { ...tool('look'), permission: 'ask' }]]) });
    world.answering().finish({ calls: [asked('look', { callId: 'call_d', arguments: { path: '/a' } })] });
    world.commit();
    world.send(withEdited());
    world.commit();
    const again = await reopen(world);
    again.commit();
    assert.deepEqual(again.calling('look').input.arguments, edited);
    again.calling('look').end({ status: 'lost' });
    again.commit();
    assert.ok(result(again).startsWith(note));
    const dispatches = again.log.rows().filter(({ type }) => type === 'tool_call');
    assert.deepEqual(
      dispatches.map(({ content, extra }) => [content, extra['attempt'], extra['edited']]),
      [
        ['{"path":"/b"}', 1, true],
        ['{"path":"/b"}', 2, true],
      ],
    );
  });
});

test('of long arguments the model is shown the beginning', () => {
  const { text } = withEdit(
    { status: 'ok', text: 'done', content: null, durationMs: 0 },
    { text: '\u{1f600}'.repeat(5_000) },
  );
  assert.ok(text.length < 2_200 && text.isWellFormed() && text.endsWith('...]\ndone'));
});
