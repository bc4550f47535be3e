/** Checks calls that are approved with other arguments: what is called, what is stored, and what the model gets. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { withEdit } from '../../../machines/conversation/rows/approval-rows.ts';
import { reopen, startWorld } from '../../support/machines/conversation.ts';
import type { World } from '../../support/machines/conversation.ts';
import { runUntilIdle } from '../../support/machines/run-until-idle.ts';
import { streaming, worldInState } from '../../support/machines/states.ts';
import { asked, cancel, respond, tool } from '../../support/machines/values.ts';

const edited = { path: '/b' };
const note = '[A person changed the arguments of this call to {"path":"/b"}]\n';
const withEdited = () => respond('call_d', 'approve', { arguments: edited });
const rowOf = (world: World, fits: (row: ReturnType<World['log']['rows']>[number]) => boolean) =>
  world.log.rows().find(fits);
const result = (world: World) => String(rowOf(world, ({ type }) => type === 'tool_result')?.content);

describe('a call that was approved with other arguments', () => {
  test('runs with these; the log has both, and the model gets a notice before the result', async () => {
    const world = await worldInState('turn.toolHop.waiting');
    world.send(withEdited());
    world.commit();
    assert.deepEqual(world.latestCall('delete').input.arguments, edited);
    await runUntilIdle(world);
    assert.deepEqual(rowOf(world, ({ extra }) => extra['kind'] === 'response')?.extra['arguments'], edited);
    const dispatch = rowOf(world, ({ type }) => type === 'tool_call');
    assert.deepEqual([dispatch?.content, dispatch?.extra['edited']], ['{"path":"/b"}', true]);
    assert.equal(rowOf(world, (row) => row.tool_calls !== null)?.tool_calls?.[0]?.function.arguments, '{"path":"/a"}');
    assert.equal(result(world), `${note}done`);
  });

  test('runs with the original arguments if the edited approval could not be stored and the next one changes nothing', async () => {
    const world = await worldInState('turn.toolHop.waiting');
    world.send(withEdited());
    world.failCommit();
    world.send(respond('call_d'));
    world.commit();
    assert.deepEqual(world.latestCall('delete').input.arguments, { path: '/a' });
    await runUntilIdle(world);
    const response = rowOf(world, ({ extra }) => extra['kind'] === 'response');
    const dispatch = rowOf(world, ({ type }) => type === 'tool_call');
    assert.deepEqual(
      [response && 'arguments' in response.extra, dispatch && 'edited' in dispatch.extra, result(world)],
      [false, false, 'done'],
    );
  });

  test('has the notice in its result also when it is cancelled before it starts or lost in a restart', async () => {
    const stopped = await worldInState('turn.toolHop.waiting');
    stopped.send(withEdited());
    stopped.send(cancel('stop'));
    await runUntilIdle(stopped);
    assert.ok(result(stopped).startsWith(`${note}The call was cancelled`));

    const before = await worldInState('turn.toolHop.waiting');
    before.send(withEdited());
    before.commit();
    const lost = await reopen(before);
    await runUntilIdle(lost);
    assert.ok(result(lost).startsWith(`${note}The server restarted`));
  });

  test('is repeated with these if the tool is idempotent, also after a restart', async () => {
    const world = await startWorld();
    await streaming(world, { tools: new Map([['look', { ...tool('look'), permission: 'ask' }]]) });
    world.currentAnswer().finish({ calls: [asked('look', { callId: 'call_d', arguments: { path: '/a' } })] });
    world.commit();
    world.send(withEdited());
    world.commit();
    const again = await reopen(world);
    again.commit();
    assert.deepEqual(again.latestCall('look').input.arguments, edited);
    again.latestCall('look').end({ status: 'lost' });
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

test('shows the model only the beginning of long arguments', () => {
  const { text } = withEdit(
    { status: 'ok', text: 'done', content: null, durationMs: 0 },
    { text: '\u{1f600}'.repeat(5_000) },
  );
  assert.ok(text.length < 2_200 && text.isWellFormed() && text.endsWith('...]\ndone'));
});
