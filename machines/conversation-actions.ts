/**
 * What the conversation chart does on its transitions: changes to its context, and facts it emits.
 * Assign, emit, raise and sendTo only; no action can fail and none waits.
 */
import type { Answer, Asker, ChatEvent, ConversationContext, QueuedTurn, RunningTurn, TurnEnd } from './conversation-terms.ts';
import { conversationSetup, nextBackoffMs } from './conversation-setup.ts';
import type { Fault } from './log.ts';
import { addUsage, cancelRow, endRows, hopPlan, recoveryRows, repeatedCalls, resultRow, stoppedEnd, turnEndRow, userMessageRow } from './turn-rows.ts';

const kit = conversationSetup;

function fault(code: string, message: string, retryable: boolean, data: Record<string, unknown> = {}): Fault {
  return { code, message, retryable, data };
}

function askerOf(chat: ChatEvent): Asker {
  return { session: chat.session, requestId: chat.requestId };
}

function run({ requestId, hops, usage, model = null }: Pick<QueuedTurn, 'requestId' | 'hops' | 'usage'> & { model?: string | null }): RunningTurn {
  return {
    requestId, hops, usage, model,
    provider: 0, attempt: 0, waitedMs: 0, backoffMs: 0,
    context: null, asking: false, answer: null, calls: [], fault: null, stop: null,
  };
}

/** Changes the running turn; without one, nothing. */
function turnWith(context: ConversationContext, change: (turn: RunningTurn) => Partial<RunningTurn>): Partial<ConversationContext> {
  return context.turn ? { turn: { ...context.turn, ...change(context.turn) } } : {};
}

function endIntent(requestId: string, rows: ReturnType<typeof endRows>['rows'], end: TurnEnd) {
  return { type: 'append', tag: { of: 'end', requestId }, rows, end: { requestId, payload: end } } as const;
}

const withAnswer = (answer: Answer) => (turn: RunningTurn) => ({ asking: false, answer, model: answer.model ?? turn.model });

/** The last words of an actor that ends: whoever still waits for an answer is to send again. */
const refuseUnanswered = (code: 'conversation_failed' | 'shutting_down') =>
  kit.enqueueActions(({ context, enqueue }) => {
    const waiting = [...context.arriving, ...context.deferred].map((event) => (event.type === 'client.chat' ? askerOf(event) : event.by));
    for (const to of [...waiting, ...(context.turn?.stop?.askers ?? [])]) {
      if (to) enqueue.emit({ type: 'refuse', to, fault: fault(code, 'The conversation was closed before this was answered. Send it again.', true) });
    }
  });

export const conversation = kit.extend({
  actions: {
    defer: kit.assign(({ context, event }) => {
      if (event.type === 'client.chat') return { deferred: [...context.deferred, event] };
      if (event.type !== 'client.cancel') return {};
      // A Stop means the turn that ran when it was sent, not the one that runs when it is heard.
      return { deferred: [...context.deferred, { ...event, target: event.target ?? context.turn?.requestId ?? null }] };
    }),
    raiseDeferred: kit.enqueueActions(({ context, enqueue }) => {
      if (context.deferred.length === 0) return;
      for (const event of context.deferred) enqueue.raise(event);
      enqueue.assign({ deferred: [] });
    }),
    refuseAsFailed: refuseUnanswered('conversation_failed'),
    refuseAsStopped: refuseUnanswered('shutting_down'),

    appendMessage: kit.enqueueActions(({ context, event, enqueue }) => {
      if (event.type !== 'client.chat') return;
      enqueue.assign({ arriving: [...context.arriving, event] });
      enqueue.emit({
        type: 'append',
        tag: { of: 'message', chat: event },
        rows: [userMessageRow(event)],
        begin: { requestId: event.requestId, digest: event.digest },
      });
    }),
    refuseFullQueue: kit.enqueueActions(({ context, event, enqueue }) => {
      const to = event.type === 'client.chat' ? askerOf(event) : event.type === 'client.cancel' ? event.by : null;
      if (!to) return;
      const message = `This conversation has ${context.limits.queueLength} turns waiting, which is its limit. Wait for one to end.`;
      enqueue.emit({ type: 'refuse', to, fault: fault('overloaded', message, true, { retry_after_ms: 1000 }) });
    }),
    refuseBusy: kit.enqueueActions(({ event, enqueue }) => {
      if (event.type !== 'client.chat') return;
      const message = 'A turn is running and the message said mode "reject". Wait for its end, cancel it, or send with mode "queue" or "interrupt".';
      enqueue.emit({ type: 'refuse', to: askerOf(event), fault: fault('illegal_in_state', message, true, { can: ['cancel', 'chat'] }) });
    }),
    /** What a committed message becomes: the next turn, a follower of the one it repeats, or a refusal. */
    admit: kit.enqueueActions(({ context, event, enqueue }) => {
      if (event.type !== 'log.committed' || event.tag.of !== 'message') return;
      const { chat } = event.tag;
      const { outcome } = event;
      enqueue.assign({ arriving: context.arriving.filter((other) => other !== chat) });
      if (outcome.status === 'duplicate') {
        enqueue.emit({ type: 'turn.attached', chat, ended: outcome.ended });
      } else if (outcome.status === 'reused') {
        const message = `The request_id "${chat.requestId}" belongs to another message of this conversation. Use a new one.`;
        enqueue.emit({ type: 'refuse', to: askerOf(chat), fault: fault('request_id_reused', message, false) });
      } else {
        const ahead = context.turn === null && context.queue.length === 0;
        const inFront = chat.mode === 'interrupt';
        const turn: QueuedTurn = { requestId: chat.requestId, hops: 0, usage: null, announced: !ahead };
        const next = { kind: 'turn', turn } as const;
        enqueue.assign({ queue: inFront ? [next, ...context.queue] : [...context.queue, next] });
        const position = inFront ? 1 : context.queue.length + 1;
        enqueue.emit({ type: 'turn.accepted', chat, seq: outcome.seq, disposition: ahead ? 'started' : 'queued', position });
        if (inFront && context.turn) enqueue.raise({ type: 'client.cancel', by: null, target: context.turn.requestId });
      }
    }),
    refuseUnstored: kit.enqueueActions(({ context, event, enqueue }) => {
      if (event.type !== 'log.failed' || event.tag.of !== 'message') return;
      const { chat } = event.tag;
      enqueue.assign({ arriving: context.arriving.filter((other) => other !== chat) });
      enqueue.emit({ type: 'refuse', to: askerOf(chat), fault: event.fault });
    }),

    startNext: kit.enqueueActions(({ context, enqueue }) => {
      const [next, ...queue] = context.queue;
      if (next?.kind !== 'turn') return;
      enqueue.assign({ queue, turn: run(next.turn) });
      if (next.turn.announced) enqueue.emit({ type: 'notice', requestId: next.turn.requestId, kind: 'started', data: 'The turn has started.', details: {} });
    }),
    /** Queued turns stay in the log, and in the queue too: a Stop may still be meant for one. */
    stopWhenIdle: kit.assign(({ context }) => ({ queue: [{ kind: 'stop' }, ...context.queue.filter((next) => next.kind === 'turn')] })),

    takeStanding: kit.assign(({ event }) => {
      if (event.type !== 'xstate.done.actor.log') return {};
      const { interrupted, stopped, queue } = event.output;
      return { interrupted, stopped, queue: queue.map((turn) => ({ kind: 'turn', turn }) as const) };
    }),
    appendRecovery: kit.enqueueActions(({ context, enqueue }) => {
      for (const { requestId, reason } of context.stopped) {
        enqueue.emit(endIntent(requestId, [turnEndRow(requestId, stoppedEnd(reason))], stoppedEnd(reason)));
      }
      enqueue.assign({ stopped: [] });
      if (!context.interrupted) return;
      const { requestId } = context.interrupted;
      const { rows, end } = recoveryRows(context.interrupted, context.limits.recovery);
      enqueue.emit({ type: 'append', tag: { of: 'recovery' }, rows, ...(end ? { end: { requestId, payload: end } } : {}) });
    }),
    resumeInterrupted: kit.assign(({ context: { interrupted } }) =>
      interrupted ? { turn: { ...run(interrupted), calls: repeatedCalls(interrupted) }, interrupted: null } : {}),
    forgetInterrupted: kit.assign({ interrupted: null }),

    pinContext: kit.enqueueActions(({ context, event, enqueue }) => {
      if (event.type !== 'xstate.done.actor.context' || !context.turn) return;
      const { output } = event;
      enqueue.assign({ turn: { ...context.turn, context: output } });
      if (output.cut === 0) return;
      const data = `${output.cut} long message${output.cut === 1 ? ' was' : 's were'} cut in the middle to fit the context window.`;
      enqueue.emit({ type: 'notice', requestId: context.turn.requestId, kind: 'context_truncated', data, details: {} });
    }),
    failContext: kit.assign(({ context }) => turnWith(context, () => ({ fault: fault('internal', 'The context of the turn could not be read. Try again.', true) }))),
    ask: kit.enqueueActions(({ context, enqueue }) => {
      const { turn, limits, conversationId, owner } = context;
      if (!turn?.context) return;
      const { requestId, attempt } = turn;
      const { messages, tools } = turn.context;
      const provider = limits.providers[turn.provider] ?? '';
      enqueue.spawnChild('answer', { id: 'answer', input: { conversationId, owner, requestId, provider, attempt, messages, tools } });
      enqueue.assign({ turn: { ...turn, asking: true } });
    }),
    takeAnswer: kit.enqueueActions(({ event, enqueue }) => {
      if (event.type !== 'answer.finished' && event.type !== 'answer.failed') return;
      const { answer } = event;
      enqueue.stopChild('answer');
      enqueue.assign(({ context }) => turnWith(context, withAnswer(answer)));
    }),
    takeFault: kit.assign(({ context, event }) => (event.type === 'answer.failed' ? turnWith(context, () => ({ fault: event.fault })) : {})),
    backOff: kit.enqueueActions(({ context, event, enqueue }) => {
      if (event.type !== 'answer.failed' || !context.turn) return;
      const { turn } = context;
      const delayMs = nextBackoffMs(turn, event.retryAfterMs, event.jitter);
      const provider = context.limits.providers[turn.provider] ?? '';
      enqueue.assign({ turn: { ...turn, answer: null, attempt: turn.attempt + 1, waitedMs: turn.waitedMs + delayMs, backoffMs: delayMs } });
      const data = `${event.fault.message} Trying again in ${(delayMs / 1000).toFixed(1)} s.`;
      enqueue.emit({ type: 'notice', requestId: turn.requestId, kind: 'retrying', data, details: { delay_ms: delayMs, provider } });
    }),
    fallBack: kit.enqueueActions(({ context, event, enqueue }) => {
      if (event.type !== 'answer.failed' || !context.turn) return;
      const { turn } = context;
      const provider = context.limits.providers[turn.provider + 1] ?? '';
      enqueue.assign({ turn: { ...turn, answer: null, provider: turn.provider + 1, attempt: 0, waitedMs: 0, backoffMs: 0 } });
      const data = `${event.fault.message} Asking ${provider} instead.`;
      enqueue.emit({ type: 'notice', requestId: turn.requestId, kind: 'retrying', data, details: { delay_ms: 0, provider } });
    }),

    appendHop: kit.enqueueActions(({ context, enqueue }) => {
      if (!context.turn) return;
      const { rows, calls } = hopPlan(context.turn);
      enqueue.assign(({ context }) => turnWith(context, () => ({ calls })));
      enqueue.emit({ type: 'append', tag: { of: 'hop' }, rows });
    }),
    countHop: kit.assign(({ context }) => turnWith(context, (turn) => ({
      hops: turn.hops + 1,
      usage: addUsage(turn.usage, turn.answer?.usage ?? null),
      answer: null,
      provider: 0, attempt: 0, waitedMs: 0,
    }))),
    startCalls: kit.enqueueActions(({ context, enqueue }) => {
      const { turn, limits, conversationId, owner } = context;
      if (!turn) return;
      const free = limits.toolConcurrency - turn.calls.filter((call) => call.stage === 'running').length;
      const starting = turn.calls.filter((call) => call.stage === 'waiting').slice(0, free);
      if (starting.length === 0) return;
      for (const { callId, tool, arguments: args } of starting) {
        const input = { conversationId, owner, requestId: turn.requestId, callId, tool, arguments: args, timeoutMs: limits.toolTimeoutMs };
        enqueue.spawnChild('toolCall', { id: `call:${callId}`, input });
      }
      const calls = turn.calls.map((call) => (starting.includes(call) ? { ...call, stage: 'running' as const } : call));
      enqueue.assign({ turn: { ...turn, calls } });
    }),
    recordResult: kit.enqueueActions(({ context, event, enqueue }) => {
      if (event.type !== 'call.settled' || !context.turn) return;
      const { turn } = context;
      const { callId, result } = event;
      const call = turn.calls.find((candidate) => candidate.callId === callId);
      enqueue.stopChild(`call:${callId}`);
      if (!call) return;
      const calls = turn.calls.map((other) => (other === call ? { ...call, stage: 'settled' as const } : other));
      enqueue.assign({ turn: { ...turn, calls } });
      enqueue.emit({ type: 'append', tag: { of: 'result', callId }, rows: [resultRow(turn.requestId, { callId, name: call.tool.name }, result)] });
    }),
    markRecorded: kit.assign(({ context, event }) => {
      if (event.type !== 'log.committed' || event.tag.of !== 'result') return {};
      const { callId } = event.tag;
      return turnWith(context, (turn) => ({
        calls: turn.calls.map((call) => (call.callId === callId ? { ...call, stage: 'recorded' as const } : call)),
      }));
    }),

    replyNothingRunning: kit.enqueueActions(({ event, enqueue }) => {
      if (event.type !== 'client.cancel' || !event.by) return;
      enqueue.emit({ type: 'reply', to: event.by, result: { cancelled: [], disposition: 'nothing_running' } });
    }),
    withdraw: kit.enqueueActions(({ context, event, enqueue }) => {
      if (event.type !== 'client.cancel' || event.target === null) return;
      const { target: requestId } = event;
      enqueue.assign({
        queue: context.queue.filter((next) => next.kind !== 'turn' || next.turn.requestId !== requestId),
        arriving: [...context.arriving, event],
      });
      enqueue.emit({ type: 'append', tag: { of: 'withdrawal', requestId, cancel: event }, rows: [cancelRow(requestId, 'cancelled')] });
    }),
    endWithdrawn: kit.enqueueActions(({ context, event, enqueue }) => {
      if (event.type !== 'log.committed' || event.tag.of !== 'withdrawal') return;
      const { requestId, cancel } = event.tag;
      enqueue.assign({ arriving: context.arriving.filter((other) => other !== cancel) });
      if (cancel.by) enqueue.emit({ type: 'reply', to: cancel.by, result: { cancelled: [requestId], disposition: 'cancelled' } });
      enqueue.emit(endIntent(requestId, [turnEndRow(requestId, stoppedEnd('cancelled'))], stoppedEnd('cancelled')));
    }),
    appendCancel: kit.enqueueActions(({ context, event, enqueue }) => {
      if (event.type !== 'client.cancel' || !context.turn) return;
      const reason = event.by ? 'cancelled' : 'interrupted';
      enqueue.assign({ turn: { ...context.turn, stop: { reason, askers: event.by ? [event.by] : [], committed: false } } });
      enqueue.emit({ type: 'append', tag: { of: 'cancel' }, rows: [cancelRow(context.turn.requestId, reason)] });
    }),
    /** A second Stop is answered with the first: at once, or with its commit. */
    joinCancel: kit.enqueueActions(({ context, event, enqueue }) => {
      if (event.type !== 'client.cancel' || !event.by || !context.turn?.stop) return;
      const { turn } = context;
      const { by } = event;
      const { stop } = context.turn;
      if (stop.committed) enqueue.emit({ type: 'reply', to: by, result: { cancelled: [turn.requestId], disposition: 'cancelled' } });
      else enqueue.assign({ turn: { ...turn, stop: { ...stop, askers: [...stop.askers, by] } } });
    }),
    confirmCancel: kit.enqueueActions(({ context, enqueue }) => {
      const { turn } = context;
      if (!turn?.stop) return;
      for (const to of turn.stop.askers) enqueue.emit({ type: 'reply', to, result: { cancelled: [turn.requestId], disposition: 'cancelled' } });
      enqueue.assign({ turn: { ...turn, stop: { ...turn.stop, askers: [], committed: true } } });
    }),
    stopWork: kit.enqueueActions(({ context, enqueue }) => {
      const { turn } = context;
      if (!turn) return;
      if (turn.asking) enqueue.sendTo('answer', { type: 'answer.stop' });
      for (const call of turn.calls) if (call.stage === 'running') enqueue.sendTo(`call:${call.callId}`, { type: 'call.cancel' });
    }),

    appendEnd: kit.enqueueActions(({ context, enqueue }) => {
      if (!context.turn) return;
      const { rows, end } = endRows(context.turn, context.limits.maxToolHops);
      enqueue.emit(endIntent(context.turn.requestId, rows, end));
    }),
    forgetTurn: kit.assign({ turn: null }),
    reportFailure: kit.emit(({ event }) => ({
      type: 'failed',
      fault: event.type === 'log.failed' ? event.fault : fault('conversation_failed', 'The conversation stopped; it reopens with the next message.', true),
    })),
  },
});
