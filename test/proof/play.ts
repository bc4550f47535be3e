/**
 * What a move does to a world, as a pure function: the shipping charts in surroundings that answer only when they are
 * told to. xstate/graph walks over it to find paths, and a driver plays them against the real server.
 */
import type { ConversationEvent } from '../../machines/conversation/events.ts';
import type { RequestedCall } from '../../machines/conversation/hop-answers.ts';
import type { ServerAsk } from '../../machines/conversation/question-types.ts';
import type { CallLaidDown, CallQuestion } from '../../machines/tool-call-terms.ts';
import {
  asker,
  cancel,
  chat,
  hopContext,
  providerDown,
  refusedKey,
  remove,
  respond,
  someUsage,
  tooLong,
} from '../support/machine-values.ts';
import { pathOf } from './chart-step.ts';
import { isKind, type Move, type Stimulus, type ToolName } from './vocabulary.ts';
import { createCharts, NOW_MS, words, type Charts } from './world-charts.ts';
import { finish } from './world-store.ts';
import {
  DEAR_USAGE,
  decisionOn,
  openQuestions,
  openTurns,
  requestIdOf,
  startWith,
  stateOf,
  type World,
} from './world.ts';

const nothing = { interruptId: '', ofServer: false };

/** What a server asks in the middle of a call. */
const form: ServerAsk = { kind: 'form', message: 'Where?', schema: {} };

/** XState's own events are not among those that a chart declares, so their type is anything. */
const xstateEvent = (type: string) => Object({ type });

const faults = { busy: providerDown, refused: refusedKey, long: tooLong, cut: providerDown } as const;

/** The world after a move that is possible in it; the one before stays as it was. */
export function play(before: World, move: Move): World {
  const world: World = {
    ...before,
    taken: [],
    refused: [],
    answered: [],
    outside: { ...before.outside },
    path: [...before.path, move],
    asides: before.asides + (isKind(move) ? 0 : 1),
  };
  const charts = createCharts(world);
  perform(world, charts, move);
  if (move.broken) {
    // The newest append was never taken: the store threw at it.
    world.held = world.held.slice(0, -1);
    if (world.conversation !== null) charts.hear({ type: 'conversation.fail' });
  }
  charts.react();
  return world;
}

function perform(world: World, { hear, tellCall, leaveIfDone }: Charts, stimulus: Stimulus): void {
  const requestId = requestIdOf(world.path.length - 1);

  /** An event that opens the conversation if it is asleep. */
  function route(event: ConversationEvent): void {
    if (world.conversation === null) wake();
    hear(event);
  }

  function wake(): void {
    world.life += 1;
    hear(null);
  }

  function read(works: boolean): void {
    if (stateOf(world) === 'activating') {
      return hear(
        works
          ? { type: 'xstate.done.actor.log', output: world.log.standing(), actorId: 'log' }
          : xstateEvent('xstate.error.actor.log'),
      );
    }
    return hear(
      works
        ? { type: 'xstate.done.actor.context', output: { ...hopContext, tools: world.terms.tools }, actorId: 'context' }
        : xstateEvent('xstate.error.actor.context'),
    );
  }

  function crash(): void {
    const { terms, life, log, outside, path, asides, crashes } = world;
    Object.assign(world, { ...startWith(terms), life, log, outside, path, asides, crashes: crashes + 1 });
    if (openTurns(world).some(({ waits }) => !waits)) wake();
  }

  const asked = (names: readonly ToolName[]): RequestedCall[] => {
    const { requestId: turn = '', hops = 0 } = world.conversation?.context.turn ?? {};
    return names.map((name, index) => ({
      callId: `${turn}.${hops}.${index}`,
      name,
      text: '{}',
      arguments: {},
      misfit: null,
    }));
  };

  const openCall = (tool: ToolName): string =>
    [...world.calls].find(
      ([, { context, value }]) => context.tool.name === tool && ['running', 'asking'].includes(pathOf(value)),
    )?.[0] ?? '';

  function question(tool: ToolName): CallQuestion | CallLaidDown {
    const asked = { asks: [{ key: tool === 'hall' ? '' : 'seats', ask: form }], number: 1, askedAtMs: NOW_MS };
    if (tool === 'hall') return { type: 'call.question', ...asked, workedMs: 0 };
    return {
      type: 'call.laidDown',
      ...asked,
      resume: { requestState: 'kept', answered: [], questions: 1, workedMs: 0 },
    };
  }

  switch (stimulus.do) {
    case 'chat':
      return route(
        chat(stimulus.id, {
          mode: stimulus.mode,
          digest: stimulus.words === 'other' ? 'other' : stimulus.id,
          rewindTo: stimulus.words === 'rewound' ? 1 : null,
        }),
      );
    case 'stop':
      if (world.conversation !== null || openTurns(world).length > 0) return route(cancel(requestId, stimulus.target));
      // Nothing can be running, says the log: the conversation is not opened for it.
      world.answered = [requestId];
      return;
    case 'look':
      world.lookedUp = { question: openQuestions(world.log.rows())[0] ?? nothing, requestId };
      return;
    case 'respond': {
      const now = { question: openQuestions(world.log.rows())[stimulus.to === 'next' ? 1 : 0] ?? nothing, requestId };
      const { question, requestId: by } = (stimulus.to === 'late' ? world.lookedUp : null) ?? now;
      if (stimulus.to === 'late') world.lookedUp = null;
      const { interruptId, ofServer } = question;
      const decision = decisionOn(question, stimulus.decision);
      return route(
        respond('', 'approve', {
          interruptId,
          decision,
          content: ofServer && decision === 'answer' ? {} : null,
          by: asker(by),
          remember: stimulus.always === true,
        }),
      );
    }
    case 'delete':
      return route(remove(requestId));
    case 'crowd':
      world.crowded = true;
      return;
    case 'makeRoom':
      world.crowded = false;
      if (stateOf(world) === 'turn.queued') hear({ type: 'permit.granted' });
      return leaveIfDone();
    case 'commit':
      return finish(world, hear, stimulus.together ? ['lands', 'lands'] : ['lands']);
    case 'refuse':
      return finish(world, hear, stimulus.after ? ['lands', 'fails'] : ['fails']);
    case 'read':
      return read(stimulus.works);
    case 'begin':
      world.begun = true;
      return;
    case 'answer':
      return hear({ type: 'answer.finished', answer: words({}) });
    case 'ask':
      return hear({
        type: 'answer.finished',
        answer: words({ calls: asked(stimulus.tools), usage: stimulus.dear ? DEAR_USAGE : someUsage }),
      });
    case 'fault': {
      const text = stimulus.how === 'cut' ? 'Once ' : '';
      return hear({
        type: 'answer.failed',
        answer: words({ finishReason: 'failed', text }),
        fault: faults[stimulus.how],
        retryAfterMs: null,
        jitter: 0,
      });
    }
    case 'call': {
      const callId = openCall(stimulus.tool);
      if (stimulus.ends === 'late') return tellCall(callId, xstateEvent('xstate.after.timeout.toolCall.running'));
      if (stimulus.ends === 'unanswered')
        return tellCall(callId, xstateEvent('xstate.after.answerTimeout.toolCall.asking'));
      if (stimulus.ends === 'asks') return tellCall(callId, question(stimulus.tool));
      return tellCall(callId, { type: 'call.ended', status: stimulus.ends, text: '', content: null, durationMs: 0 });
    }
    case 'progress':
      return tellCall(openCall(stimulus.tool), { type: 'call.progress', workedMs: 0 });
    case 'wait':
      return hear(xstateEvent('xstate.after.backoff.conversation.turn.backingOff'));
    case 'expire':
      return route({ type: 'conversation.expire', nowMs: NOW_MS + 2 * world.terms.limits.approvalTimeoutMs });
    case 'passivate':
      return hear({ type: 'conversation.passivate' });
    case 'drain':
      world.process = 'draining';
      if (world.conversation !== null) hear({ type: 'conversation.drain' });
      return leaveIfDone();
    case 'halt':
      return hear({ type: 'conversation.halt' });
    case 'crash':
      return crash();
  }
}
