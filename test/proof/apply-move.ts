/**
 * Applies a move to a world, as a pure function. It runs the shipping charts in surroundings that answer only when a
 * move says so. Searches with xstate/graph use it, and the driver plays the paths that they find against the real
 * server.
 */
import type { ConversationEvent } from '../../machines/conversation/events.ts';
import type { RequestedCall } from '../../machines/conversation/hop-answers.ts';
import type { ServerRequest } from '../../machines/conversation/question-types.ts';
import type { CallSuspended, CallServerRequest } from '../../machines/tool-call-types.ts';
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
} from '../support/machines/values.ts';
import { pathOf } from './chart-step.ts';
import { isBenign, type Move, type Stimulus, type ToolName } from './moves.ts';
import { createCharts, NOW_MS, words, type Charts } from './world-charts.ts';
import { finish } from './world-store.ts';
import {
  EXPENSIVE_USAGE,
  decisionOn,
  openQuestions,
  openTurns,
  requestIdOf,
  startWith,
  stateOf,
  type World,
} from './world.ts';

const nothing = { interruptId: '', ofServer: false };

/** Question of a server in the middle of a call. */
const form: ServerRequest = { kind: 'form', message: 'Where?', schema: {} };

/** The handle that a server of tasks gives. */
const task = { id: 'task', pollIntervalMs: null, answeredKeys: [] };

/** XState's own events are not among those that a chart declares, so their type is `any`. */
const xstateEvent = (type: string) => Object({ type });

const faults = { busy: providerDown, refused: refusedKey, long: tooLong, cut: providerDown } as const;

/** Returns the world after a move that is possible in it. The world before is not changed. */
export function applyMove(before: World, move: Move): World {
  const world: World = {
    ...before,
    taken: [],
    refused: [],
    answered: [],
    outside: { ...before.outside },
    path: [...before.path, move],
    deviations: before.deviations + (isBenign(move) ? 0 : 1),
  };
  const charts = createCharts(world);
  perform(world, charts, move);
  if (move.broken) {
    // The store threw at the newest append, so it never took it.
    world.held = world.held.slice(0, -1);
    if (world.conversation !== null) charts.send({ type: 'conversation.fail' });
  }
  charts.react();
  return world;
}

function perform(world: World, { send, sendToCall, exitIfDrained }: Charts, stimulus: Stimulus): void {
  const requestId = requestIdOf(world.path.length - 1);

  /** Sends an event that opens the conversation if it has no actor. */
  function route(event: ConversationEvent): void {
    if (world.conversation === null) wake();
    send(event);
  }

  function wake(): void {
    world.activation += 1;
    send(null);
  }

  function read(works: boolean): void {
    if (stateOf(world) === 'activating') {
      return send(
        works
          ? { type: 'xstate.done.actor.log', output: world.log.recovered(), actorId: 'log' }
          : xstateEvent('xstate.error.actor.log'),
      );
    }
    return send(
      works
        ? {
            type: 'xstate.done.actor.context',
            output: { ...hopContext, tools: world.settings.tools },
            actorId: 'context',
          }
        : xstateEvent('xstate.error.actor.context'),
    );
  }

  function crash(): void {
    const { settings, activation, log, outside, path, deviations, crashes } = world;
    Object.assign(world, { ...startWith(settings), activation, log, outside, path, deviations, crashes: crashes + 1 });
    if (openTurns(world).some(({ waits }) => !waits)) wake();
  }

  const asked = (names: readonly ToolName[]): RequestedCall[] => {
    const { requestId: turn = '', hops = 0 } = world.conversation?.context.turn ?? {};
    return names.map((name, index) => ({
      callId: `${turn}.${hops}.${index}`,
      name,
      text: '{}',
      arguments: {},
      violation: null,
    }));
  };

  const openCall = (tool: ToolName): string =>
    [...world.calls].find(
      ([, { context, value }]) =>
        context.tool.name === tool && ['running', 'asking', 'waitingForTask'].includes(pathOf(value)),
    )?.[0] ?? '';

  function question(tool: ToolName): CallServerRequest | CallSuspended {
    const asked = { requests: [{ key: tool === 'hall' ? '' : 'seats', ask: form }], number: 1, askedAtMs: NOW_MS };
    if (tool === 'hall') return { type: 'call.serverRequest', ...asked, workedMs: 0 };
    return {
      type: 'call.suspended',
      ...asked,
      resume: {
        requestState: 'kept',
        answered: [],
        questions: 1,
        workedMs: 0,
        task: tool === 'brew' ? task : null,
      },
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
      // According to the log nothing can be running, so the conversation is not opened.
      world.answered = [requestId];
      return;
    case 'lookUp':
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
    case 'takePermit':
      world.permitTaken = true;
      return;
    case 'freePermit':
      world.permitTaken = false;
      if (stateOf(world) === 'turn.queued') send({ type: 'permit.granted' });
      return exitIfDrained();
    case 'commit':
      return finish(world, send, stimulus.together ? ['lands', 'lands'] : ['lands']);
    case 'refuse':
      return finish(world, send, stimulus.after ? ['lands', 'fails'] : ['fails']);
    case 'read':
      return read(stimulus.works);
    case 'begin':
      world.begun = true;
      return;
    case 'answer':
      return send({ type: 'answer.finished', answer: words({}) });
    case 'empty':
      return send({ type: 'answer.finished', answer: words({ text: '' }) });
    case 'ask':
      return send({
        type: 'answer.finished',
        answer: words({ calls: asked(stimulus.tools), usage: stimulus.expensive ? EXPENSIVE_USAGE : someUsage }),
      });
    case 'fault': {
      const text = stimulus.how === 'cut' ? 'Once ' : '';
      return send({
        type: 'answer.failed',
        answer: words({ finishReason: 'failed', text }),
        fault: faults[stimulus.how],
        retryAfterMs: null,
        jitter: 0,
      });
    }
    case 'call': {
      const callId = openCall(stimulus.tool);
      if (stimulus.ends === 'late') return sendToCall(callId, xstateEvent('xstate.after.timeout.toolCall.running'));
      if (stimulus.ends === 'overdue')
        return sendToCall(callId, xstateEvent('xstate.after.taskTimeout.toolCall.waitingForTask'));
      if (stimulus.ends === 'task') return sendToCall(callId, { type: 'call.task', task, workedMs: 0 });
      if (stimulus.ends === 'unanswered')
        return sendToCall(callId, xstateEvent('xstate.after.answerTimeout.toolCall.asking'));
      if (stimulus.ends === 'asks') return sendToCall(callId, question(stimulus.tool));
      return sendToCall(callId, { type: 'call.ended', status: stimulus.ends, text: '', content: null, durationMs: 0 });
    }
    case 'progress':
      return sendToCall(openCall(stimulus.tool), { type: 'call.progress', workedMs: 0 });
    case 'wait':
      return send(xstateEvent('xstate.after.backoff.conversation.turn.backingOff'));
    case 'expire':
      return route({ type: 'conversation.expire', nowMs: NOW_MS + 2 * world.settings.limits.approvalTimeoutMs });
    case 'passivate':
      return send({ type: 'conversation.passivate' });
    case 'drain':
      world.process = 'draining';
      if (world.conversation !== null) send({ type: 'conversation.drain' });
      return exitIfDrained();
    case 'halt':
      return send({ type: 'conversation.halt' });
    case 'crash':
      return crash();
  }
}
