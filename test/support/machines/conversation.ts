/**
 * Runs the real conversation chart in a world that the test controls: an in-memory log that commits on demand, and a
 * model, tools and a clock that act on command. It asserts nothing itself.
 */
import { SimulatedClock, createActor, fromCallback, fromPromise } from 'xstate';
import { conversationMachine } from '../../../machines/conversation/machine.ts';
import type { AnswerInput, AnswerStop, LoadContextInput } from '../../../machines/conversation/setup.ts';
import type { CommitOutcome, ConversationEmitted } from '../../../machines/conversation/events.ts';
import type { ModelAnswer } from '../../../machines/conversation/hop-answers.ts';
import type { ConversationLimits } from '../../../machines/conversation/context.ts';
import type { HopContext, RecoveredState } from '../../../machines/conversation/turn-state.ts';
import type { Fault } from '../../../machines/log.ts';
import type { ServerAnswer } from '../../../machines/conversation/question-types.ts';
import type {
  CallAbort,
  CallAnswered,
  CallTask,
  CallTaskStored,
  CallEnded,
  CallSuspended,
  CallServerRequest,
  ToolCallInput,
} from '../../../machines/tool-call-types.ts';
import { toolCallMachine } from '../../../machines/tool-call.ts';
import { createMemoryLog } from './log.ts';
import type { LogIntent, MemoryLog } from './log.ts';
import { answer, brokenDisk, hopContext, limits, nothingOpen, providerDown } from './values.ts';

export interface StartedAnswer {
  input: AnswerInput;
  /** False once its actor has been stopped. */
  open: boolean;
  /** True once the chart has aborted the stream. */
  aborted: boolean;
  finish(changes?: Partial<ModelAnswer>): void;
  fail(changes?: { text?: string; fault?: Fault; retryAfterMs?: number | null; jitter?: number }): void;
}

export interface StartedCall {
  input: ToolCallInput;
  open: boolean;
  aborted: boolean;
  /** Answers of users that the call received. */
  answers: ServerAnswer[];
  /** The MCP server asks the user, or suspends the call. */
  ask(event: CallServerRequest | CallSuspended | CallTask): void;
  /** True once its chart has let it wait for a task. */
  followsTask: boolean;
  end(changes?: Partial<CallEnded>): void;
}

export interface WorldOptions {
  limits?: Partial<ConversationLimits>;
  /** The state that the log gives at activation; `never`: reading the log does not end by itself. */
  recovered?: RecoveredState | 'never';
  log?: MemoryLog;
  /** The turn gets no permit until the test grants it. */
  withoutPermit?: boolean;
  /** The actor that asks the model throws. */
  modelThrows?: boolean;
}

export type World = Awaited<ReturnType<typeof startWorld>>;

/** Resolves after the chart has received the results of all settled promises. */
export const promisesSettled = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Drops a world as a crash does and opens its log again; uncommitted appends are lost. */
export const reopen = ({ log }: World, options: WorldOptions = {}) =>
  startWorld({ log, recovered: log.recovered(), ...options });

export async function startWorld(options: WorldOptions = {}) {
  const emitted: ConversationEmitted[] = [];
  const pending: LogIntent[] = [];
  const answers: StartedAnswer[] = [];
  const calls: StartedCall[] = [];
  const ends: unknown[] = [];
  /** The token budget of each requested context, in order; null means the usual budget. */
  const budgets: (number | null)[] = [];
  const log = options.log ?? createMemoryLog();
  const reading = Promise.withResolvers<RecoveredState>();
  let loading = Promise.withResolvers<HopContext>();
  let looked = 0;
  let grant = () => {};

  const callTool = fromCallback<CallAbort | CallAnswered | CallTaskStored, ToolCallInput>(
    ({ input, sendBack, receive }) => {
      const call: StartedCall = {
        input,
        open: true,
        aborted: false,
        end: (changes) =>
          sendBack({ type: 'call.ended', status: 'ok', text: 'done', content: null, durationMs: 5, ...changes }),
        ask: sendBack,
        answers: [],
        followsTask: false,
      };
      calls.push(call);
      receive((order) => {
        if (order.type === 'call.abort') call.aborted = true;
        else if (order.type === 'call.taskStored') call.followsTask = true;
        else call.answers.push(order.answer);
      });
      return () => (call.open = false);
    },
  );
  const askModel = fromCallback<AnswerStop, AnswerInput>(({ input, sendBack, receive }) => {
    if (options.modelThrows) throw new Error('no model');
    const asked: StartedAnswer = {
      input,
      open: true,
      aborted: false,
      finish: (changes) => sendBack({ type: 'answer.finished', answer: answer(changes) }),
      fail: ({ text = '', fault = providerDown, retryAfterMs = null, jitter = 1 } = {}) =>
        sendBack({
          type: 'answer.failed',
          answer: answer({ text, finishReason: 'failed', usage: null, model: null }),
          fault,
          retryAfterMs,
          jitter,
        }),
    };
    answers.push(asked);
    receive(() => (asked.aborted = true));
    return () => (asked.open = false);
  });
  const machine = conversationMachine.provide({
    actors: {
      permit: fromCallback(({ sendBack }) => {
        grant = () => sendBack({ type: 'permit.granted' });
        if (options.withoutPermit) sendBack({ type: 'permit.awaited', ahead: 2 });
        else grant();
      }),
      readLog: fromPromise(() => reading.promise),
      loadContext: fromPromise(({ input }: { input: LoadContextInput }) => {
        budgets.push(input.budgetTokens);
        loading = Promise.withResolvers<HopContext>();
        return loading.promise;
      }),
      answer: askModel,
      toolCall: toolCallMachine.provide({ actors: { callTool } }),
    },
  });
  const clock = new SimulatedClock();
  const actor = createActor(machine, {
    clock,
    input: { conversationId: 'c1', owner: 'me', limits: { ...limits, ...options.limits } },
  });
  actor.subscribe({ error: (error) => ends.push(error), complete: () => ends.push('ended') });
  actor.on('*', (event) => {
    emitted.push(event);
    if (event.type === 'append' || event.type === 'remove') pending.push(event);
  });
  actor.start();
  if (options.recovered !== 'never') {
    reading.resolve(options.recovered ?? nothingOpen);
    await promisesSettled();
  }

  const next = () => {
    const intent = pending.shift();
    if (!intent) throw new Error(`nothing waits to be committed in ${JSON.stringify(actor.getSnapshot().value)}`);
    return intent;
  };
  const commit = (outcome?: CommitOutcome) => {
    const intent = next();
    if (intent.type === 'remove') {
      log.remove();
      actor.send({ type: 'log.removed' });
    } else actor.send({ type: 'log.committed', tag: intent.tag, outcome: outcome ?? log.append(intent) });
  };

  return {
    actor,
    clock,
    log,
    answers,
    budgets,
    calls,
    /** Appends and removals that are not committed yet, oldest first. */
    pending,
    /** How the actor ended: `ended`, or the error that it threw. Empty while it runs. */
    ends,
    emitted,
    send: actor.send.bind(actor),
    /** The active states as a path. */
    state: () => pathOf(actor.getSnapshot().value),
    context: () => actor.getSnapshot().context,
    /** The events emitted since the last call. */
    newEvents() {
      const fresh = emitted.slice(looked);
      looked = emitted.length;
      return fresh;
    },
    /** Commits the oldest append. */
    commit,
    commitAll() {
      while (pending.length > 0) commit();
    },
    failCommit(fault: Fault = brokenDisk) {
      const intent = next();
      actor.send({ type: 'log.failed', tag: intent.type === 'remove' ? { of: 'removal' } : intent.tag, fault });
    },
    /** Grants the permit that the turn waits for. */
    grant: () => grant(),
    async readLog(standing: RecoveredState = nothingOpen) {
      reading.resolve(standing);
      await promisesSettled();
    },
    async failLog() {
      reading.reject(new Error('the disk says no'));
      await promisesSettled();
    },
    async loadContext(changes?: Partial<HopContext>) {
      loading.resolve({ ...hopContext, ...changes });
      await promisesSettled();
    },
    async failContext() {
      loading.reject(new Error('the disk says no'));
      await promisesSettled();
    },
    /** The answer that is being streamed. Throws if there is none. */
    currentAnswer: () => answers.at(-1) ?? fail('the model was not asked'),
    /** The latest call of that tool. Throws if there is none. */
    latestCall: (name: string) =>
      calls.findLast((call) => call.input.tool.name === name) ?? fail(`${name} was not called`),
  };
}

function fail(message: string): never {
  throw new Error(message);
}

function pathOf(value: unknown): string {
  if (typeof value === 'string') return value;
  const [entry] = Object.entries(value ?? {});
  return entry ? `${entry[0]}.${pathOf(entry[1])}` : '';
}
