/** Decisions that hold for the rest of a conversation: who is asked no more, what follows at once, and what a restart keeps. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hopPlan } from '../../machines/conversation/decisions/hop-plan.ts';
import type { RememberedDecision } from '../../machines/conversation/turn-state.ts';
import { newRunningTurn } from '../../machines/conversation/state-updates.ts';
import { reopen, startWorld } from '../support/machine-conversation.ts';
import type { World } from '../support/machine-conversation.ts';
import { bringToRest } from '../support/machine-rest.ts';
import { streaming, worldIn } from '../support/machine-states.ts';
import { storyOf } from '../support/machine-story.ts';
import { answer, asked, asker, cancel, chat, hopContext, respond, tool } from '../support/machine-values.ts';

const always = (decision: 'approve' | 'deny') => respond('call_d', decision, { remember: true });
const about = (toolName: string, decision: 'approve' | 'deny', server = 'demo'): RememberedDecision => ({
  server,
  toolName,
  definition: `${toolName} of ${server}`,
  decision,
});
const marked = (world: World) =>
  world.log
    .rows()
    .filter(({ extra }) => extra['remembered'] === true)
    .map(({ type, extra, tool_call_id: call }) => `${call} ${extra['kind'] ?? type}`);

/** The model asks for the same tool in the next hop. */
async function askAgain(world: World): Promise<void> {
  await world.loadContext();
  world.answering().finish({ calls: [asked('delete', { callId: 'call_again' })] });
  world.commit();
}

/** Questions about `call_d` and `call_e` for one tool, and about `call_l` for another server's of the same name. */
async function askingThrice(): Promise<World> {
  const world = await startWorld();
  await streaming(world, {
    tools: new Map([
      ['delete', tool('delete')],
      ['look', { ...tool('delete'), name: 'look', server: 'other' }],
    ]),
  });
  world.answering().finish({
    calls: [
      asked('delete', { callId: 'call_e' }),
      asked('look', { callId: 'call_l' }),
      asked('delete', { callId: 'call_d' }),
    ],
  });
  world.commit();
  return world;
}

describe('a decision that is to be remembered', () => {
  test('to approve: later calls of the tool are made at once', async () => {
    const world = await worldIn('turn.toolHop.waiting');
    world.send(always('approve'));
    world.commit();
    world.calling('delete').end();
    world.commit();
    await askAgain(world);
    assert.deepEqual(
      world.calls.filter(({ open }) => open).map(({ input }) => input.callId),
      ['call_again'],
    );
    await bringToRest(world);
    assert.deepEqual(storyOf(world.log.rowsOf('r1')).slice(2), [
      'asks for approval of delete',
      'response approve',
      'dispatch delete',
      'from now on approve demo.delete',
      'result delete ok',
      'assistant: asks delete',
      'dispatch delete',
      'result delete ok',
      'assistant: Hello.',
      'end stop',
    ]);
    assert.deepEqual(marked(world), ['call_again tool_call']);
  });

  test('to decline: later calls of the tool are denied at once, and the model is told for how long', async () => {
    const world = await worldIn('turn.toolHop.waiting');
    world.send(always('deny'));
    world.commit();
    await askAgain(world);
    assert.equal(world.state(), 'turn.loadingContext');
    assert.equal(world.calls.length, 0);
    assert.deepEqual(marked(world), ['call_again tool_result']);
    assert.match(String(world.log.rowsOf('r1').at(-1)?.content), /declined this tool for the rest of the conversation/);
  });

  test('answers all that is asked about the tool, in one commit, and nothing else', async () => {
    for (const decision of ['approve', 'deny'] as const) {
      const world = await askingThrice();
      world.news();
      world.send(respond('call_d', decision, { remember: true, reason: 'So be it.' }));
      world.commit();
      const consequence = decision === 'approve' ? 'dispatch delete' : 'result delete denied';
      const appended = world.log.stored().at(-1);
      assert.deepEqual(storyOf(world.log.rowsOf('r1')).slice(-5), [
        `response ${decision}`,
        consequence,
        `response ${decision}`,
        consequence,
        `from now on ${decision} demo.delete`,
      ]);
      assert.deepEqual([appended?.rows.length, appended?.remember], [5, about('delete', decision)]);
      assert.deepEqual(
        marked(world),
        decision === 'approve' ? ['call_e response', 'call_e tool_call'] : ['call_e response', 'call_e tool_result'],
      );
      const reasons = world.log.rows().flatMap(({ extra }) => (extra['kind'] === 'response' ? [extra['reason']] : []));
      assert.deepEqual(reasons, ['So be it.', 'So be it.']);
      assert.deepEqual(
        world
          .context()
          .turn?.calls.filter(({ stage }) => stage === 'asking')
          .map(({ callId }) => callId),
        ['call_l'],
      );
      await bringToRest(world);
    }
  });

  test('is for the tool, and changed arguments for the one call', async () => {
    const world = await askingThrice();
    world.send(respond('call_d', 'approve', { remember: true, arguments: { path: '/b' } }));
    world.commit();
    const made = world.calls.map(({ input }) => [input.callId, input.arguments]);
    assert.deepEqual(made, [
      ['call_e', {}],
      ['call_d', { path: '/b' }],
    ]);
    await bringToRest(world);
  });

  test('tells those who answer what it has answered that they come late', async () => {
    const world = await askingThrice();
    world.send(always('deny'));
    world.send(respond('call_e', 'approve', { by: asker('second') }));
    world.commit();
    assert.deepEqual(
      world.emitted.filter(({ type }) => type === 'respond.late'),
      [{ type: 'respond.late', to: asker('second'), interruptId: 'approval_call_e' }],
    );
  });

  test('that could not be stored is none: all its questions stand, and the next call is asked about', async () => {
    const world = await askingThrice();
    world.send(always('approve'));
    world.failCommit();
    assert.deepEqual(
      world.context().turn?.calls.map(({ stage }) => stage),
      ['asking', 'asking', 'asking'],
    );
    assert.deepEqual([world.context().remembered, world.log.standing().remembered], [[], []]);
    for (const callId of ['call_d', 'call_e', 'call_l']) {
      world.send(respond(callId, 'deny'));
      world.commit();
    }
    await askAgain(world);
    assert.equal(world.state(), 'turn.toolHop.waiting');
  });
});

describe('what was decided once and for all', () => {
  test('holds in the next turn, after a Stop and after a restart', async () => {
    const first = await worldIn('turn.toolHop.waiting');
    first.send(always('approve'));
    first.send(cancel('stop'));
    await bringToRest(first);
    const world = await reopen(first);
    world.send(chat('r9'));
    world.commit();
    await askAgain(world);
    assert.equal(world.calling('delete').input.callId, 'call_again');
    await bringToRest(world);
  });

  test('is looked up for tools that need approval only, by their server and its own name for them', () => {
    const stages = (name: string, remembered: RememberedDecision[]) => {
      const turn = {
        ...newRunningTurn({ requestId: 'r1', hops: 0, used: [] }),
        context: hopContext,
        answer: answer({ calls: [asked(name)] }),
      };
      const { rows, calls } = hopPlan(turn, 1_000, remembered);
      return calls[0]?.stage ?? String(rows[1]?.extra['status']);
    };
    assert.equal(stages('delete', [about('delete', 'approve')]), 'ready');
    assert.equal(stages('delete', [about('delete', 'deny')]), 'denied');
    assert.equal(stages('delete', [about('delete', 'approve', 'other'), about('add', 'approve')]), 'asking');
    assert.equal(
      stages('delete', [{ ...about('delete', 'approve'), definition: 'another' }]),
      'asking',
      'it is not the tool that was approved',
    );
    assert.equal(
      stages('delete', [{ ...about('delete', 'deny'), definition: 'another' }]),
      'denied',
      'a server cannot wear people down',
    );
    assert.equal(stages('format', [about('format', 'approve')]), 'denied', 'what is not allowed stays so');
    assert.equal(stages('add', [about('add', 'deny')]), 'ready', 'what needs no approval is not asked for one');
  });
});
