/**
 * Runs the shipping charts in a world. Sends events through the conversation's chart or a call's chart, and applies
 * what they emit and send to each other. Changes the world that it is given, so the caller passes a copy.
 */
import type { AnyStateMachine, AnyTransitionDefinition } from 'xstate';
import type { ConversationEmitted, ConversationEvent } from '../../machines/conversation/events.ts';
import type { ModelAnswer } from '../../machines/conversation/hop-answers.ts';
import { conversationMachine } from '../../machines/conversation/machine.ts';
import type { ToolCallInput } from '../../machines/tool-call-types.ts';
import { toolCallMachine } from '../../machines/tool-call.ts';
import type { OpenCall } from '../../machines/conversation/turn-state.ts';
import { answer } from '../support/machines/values.ts';
import { pathOf, stepThrough } from './chart-step.ts';
import { HELD_CONVERSATION } from './held-store-messages.ts';
import { edgeTaken, edgesRefused, indexEdges, type EdgeIndex } from './edges.ts';
import { stateOf, type Call, type World } from './world.ts';

const conversationEdges = indexEdges(conversationMachine);
const callEdges = indexEdges(toolCallMachine);

type Taken = { from: string; transition: AnyTransitionDefinition }[];
type CallEvent = Parameters<typeof toolCallMachine.transition>[1];

/** Clock of every event. Questions expire one minute later. */
export const NOW_MS = 1_800_000_000_000;

/** An answer of the model, whole or in part. */
export function words(changes: Partial<ModelAnswer> = {}): ModelAnswer {
  return answer({ messageId: 'm', endedAtMs: NOW_MS, ...changes });
}

export interface Charts {
  /** Null starts the conversation's chart. */
  send(event: ConversationEvent | null): void;
  sendToCall(callId: string, event: CallEvent): void;
  /** A draining server exits with its last conversation. */
  exitIfDrained(): void;
  /** Runs the reactions of the model and the tools to a stop, which come at the end of the tick. */
  react(): void;
}

export function createCharts(world: World): Charts {
  const reactions: (() => void)[] = [];
  /** An actor that has ended by then gets no reaction. */
  const later = (react: () => void) => {
    const { activation } = world;
    reactions.push(() => {
      if (world.activation === activation && world.conversation !== null) react();
    });
  };

  function record(
    chart: AnyStateMachine,
    edges: EdgeIndex,
    taken: Taken,
    refused: { from: string; eventType: string }[],
  ): void {
    const steps = taken.map(({ from, transition }) => ({
      from,
      eventType: transition.eventType,
      taken: edgeTaken(chart, from, transition),
    }));
    const unhandled = refused.map((step) => ({ ...step, taken: null }));
    world.taken = [...world.taken, ...steps.map((step) => step.taken)];
    world.refused = [...world.refused, ...[...steps, ...unhandled].flatMap((step) => edgesRefused(edges, step))];
  }

  function send(event: ConversationEvent | null): void {
    const input = { conversationId: HELD_CONVERSATION, owner: 'me', limits: world.settings.limits };
    const was = world.conversation?.context.turn;
    const { snapshot, taken, refused, emitted, sent } = stepThrough(
      conversationMachine,
      input,
      world.conversation,
      event,
    );
    world.conversation = snapshot;
    world.shown = pathOf(snapshot.value);
    record(conversationMachine, conversationEdges, taken, refused);
    for (const each of emitted) runEffect(each);
    const now = snapshot.context.turn;
    if (now?.asking && !was?.asking) {
      world.outside.requests += 1;
      world.begun = false;
    }
    const wasRunning = new Set(was?.calls.filter(({ stage }) => stage === 'running').map(({ callId }) => callId));
    for (const call of now?.calls ?? []) if (call.stage === 'running' && !wasRunning.has(call.callId)) startCall(call);
    if (snapshot.status === 'done') {
      world.conversation = null;
      world.calls = new Map();
      exitIfDrained();
      return;
    }
    if (
      stateOf(world) === 'turn.queued' &&
      !taken.some(({ transition }) => transition.eventType === 'permit.awaited')
    ) {
      later(() => {
        if (stateOf(world) === 'turn.queued')
          send(world.permitTaken ? { type: 'permit.awaited', ahead: 1 } : { type: 'permit.granted' });
      });
    }
    for (const { to, event: order } of sent) {
      if (order.type === 'answer.stop')
        later(() =>
          send({
            type: 'answer.finished',
            answer: words({ finishReason: 'cancelled', text: world.begun ? 'Once ' : '' }),
          }),
        );
      else if (order.type === 'call.cancel' && to !== null)
        sendToCall(to.replace('call:', ''), { type: 'call.cancel' });
      else if ((order.type === 'call.answered' || order.type === 'call.taskStored') && to !== null)
        sendToCall(to.replace('call:', ''), Object(order));
    }
  }

  function runEffect(emitted: ConversationEmitted): void {
    const reply = (requestId: string) => void (world.answered = [...world.answered, requestId]);
    switch (emitted.type) {
      case 'append':
        world.held = [...world.held, { intent: emitted, activation: world.activation }];
        world.outside.appends += 1;
        return;
      case 'remove':
        world.held = [...world.held, { intent: emitted, activation: world.activation }];
        return;
      case 'turn.accepted':
      case 'turn.attached':
        return reply(emitted.chat.requestId);
      case 'reply':
      case 'refuse':
      case 'respond.late':
        return reply(emitted.to.requestId);
      case 'notice':
      case 'deleted':
      case 'failed':
      case 'permit.returned':
      case 'task.abandoned':
        return;
    }
  }

  function exitIfDrained(): void {
    if (world.process === 'draining' && world.conversation === null && !world.permitTaken) world.process = 'gone';
  }

  function startCall({ callId, tool, arguments: args, resume }: OpenCall): void {
    const input: ToolCallInput = {
      conversationId: HELD_CONVERSATION,
      owner: 'me',
      requestId: '',
      callId,
      tool,
      arguments: args,
      timeoutMs: world.settings.limits.toolTimeoutMs,
      maxTimeoutMs: world.settings.limits.toolMaxTimeoutMs,
      taskTimeoutMs: world.settings.limits.toolTaskTimeoutMs,
      resume,
      answerTimeoutMs: world.settings.limits.approvalTimeoutMs,
    };
    const { snapshot } = stepThrough(toolCallMachine, input, null, null);
    world.calls = new Map(world.calls).set(callId, snapshot);
    // XState's inspection does not show the transitions of a start.
    if (pathOf(snapshot.value) === 'waitingForTask')
      record(
        toolCallMachine,
        callEdges,
        (toolCallMachine.states.running?.always ?? []).map((transition) => ({ from: 'running', transition })),
        [],
      );
    // A call with a task is not made again.
    if (!resume?.task) world.outside.calls += 1;
  }

  function sendToCall(callId: string, event: CallEvent): void {
    const call = world.calls.get(callId);
    if (!call || call.status !== 'active') return;
    const { snapshot, taken, refused, sent } = stepThrough(toolCallMachine, call.context, call, event);
    world.calls = new Map(world.calls).set(callId, snapshot);
    record(toolCallMachine, callEdges, taken, refused);
    for (const { event: order } of sent) {
      if (order.type === 'call.abort')
        later(() =>
          sendToCall(callId, { type: 'call.ended', status: 'cancelled', text: '', content: null, durationMs: 0 }),
        );
      else if (order.type === 'call.settled') settle(callId, order);
      else if (order.type === 'call.becameTask') send(Object(order));
      else if (order.type === 'call.needsInput') ask(callId, snapshot, order);
    }
  }

  function ask(callId: string, call: Call, asks: object): void {
    if (call.status === 'done') forget(callId);
    send(Object(asks));
  }

  function forget(callId: string): void {
    const calls = new Map(world.calls);
    calls.delete(callId);
    world.calls = calls;
  }

  function settle(callId: string, settled: object): void {
    forget(callId);
    if ('result' in settled) send({ type: 'call.settled', callId, result: Object(settled.result) });
  }

  return {
    send,
    sendToCall,
    exitIfDrained,
    react() {
      for (let next = reactions.shift(); next; next = reactions.shift()) next();
    },
  };
}
