/**
 * Implements the actions of a running turn: its permit, its context, the answers of the model, and its end. Actions only
 * assign, emit, raise and send. No action can fail, and none waits.
 */
import type { ModelAnswer } from '../hop-answers.ts';
import type { RunningTurn } from '../turn-state.ts';
import { interruptActions } from './interrupts.ts';
import { taskActions } from './tasks.ts';
import { queueActions } from './queue.ts';
import { recoveryActions } from './recovery.ts';
import { conversationSetup as setup, nextBackoffMs } from '../setup.ts';
import { stopActions } from './stop.ts';
import { toolHopActions } from './tool-hop.ts';
import { endAppend, providerAt, updateTurn } from '../state-updates.ts';
import { chartFault } from '../../faults.ts';
import { emptyFault, emptyRow, emptyWords } from '../decisions/empty-answer.ts';
import { contextNotices } from '../decisions/context-notices.ts';
import { answerTimeFault, turnTimeFault } from '../decisions/longest-times.ts';
import { endRows } from '../decisions/turn-end.ts';
import { shorterBudget } from '../../context-window/request-budget.ts';
import { budgetFault, spend, usedBy } from '../../usage.ts';

const withAnswer = (answer: ModelAnswer) => (turn: RunningTurn) => ({
  asking: false,
  answer,
  model: answer.model ?? turn.model,
});

const turnActions = {
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
    for (const { kind, data } of contextNotices(before, output))
      enqueue.emit({ type: 'notice', requestId, kind, data, details: {} });
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
    ...recoveryActions,
    ...toolHopActions,
    ...turnActions,
  },
});
