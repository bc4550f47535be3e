/**
 * Starts a conversation actor, runs its effects and reports its state. `onEnd` is called once, for an end or a crash,
 * with the requests that still need an answer. An error here never reaches another conversation.
 */
import { createActor, waitFor, type AnyActorRef, type SnapshotFrom } from 'xstate';
import { awaitsPerson } from '../../machines/conversation/rows/approval-rows.ts';
import type { Requester, ClientEvent } from '../../machines/conversation/client-events.ts';
import type { InternalEvent } from '../../machines/conversation/events.ts';
import type { ConversationInput } from '../../machines/conversation/context.ts';
import type { conversationMachine } from '../../machines/conversation/machine.ts';
import type { ConversationRef } from '../conversation-ref.ts';
import type { Delivery } from '../delivery/port.ts';
import type { ConversationState } from '../protocol/frames.ts';
import type { TurnReport } from '../observability/turn-report.ts';
import { patientClock } from '../patient-timer.ts';
import { createEffectRunner, type EffectDeps } from './effects.ts';
import { createJournal, type JournalDeps } from './journal.ts';
import type { LogCache } from './log-cache.ts';

/** Events that the registry sends to a conversation. */
export type SupervisorEvent = Extract<
  InternalEvent,
  { type: 'conversation.passivate' | 'conversation.drain' | 'conversation.halt' | 'conversation.expire' }
>;

/**
 * The registry's handle of one running actor. Events sent after its end are dropped. `onEnd` was called by then, and the
 * registry opens a new actor for the next frame.
 */
export interface LiveConversation {
  send(event: ClientEvent | SupervisorEvent): void;
  /** True if it is idle or waits only for people. It may then leave memory. */
  isIdle(): boolean;
  /** Resolves when it is idle or has ended. */
  whenIdle(): Promise<void>;
  /** The state of the chart, and the request id of the running turn. */
  state(): { state: ConversationState; running: string | null };
  readonly ref: ConversationRef;
  /** Requests without an answer so far. */
  readonly unanswered: Iterable<Requester>;
  /** For the inspector only. Events go through `send`. */
  readonly actor: AnyActorRef;
  /** Time of its last event or effect, in ms of `performance.now()`. */
  readonly lastActiveMs: number;
}

/** Dependencies that all conversations share. */
export interface LiveConversationDeps extends JournalDeps, EffectDeps {
  machine: typeof conversationMachine;
  delivery: JournalDeps['delivery'] & EffectDeps['delivery'] & Pick<Delivery, 'watchesState' | 'state'>;
  store: JournalDeps['store'] & EffectDeps['store'];
  turnReport: JournalDeps['turnReport'] & EffectDeps['turnReport'] & Pick<TurnReport, 'forget'>;
  logCache: JournalDeps['logCache'] & Pick<LogCache, 'forget'>;
  /** Called right before an actor starts. */
  onStart(ref: ConversationRef, actor: AnyActorRef): void;
}

/** `onEnd` gets null if the actor ended normally, else the error; and the requests without an answer. */
export function startConversation(
  input: ConversationInput,
  deps: LiveConversationDeps,
  onEnd: (error: unknown, unanswered: readonly Requester[]) => void,
): LiveConversation {
  const { delivery, turnReport, logCache } = deps;
  const ref = { owner: input.owner, conversationId: input.conversationId };
  const actor = createActor(deps.machine, { id: ref.conversationId, input, clock: patientClock });
  let lastActiveMs = performance.now();
  let failure: unknown = null;
  /** Bounded by the limits of the chart's queues. */
  const unanswered = new Set<Requester>();
  const answered = ({ session, requestId }: Requester) => {
    for (const asker of unanswered)
      if (asker.session === session && asker.requestId === requestId) unanswered.delete(asker);
  };
  /** Fails this conversation alone. Deferred, because the actor may be in the middle of a transition. */
  const fail = (error: unknown) => {
    failure ??= error;
    queueMicrotask(() => actor.send({ type: 'conversation.fail' }));
  };
  const journal = createJournal(ref, deps, { send: (event) => actor.send(event), fail });
  const runEffect = createEffectRunner(ref, deps, journal, { answered, failed: (why) => void (failure ??= why) });

  const end = (error: unknown) => {
    if (error !== null) stopChildren();
    deps.permits.release(ref);
    turnReport.forget(ref);
    logCache.forget(ref);
    onEnd(error, [...unanswered]);
  };
  /** Stops the children of an actor that threw. XState leaves them running. */
  const stopChildren = () => {
    for (const [id, child] of Object.entries(actor.getSnapshot().children))
      child?.send({ type: id === 'answer' ? 'answer.stop' : 'call.cancel' });
  };
  const sendState = (snapshot: Snapshot) => {
    if (delivery.watchesState(ref)) delivery.state(ref, stateOf(snapshot).state);
  };
  /** Catches errors of listeners. Otherwise one error would end the process. */
  const guarded = (work: () => void) => {
    try {
      work();
    } catch (error) {
      fail(error);
    }
  };
  actor.subscribe({ next: (snapshot) => guarded(() => sendState(snapshot)), error: end, complete: () => end(failure) });
  actor.on('*', (emitted) => {
    lastActiveMs = performance.now();
    guarded(() => runEffect(emitted));
  });
  deps.onStart(ref, actor);
  actor.start();

  return {
    ref,
    actor,
    unanswered,
    send(event) {
      lastActiveMs = performance.now();
      if (event.type === 'client.chat') unanswered.add(event);
      else if ('by' in event && event.by) unanswered.add(event.by);
      actor.send(event);
    },
    state: () => stateOf(actor.getSnapshot()),
    whenIdle: () =>
      waitFor(actor, (snapshot) => mayLeaveMemory(snapshot) || snapshot.status !== 'active').then(
        () => undefined,
        // It ended during the wait. `onEnd` has reported the reason.
        () => undefined,
      ),
    isIdle: () => mayLeaveMemory(actor.getSnapshot()),
    get lastActiveMs() {
      return lastActiveMs;
    },
  };
}

type Snapshot = SnapshotFrom<typeof conversationMachine>;

function mayLeaveMemory(snapshot: Snapshot): boolean {
  return snapshot.matches('idle') || snapshot.matches({ turn: { toolHop: 'waiting' } });
}

/** The dotted state value, and the legal actions: the chart's tags, and `respond` while an interrupt is open. */
function stateOf(snapshot: Snapshot): { state: ConversationState; running: string | null } {
  const { turn } = snapshot.context;
  const asks = turn?.calls.some(awaitsPerson) ? ['respond'] : [];
  const state = { value: dotted(snapshot.value), hop: turn?.hops ?? 0, can: [...snapshot.tags, ...asks].sort() };
  return { state, running: turn?.requestId ?? null };
}

function dotted(value: object | string): string {
  if (typeof value === 'string') return value;
  return Object.entries(value)
    .map(([state, below]) => `${state}.${dotted(below)}`)
    .join();
}
