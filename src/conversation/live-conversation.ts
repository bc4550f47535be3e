/**
 * A conversation actor at work: starts it, hands on what it emits, and knows where it stands. A crash or an end is
 * told once, to `onEnd`; nothing thrown here reaches another conversation, and nobody who asked is left without an
 * answer.
 */
import { createActor, waitFor, type AnyActorRef, type SnapshotFrom } from 'xstate';
import { awaitsPerson } from '../../machines/conversation/rows/approval.ts';
import type { Requester, ClientEvent } from '../../machines/conversation/client-events.ts';
import type { InternalEvent } from '../../machines/conversation/events.ts';
import type { ConversationInput } from '../../machines/conversation/context.ts';
import type { conversationMachine } from '../../machines/conversation/machine.ts';
import type { ConversationRef } from '../conversation-ref.ts';
import type { Delivery } from '../outbox/port.ts';
import type { ConversationState } from '../protocol/frames.ts';
import type { TurnReport } from '../observability/turn-report.ts';
import { createEffectRunner, type EffectDeps } from './carrier.ts';
import { createJournal, type JournalDeps } from './journal.ts';
import type { LogCache } from './warm-logs.ts';

/** What the registry tells a conversation. */
export type SupervisorEvent = Extract<
  InternalEvent,
  { type: 'conversation.passivate' | 'conversation.drain' | 'conversation.halt' | 'conversation.expire' }
>;

/**
 * The registry's hold on one running actor. Events sent after its end are dropped; `onEnd` has told the
 * registry by then, which opens a new one for the next frame.
 */
export interface LiveConversation {
  send(event: ClientEvent | SupervisorEvent): void;
  /** Idle, or waiting for nobody but people: it may leave memory. */
  isIdle(): boolean;
  /** Resolves when it rests, or has ended. */
  whenIdle(): Promise<void>;
  /** Where the chart stands, and the turn that runs. */
  state(): { state: ConversationState; running: string | null };
  readonly ref: ConversationRef;
  /** Requests that it has not answered yet. */
  readonly unanswered: Iterable<Requester>;
  /** For those who look on; whoever has something to say says it with `send`. */
  readonly actor: AnyActorRef;
  /** When it was last spoken to or spoke, in ms of `performance.now()`. */
  readonly lastActiveMs: number;
}

/** The same for all conversations. */
export interface LiveConversationDeps extends JournalDeps, EffectDeps {
  machine: typeof conversationMachine;
  outbox: JournalDeps['outbox'] & EffectDeps['outbox'] & Pick<Delivery, 'watchesState' | 'state'>;
  store: JournalDeps['store'] & EffectDeps['store'];
  turnReport: JournalDeps['turnReport'] & EffectDeps['turnReport'] & Pick<TurnReport, 'forget'>;
  warmLogs: JournalDeps['warmLogs'] & Pick<LogCache, 'forget'>;
  /** Called right before an actor starts. */
  onStart(ref: ConversationRef, actor: AnyActorRef): void;
}

/** `onEnd` gets null when the actor ended by itself, else why it failed; and the requests that it leaves unanswered. */
export function startConversation(
  input: ConversationInput,
  deps: LiveConversationDeps,
  onEnd: (error: unknown, unanswered: readonly Requester[]) => void,
): LiveConversation {
  const { outbox, turnReport, warmLogs } = deps;
  const ref = { owner: input.owner, conversationId: input.conversationId };
  const actor = createActor(deps.machine, { id: ref.conversationId, input });
  let lastActiveMs = performance.now();
  let failure: unknown = null;
  /** Bounded by what the chart lets wait. */
  const unanswered = new Set<Requester>();
  const answered = ({ session, requestId }: Requester) => {
    for (const asker of unanswered)
      if (asker.session === session && asker.requestId === requestId) unanswered.delete(asker);
  };
  /** Ends the conversation alone. Not at once: the actor may be in the middle of a transition. */
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
    warmLogs.forget(ref);
    onEnd(error, [...unanswered]);
  };
  /** An actor that threw leaves its children running: an answer nobody reads, a tool call nobody waits for. */
  const stopChildren = () => {
    for (const [id, child] of Object.entries(actor.getSnapshot().children))
      child?.send({ type: id === 'answer' ? 'answer.stop' : 'call.cancel' });
  };
  const sendState = (snapshot: Snapshot) => {
    if (outbox.watchesState(ref)) outbox.state(ref, stateOf(snapshot).state);
  };
  /** A listener that throws would take the process down; a fault in one is this conversation's alone. */
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
        // It ended while we waited; `onEnd` has told why.
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

/** The chart's own words: its state value dotted, and its tags as what it takes now; `respond` while somebody is asked. */
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
