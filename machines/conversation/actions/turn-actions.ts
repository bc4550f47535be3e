/**
 * Implements the actions of a running turn: context, answers, tool hops, its end, and the resumption of an interrupted
 * turn. Actions only assign, emit, raise and send. No action can fail, and none waits.
 */
import type { ModelAnswer } from '../hop-answers.ts';
import type { OpenCall, RunningTurn } from '../turn-state.ts';
import { withEdit } from '../rows/approval-rows.ts';
import { interruptActions } from './interrupts.ts';
import { taskActions } from './tasks.ts';
import { queueActions } from './queue.ts';
import { conversationSetup as setup, nextBackoffMs } from '../setup.ts';
import { stopActions } from './stop.ts';
import { endAppend, providerAt, newRunningTurn, startedNotice, updateTurn, waitingUpdate } from '../state-updates.ts';
import { chartFault } from '../../faults.ts';
import { hopPlan } from '../decisions/hop-plan.ts';
import { closedQuestion } from '../decisions/question-plan.ts';
import { emptyFault, emptyRow, emptyWords } from '../decisions/empty-answer.ts';
import { tasksOfEndedTurn } from '../decisions/abandoned-tasks.ts';
import { callsToResume, onlyWaits, recoveryRows } from '../decisions/recovery.ts';
import { contextNotices } from '../decisions/context-notices.ts';
import { answerTimeFault, turnTimeFault } from '../decisions/longest-times.ts';
import { endRows, stoppedEnd, turnEndRow } from '../decisions/turn-end.ts';
import { dispatchRow, resultRow } from '../rows/turn-rows.ts';
import { shorterBudget } from '../../context-window/request-budget.ts';
import { budgetFault, spend, usedBy } from '../../usage.ts';

const withAnswer = (answer: ModelAnswer) => (turn: RunningTurn) => ({
  asking: false,
  answer,
  model: answer.model ?? turn.model,
});

const turnActions = {
  restoreState: setup.assign(({ event }) => {
    if (event.type !== 'xstate.done.actor.log') return {};
    const { interrupted, stopped, queue, remembered, spent } = event.output;
    return { interrupted, stopped, queue: queue.map((turn) => ({ kind: 'turn', turn }) as const), remembered, spent };
  }),
  appendRecovery: setup.enqueueActions(({ context, enqueue }) => {
    for (const { requestId, reason } of context.stopped) {
      enqueue.emit(endAppend(requestId, [turnEndRow(requestId, stoppedEnd(reason))], stoppedEnd(reason)));
    }
    enqueue.assign({ stopped: [] });
    if (!context.interrupted || onlyWaits(context.interrupted)) return;
    const { requestId } = context.interrupted;
    const { rows, end } = recoveryRows(context.interrupted, context.limits.recovery);
    const news = end
      ? { end: { requestId, payload: end } }
      : waitingUpdate(requestId, callsToResume(context.interrupted));
    enqueue.emit({ type: 'append', tag: { of: 'recovery' }, rows, ...news });
  }),
  resumeInterrupted: setup.enqueueActions(({ context: { interrupted }, enqueue }) => {
    if (!interrupted) return;
    enqueue.assign({ turn: { ...newRunningTurn(interrupted), calls: callsToResume(interrupted) }, interrupted: null });
    if (!interrupted.begun) enqueue.emit(startedNotice(interrupted.requestId));
  }),
  forgetInterrupted: setup.enqueueActions(({ context: { interrupted }, enqueue }) => {
    if (interrupted) for (const task of tasksOfEndedTurn(interrupted)) enqueue.emit(task);
    enqueue.assign({ interrupted: null });
  }),
  noticeQueued: setup.enqueueActions(({ context, event, enqueue }) => {
    if (event.type !== 'permit.awaited' || !context.turn) return;
    const data = `The server runs as many turns as its limit allows. This turn is number ${event.ahead} in the queue.`;
    enqueue.emit({
      type: 'notice',
      requestId: context.turn.requestId,
      kind: 'queued_for_turn',
      data,
      details: { position: event.ahead },
    });
  }),
  returnPermit: setup.emit({ type: 'permit.returned' }),
  pinContext: setup.enqueueActions(({ context, event, enqueue }) => {
    if (event.type !== 'xstate.done.actor.context' || !context.turn) return;
    const { output } = event;
    const { requestId, context: before } = context.turn;
    enqueue.assign({ turn: { ...context.turn, context: output } });
    for (const notice of contextNotices(before, output)) enqueue.emit({ type: 'notice', requestId, ...notice });
  }),
  failContext: setup.assign(({ context }) =>
    updateTurn(context, () => ({
      fault: chartFault('internal', 'The context of the turn could not be read. Try again.'),
    })),
  ),
  failBudget: setup.assign(({ context }) =>
    updateTurn(context, (turn) => ({ fault: budgetFault(context.limits.budgets, turn.used, context.spent) })),
  ),
  /** Begins again when people have responded, because a turn that waits for them holds no permit. */
  startTurnTime: setup.raise({ type: 'turn.overdue' }, { id: 'turnTime', delay: 'longestTurn' }),
  stopTurnTime: setup.cancel('turnTime'),
  failTurnTime: setup.assign(({ context }) =>
    updateTurn(context, () => ({ fault: turnTimeFault(context.limits.maxTurnMs) })),
  ),
  failAnswerTime: setup.assign(({ context }) =>
    updateTurn(context, ({ provider }) => ({
      fault: answerTimeFault(context.limits.maxAnswerMs, providerAt(context.limits, provider)),
    })),
  ),
  ask: setup.enqueueActions(({ context, enqueue }) => {
    const { turn, limits, conversationId, owner } = context;
    if (!turn?.context) return;
    const { requestId } = turn;
    const { messages, tokens: contextTokens, sizes, model, tools } = turn.context;
    const provider = providerAt(limits, turn.provider);
    enqueue.spawnChild('answer', {
      id: 'answer',
      input: { conversationId, owner, requestId, provider, model, messages, contextTokens, sizes, tools },
    });
    enqueue.assign({ turn: { ...turn, asking: true } });
  }),
  takeAnswer: setup.enqueueActions(({ event, enqueue }) => {
    if (event.type !== 'answer.finished' && event.type !== 'answer.failed') return;
    const { answer } = event;
    enqueue.stopChild('answer');
    enqueue.assign(({ context }) => ({
      ...updateTurn(context, withAnswer(answer)),
      spent: spend(context.spent, answer),
    }));
  }),
  takeFault: setup.assign(({ context, event }) =>
    event.type === 'answer.failed' ? updateTurn(context, () => ({ fault: event.fault })) : {},
  ),
  failEmpty: setup.assign(({ context, event }) =>
    event.type === 'answer.finished'
      ? updateTurn(context, ({ provider }) => ({
          fault: emptyFault(providerAt(context.limits, provider), event.answer),
        }))
      : {},
  ),
  appendEmptyAnswer: setup.enqueueActions(({ context: { turn }, enqueue }) => {
    if (!turn?.answer) return;
    enqueue.emit({ type: 'append', tag: { of: 'emptyAnswer' }, rows: [emptyRow(turn, turn.answer)] });
  }),
  countEmptyAnswer: setup.enqueueActions(({ context, enqueue }) => {
    const { turn } = context;
    if (!turn?.answer) return;
    enqueue.assign({
      turn: { ...turn, used: usedBy(turn), emptyAnswers: turn.emptyAnswers + 1, answer: null },
    });
    enqueue.emit({
      type: 'notice',
      requestId: turn.requestId,
      kind: 'retrying',
      data: `The model sent ${emptyWords(turn.answer)} instead of an answer. Asking it once more.`,
      details: { delay_ms: 0, provider: providerAt(context.limits, turn.provider) },
    });
  }),
  backOff: setup.enqueueActions(({ context, event, enqueue }) => {
    if (event.type !== 'answer.failed' || !context.turn) return;
    const { turn } = context;
    const delayMs = nextBackoffMs(turn, event.retryAfterMs, event.jitter);
    const provider = providerAt(context.limits, turn.provider);
    enqueue.assign({
      turn: { ...turn, answer: null, attempt: turn.attempt + 1, waitedMs: turn.waitedMs + delayMs, backoffMs: delayMs },
    });
    const data = `${event.fault.message} Trying again in ${(delayMs / 1000).toFixed(1)} s.`;
    enqueue.emit({
      type: 'notice',
      requestId: turn.requestId,
      kind: 'retrying',
      data,
      details: { delay_ms: delayMs, provider },
    });
  }),
  /** Asks again with a request that fits the limit that the provider has named, else with half of it. */
  shorten: setup.enqueueActions(({ context, event, enqueue }) => {
    if (event.type !== 'answer.failed' || !context.turn?.context) return;
    const { turn } = context;
    const { tokens, sizes } = context.turn.context;
    const { tokens: budgetTokens, isHalf } = shorterBudget(tokens + sizes.tools.tokens, event.fault.data);
    const provider = providerAt(context.limits, turn.provider);
    enqueue.assign({ turn: { ...turn, answer: null, shorter: { budgetTokens, hop: turn.hops } } });
    const part = isHalf ? 'half of the context' : 'as much of the context as the model takes';
    const data = `${event.fault.message} Asking again with ${part}.`;
    enqueue.emit({
      type: 'notice',
      requestId: turn.requestId,
      kind: 'retrying',
      data,
      details: { delay_ms: 0, provider },
    });
  }),
  fallBack: setup.enqueueActions(({ context, event, enqueue }) => {
    if (event.type !== 'answer.failed' || !context.turn) return;
    const { turn } = context;
    const provider = providerAt(context.limits, turn.provider + 1);
    enqueue.assign({
      turn: {
        ...turn,
        answer: null,
        provider: turn.provider + 1,
        attempt: 0,
        waitedMs: 0,
        backoffMs: 0,
        shorter: null,
      },
    });
    const data = `${event.fault.message} Asking ${provider} instead.`;
    enqueue.emit({
      type: 'notice',
      requestId: turn.requestId,
      kind: 'retrying',
      data,
      details: { delay_ms: 0, provider },
    });
  }),
  appendHop: setup.enqueueActions(({ context, enqueue }) => {
    if (!context.turn) return;
    const { rows, calls } = hopPlan(context.turn, context.limits.approvalTimeoutMs, context.remembered);
    enqueue.assign(({ context }) => updateTurn(context, () => ({ calls })));
    enqueue.emit({ type: 'append', tag: { of: 'hop' }, rows, ...waitingUpdate(context.turn.requestId, calls) });
  }),
  countHop: setup.assign(({ context }) =>
    updateTurn(context, (turn) => ({
      hops: turn.hops + 1,
      used: usedBy(turn),
      answer: null,
      provider: 0,
      attempt: 0,
      emptyAnswers: 0,
      waitedMs: 0,
    })),
  ),
  startCalls: setup.enqueueActions(({ context, enqueue }) => {
    const { turn, limits, conversationId, owner } = context;
    if (!turn || turn.fault) return;
    const free = limits.toolConcurrency - turn.calls.filter((call) => call.stage === 'running').length;
    const starting = turn.calls.filter((call) => call.stage === 'ready').slice(0, free);
    if (starting.length === 0) return;
    const { toolTimeoutMs, toolMaxTimeoutMs: maxTimeoutMs, approvalTimeoutMs: answerTimeoutMs } = limits;
    const { toolTaskTimeoutMs: taskTimeoutMs } = limits;
    for (const { callId, tool, arguments: args, edited, resume } of starting) {
      const input = {
        conversationId,
        owner,
        requestId: turn.requestId,
        callId,
        tool,
        arguments: edited ?? args,
        resume,
        timeoutMs: tool.timeoutMs ?? toolTimeoutMs,
        maxTimeoutMs,
        taskTimeoutMs,
        answerTimeoutMs,
      };
      enqueue.spawnChild('toolCall', { id: `call:${callId}`, input });
    }
    const calls = turn.calls.map((call) => (starting.includes(call) ? { ...call, stage: 'running' as const } : call));
    enqueue.assign({ turn: { ...turn, calls } });
  }),
  recordResult: setup.enqueueActions(({ context, event, enqueue }) => {
    if (event.type !== 'call.settled' || !context.turn) return;
    const { turn } = context;
    const { callId, result } = event;
    const call = turn.calls.find((candidate) => candidate.callId === callId);
    enqueue.stopChild(`call:${callId}`);
    if (!call) return;
    const calls = turn.calls.map((other) =>
      other === call ? { ...call, question: null, stage: 'settled' as const } : other,
    );
    enqueue.assign({ turn: { ...turn, calls } });
    const closed = closedQuestion(turn.requestId, call, result.status === 'timed_out' ? 'expired' : 'cancelled');
    const rows = [
      ...closed,
      resultRow(turn.requestId, { callId, name: call.tool.name }, withEdit(result, call.edited)),
    ];
    enqueue.emit({ type: 'append', tag: { of: 'result', callId }, rows, ...waitingUpdate(turn.requestId, calls) });
  }),
  /** Repeats an idempotent call whose connection was lost, once. Like every dispatch, the repeat is a row first. */
  repeatCall: setup.enqueueActions(({ context, event, enqueue }) => {
    if (event.type !== 'call.settled' || !context.turn) return;
    const { turn } = context;
    const { callId } = event;
    enqueue.stopChild(`call:${callId}`);
    const call = turn.calls.find((candidate) => candidate.callId === callId);
    if (!call) return;
    const repeated: OpenCall = { ...call, attempt: 2, question: null, stage: 'repeating' };
    enqueue.assign({ turn: { ...turn, calls: turn.calls.map((other) => (other === call ? repeated : other)) } });
    const rows = [...closedQuestion(turn.requestId, call, 'cancelled'), dispatchRow(turn.requestId, repeated)];
    enqueue.emit({ type: 'append', tag: { of: 'repeat', callId }, rows });
  }),
  readyRepeat: setup.assign(({ context, event }) => {
    if (event.type !== 'log.committed' || event.tag.of !== 'repeat') return {};
    const { callId } = event.tag;
    return updateTurn(context, (turn) => ({
      calls: turn.calls.map((call) => (call.callId === callId ? { ...call, stage: 'ready' as const } : call)),
    }));
  }),
  markRecorded: setup.assign(({ context, event }) => {
    if (event.type !== 'log.committed' || event.tag.of !== 'result') return {};
    const { callId } = event.tag;
    return updateTurn(context, (turn) => ({
      calls: turn.calls.map((call) => (call.callId === callId ? { ...call, stage: 'recorded' as const } : call)),
    }));
  }),
  appendEnd: setup.enqueueActions(({ context, enqueue }) => {
    if (!context.turn) return;
    const { rows, end } = endRows(context.turn, context.limits.maxToolHops);
    enqueue.emit(endAppend(context.turn.requestId, rows, end));
  }),
  forgetTurn: setup.assign({ turn: null }),
  reportFailure: setup.emit(({ event }) => ({
    type: 'failed',
    fault:
      event.type === 'log.failed'
        ? event.fault
        : chartFault('conversation_failed', 'The conversation stopped; it reopens with the next message.'),
  })),
};

/** The setup of the chart with every action by name. */
export const conversation = setup.extend({
  actions: {
    ...queueActions,
    ...stopActions,
    ...interruptActions,
    ...taskActions,
    ...turnActions,
  },
});
