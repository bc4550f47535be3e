/**
 * The real conversation chart in a world that answers only when the test says so: a log in memory
 * that commits on demand and numbers its rows, and a model, tools and a clock moved by hand.
 * Holds no expectations of its own.
 */
import { SimulatedClock, createActor, fromCallback, fromPromise } from 'xstate';
import { conversationMachine } from '../../machines/conversation/machine.ts';
import type { AnswerInput, AnswerStop, LoadContextInput } from '../../machines/conversation/setup.ts';
import type { CommitOutcome, ConversationEmitted } from '../../machines/conversation/events.ts';
import type { ModelAnswer } from '../../machines/conversation/hop-answers.ts';
import type { ConversationLimits } from '../../machines/conversation/context.ts';
import type { HopContext, RecoveredState } from '../../machines/conversation/turn-state.ts';
import type { Fault } from '../../machines/log.ts';
import type { ServerAnswer } from '../../machines/conversation/question-types.ts';
import type {
  CallAbort,
  CallAnswered,
  CallEnded,
  CallSuspended,
  CallServerRequest,
  ToolCallInput,
} from '../../machines/tool-call.ts';
import { toolCallMachine } from '../../machines/tool-call.ts';
import { createMemoryLog } from './machine-log.ts';
import type { Intent, MemoryLog } from './machine-log.ts';
import { answer, brokenDisk, hopContext, limits, nothingOpen, providerDown } from './machine-values.ts';

export interface AskedAnswer {
  input: AnswerInput;
  /** False once its actor has been stopped. */
  open: boolean;
  /** True once the chart has told the stream to stop. */
  stopped: boolean;
  finish(changes?: Partial<ModelAnswer>): void;
  fail(changes?: { text?: string; fault?: Fault; retryAfterMs?: number | null; jitter?: number }): void;
}

export interface AskedCall {
  input: ToolCallInput;
  open: boolean;
  aborted: boolean;
  /** Answers of people that it got. */
  told: ServerAnswer[];
  /** Its server asks people. */
  asks(event: CallServerRequest | CallSuspended): void;
  end(changes?: Partial<CallEnded>): void;
}

export interface WorldOptions {
  limits?: Partial<ConversationLimits>;
  /** What the log says at activation; `never`: its reading does not end by itself. */
  standing?: RecoveredState | 'never';
  log?: MemoryLog;
  /** There is no permit for a turn until the test grants it. */
  crowded?: boolean;
  /** The actor behind an answer has a fault of ours. */
  modelThrows?: boolean;
}

export type World = Awaited<ReturnType<typeof startWorld>>;

/** Promises of the world that have settled are heard by the chart after this. */
export const heard = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Kills a world where it stands and opens its log again; what was not committed is lost. */
export const reopen = ({ log }: World, options: WorldOptions = {}) =>
  startWorld({ log, standing: log.standing(), ...options });

export async function startWorld(options: WorldOptions = {}) {
  const emitted: ConversationEmitted[] = [];
  const waiting: Intent[] = [];
  const answers: AskedAnswer[] = [];
  const calls: AskedCall[] = [];
  const ends: unknown[] = [];
  /** What each context might hold, in the order in which they were asked for; null: as much as ever. */
  const budgets: (number | null)[] = [];
  const log = options.log ?? createMemoryLog();
  const reading = Promise.withResolvers<RecoveredState>();
  let loading = Promise.withResolvers<HopContext>();
  let looked = 0;
  let grant = () => {};

  const callTool = fromCallback<CallAbort | CallAnswered, ToolCallInput>(({ input, sendBack, receive }) => {
    const call: AskedCall = {
      input,
      open: true,
      aborted: false,
      end: (changes) =>
        sendBack({ type: 'call.ended', status: 'ok', text: 'done', content: null, durationMs: 5, ...changes }),
      asks: sendBack,
      told: [],
    };
    calls.push(call);
    receive((order) => {
      if (order.type === 'call.abort') call.aborted = true;
      else call.told.push(order.answer);
    });
    return () => (call.open = false);
  });
  const askModel = fromCallback<AnswerStop, AnswerInput>(({ input, sendBack, receive }) => {
    if (options.modelThrows) throw new Error('no model');
    const asked: AskedAnswer = {
      input,
      open: true,
      stopped: false,
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
    receive(() => (asked.stopped = true));
    return () => (asked.open = false);
  });
  const machine = conversationMachine.provide({
    actors: {
      permit: fromCallback(({ sendBack }) => {
        grant = () => sendBack({ type: 'permit.granted' });
        if (options.crowded) sendBack({ type: 'permit.awaited', ahead: 2 });
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
    if (event.type === 'append' || event.type === 'remove') waiting.push(event);
  });
  actor.start();
  if (options.standing !== 'never') {
    reading.resolve(options.standing ?? nothingOpen);
    await heard();
  }

  const next = () => {
    const intent = waiting.shift();
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
    /** Appends whose commit is under way, oldest first. */
    waiting,
    /** How the actor ended: `ended`, or the error that it died of. Empty while it lives. */
    ends,
    emitted,
    send: actor.send.bind(actor),
    /** The active states as a path. */
    state: () => pathOf(actor.getSnapshot().value),
    context: () => actor.getSnapshot().context,
    /** What was emitted since the last look. */
    news() {
      const fresh = emitted.slice(looked);
      looked = emitted.length;
      return fresh;
    },
    /** Commits the oldest append. */
    commit,
    commitAll() {
      while (waiting.length > 0) commit();
    },
    failCommit(fault: Fault = brokenDisk) {
      const intent = next();
      actor.send({ type: 'log.failed', tag: intent.type === 'remove' ? { of: 'removal' } : intent.tag, fault });
    },
    /** Gives the permit that the turn waits for. */
    grant: () => grant(),
    async readLog(standing: RecoveredState = nothingOpen) {
      reading.resolve(standing);
      await heard();
    },
    async failLog() {
      reading.reject(new Error('the disk says no'));
      await heard();
    },
    async loadContext(changes?: Partial<HopContext>) {
      loading.resolve({ ...hopContext, ...changes });
      await heard();
    },
    async failContext() {
      loading.reject(new Error('the disk says no'));
      await heard();
    },
    /** The answer that is being written now. */
    answering: () => answers.at(-1) ?? fail('the model was not asked'),
    /** The latest call of that tool. */
    calling: (name: string) =>
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
