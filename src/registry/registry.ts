/**
 * Routes client events to conversation actors, opens them on demand and supervises them. The registry's chart decides
 * the life of the server and the crash budgets. The Map of live conversations is beside it. No outgoing frame passes
 * here.
 */
import { ownValue } from '../json.ts';
import { setTimeout as delay } from 'node:timers/promises';
import { createActor, fromPromise, toPromise, waitFor, type ActorRefFrom, type AnyActorRef } from 'xstate';
import type { ClientEvent } from '../../machines/conversation/client-events.ts';
import type { ConversationLimits } from '../../machines/conversation/context.ts';
import type { Fault } from '../../machines/log.ts';
import type { McpServerInput } from '../../machines/mcp-server-types.ts';
import type { mcpServerMachine } from '../../machines/mcp-server.ts';
import { coolingMs, registryMachine, type RegistryLimits, type ServerChanges } from '../../machines/registry.ts';
import { storageProblemIn, type StorageProblem } from '../../machines/writer-types.ts';
import type { writerMachine } from '../../machines/writer.ts';
import { createDismissalLogic } from './dismissal.ts';
import { createExpiryLogic } from './expiry.ts';
import { createSweepLogic } from './idle-sweep.ts';
import {
  startConversation,
  type LiveConversation,
  type LiveConversationDeps,
} from '../conversation/live-conversation.ts';
import { AppError, fault, shuttingDown } from '../errors.ts';
import type { Delivery } from '../delivery/port.ts';
import { conversationKey, type ConversationRef } from '../conversation-ref.ts';
import { errorFrame, type ConversationState } from '../protocol/frames.ts';
import { patientClock } from '../patient-timer.ts';
import type { Store } from '../store/port.ts';
import { storageCause } from '../store/storage-problem.ts';

/**
 * The only way to reach conversations. Rejections (`shutting_down`, `overloaded`, `conversation_unavailable`) are error
 * frames to the sender, never thrown.
 */
export interface Registry {
  /** Starts the store and the MCP servers. Resolves when conversations are served. Rejects, with everything closed again, if the store does not open or `shutdown` comes first. */
  start(): Promise<void>;
  /** The state of a conversation and its running turn. Null for a conversation without an actor: ask the store then. */
  state(ref: ConversationRef): { state: ConversationState; running: string | null } | null;
  /** Sends a client's event to its conversation and opens it if necessary. Never awaits. */
  route(ref: ConversationRef, event: ClientEvent): void;
  /** Adds, removes and restarts MCP servers while conversations are served. Added servers are attached when it returns. Removed servers close later. */
  changeServers(changes: ServerChanges): void;
  /** Lets running turns end (within the drain limit), flushes everything and ends. Further calls have no effect. */
  shutdown(): Promise<void>;
  /** Conversations with a live actor. */
  live(): number;
  /** All live conversations. Those that open or end during the iteration may be included or not. */
  conversations(): IterableIterator<LiveConversation>;
  /** For the inspector. Null for a conversation without an actor. */
  actorOf(ref: ConversationRef): AnyActorRef | null;
  isServing(): boolean;
  /** Why the event log cannot be written now. Null if it can. */
  storageProblem(): StorageProblem | null;
}

/** The parts and limits of the registry. */
export interface RegistryOptions extends LiveConversationDeps {
  delivery: LiveConversationDeps['delivery'] & Pick<Delivery, 'fail' | 'followers'>;
  store: LiveConversationDeps['store'] & Pick<Store, 'unfinished' | 'overdue'>;
  logics: { writer: typeof writerMachine; mcpServer: typeof mcpServerMachine };
  mcpServers: readonly McpServerInput[];
  /** Passes on each MCP server's actor right after the registry has spawned it. */
  attachServer(name: string, actor: ActorRefFrom<typeof mcpServerMachine>): void;
  /** Resolves when the store is open. Rejects with the reason if it does not open. */
  opened: Promise<void>;
  /** Settles when the first round of MCP connects is over. */
  toolsSettled(): Promise<void>;
  /** Closes every socket except these, by id. Called repeatedly while the server drains. */
  dismiss(needed: ReadonlySet<string>): void;
  /** Flushes and closes the store and the MCP connections. */
  closeNeighbours(): Promise<void>;
  /** Longest wait for MCP servers before serving. */
  startupWaitMs: number;
  conversation: ConversationLimits;
  registry: RegistryLimits;
  /** chat.service.recovery.max_concurrent */
  recoveringAtOnce: number;
  /** chat.service.idle_timeout */
  idleTimeoutMs: number;
  /** chat.service.max_live_conversations */
  maxLive: number;
  onCrash(ref: ConversationRef, error: unknown): void;
  /** Errors that concern no single conversation. */
  onError(error: unknown): void;
}

/** The wait in a rejection whose end is unknown, in ms. */
const RETRY_AFTER_MS = 1000;

/**
 * Starts nothing before `start`. Numbers among the options are read at each use. `onCrash` is called for every failed
 * conversation. Faults of the disk do not count against its crash budget.
 */
export function createRegistry(options: RegistryOptions): Registry {
  const { delivery, store, conversation: limits } = options;
  const live = new Map<string, LiveConversation>();
  let emptied = Promise.withResolvers<void>();
  /** The deadline of the drain, in ms of `performance.now()`. */
  let drainEndsMs = 0;

  const whenEmpty = () => {
    emptied = Promise.withResolvers<void>();
    if (live.size === 0) emptied.resolve();
    return emptied.promise;
  };

  const expire = (ref: ConversationRef, nowMs: number) => {
    const key = conversationKey(ref);
    if (rejection(key) !== null) return;
    const conversation = live.get(key) ?? activate(ref, key);
    // A conversation that was just opened does not know its interrupts yet.
    void conversation.whenIdle().then(() => conversation.send({ type: 'conversation.expire', nowMs }));
  };

  const machine = registryMachine.provide({
    actors: {
      ...options.logics,
      startup: fromPromise(async () => {
        const startupWait = delay(options.startupWaitMs, undefined, { ref: false });
        await options.opened;
        await Promise.race([options.toolsSettled(), startupWait]);
      }),
      sweep: createSweepLogic({
        conversations: () => live.values(),
        get idleTimeoutMs() {
          return options.idleTimeoutMs;
        },
      }),
      expiry: createExpiryLogic({ overdue: store.overdue, expire, onError: options.onError }),
      recovery: fromPromise(async ({ signal }) => {
        const refs = (await store.unfinished()).values();
        const takeUp = async () => {
          for (const ref of refs) {
            if (signal.aborted) return;
            const key = conversationKey(ref);
            await (live.get(key) ?? activate(ref, key)).whenIdle();
          }
        };
        await Promise.all(Array.from({ length: options.recoveringAtOnce }, takeUp));
      }),
      drainConversations: fromPromise(async () => {
        drainEndsMs = performance.now() + options.registry.drainTimeoutMs;
        for (const conversation of live.values()) conversation.send({ type: 'conversation.drain' });
        await whenEmpty();
      }),
      dismissal: createDismissalLogic({
        conversations: () => live.values(),
        followers: delivery.followers,
        dismiss: options.dismiss,
      }),
      closeAll: fromPromise(async () => {
        for (const conversation of live.values()) conversation.send({ type: 'conversation.halt' });
        await options.closeNeighbours();
      }),
    },
  });
  const actor = createActor(machine, {
    id: 'registry',
    clock: patientClock,
    input: { servers: options.mcpServers, limits: options.registry },
  });

  const activate = (ref: ConversationRef, key: string): LiveConversation => {
    const conversation = startConversation({ ...ref, limits }, options, (error, unanswered) => {
      live.delete(key);
      if (live.size === 0) emptied.resolve();
      const problem =
        error === null
          ? shuttingDown(drainMs())
          : fault(
              'conversation_failed',
              `${isStorageFault(error) ? `${storageCause(storageProblemIn(error))} ` : ''}The conversation failed and was closed. Send again: it reopens from its log.`,
            );
      for (const { session, requestId } of unanswered)
        delivery.reply(session, errorFrame(requestId, problem, ref.conversationId));
      if (error === null) return;
      // A fault of the disk is no crash of the conversation. Closing it for a while would not help.
      if (!isStorageFault(error)) actor.send({ type: 'conversation.crashed', key, atMs: performance.now() });
      options.onCrash(ref, error);
      delivery.fail(ref, (requestId) => errorFrame(requestId, problem, ref.conversationId));
    });
    live.set(key, conversation);
    return conversation;
  };

  /** The time left for the drain, in ms. 0 without a drain. */
  const drainMs = () => Math.ceil(Math.max(0, drainEndsMs - performance.now()));

  /** Why an event is rejected now. Null if it is accepted. */
  const rejection = (key: string, event: ClientEvent | null = null): Fault | null => {
    const snapshot = actor.getSnapshot();
    // A cancel is accepted until the end.
    if (snapshot.value === 'draining' && event?.type === 'client.cancel' && live.has(key)) return null;
    if (snapshot.value !== 'serving') return shuttingDown(drainMs());
    const cooling = coolingMs(snapshot.context, key, performance.now());
    if (cooling > 0)
      return fault(
        'conversation_unavailable',
        'The conversation has failed repeatedly and is closed for a while. Send the same request again later.',
        {
          retry_after_ms: Math.ceil(cooling),
        },
      );
    if (!live.has(key) && live.size >= options.maxLive)
      return fault(
        'overloaded',
        `The server has ${options.maxLive} live conversations, which is its limit. Send the same request again later.`,
        {
          retry_after_ms: RETRY_AFTER_MS,
        },
      );
    return null;
  };

  return {
    async start() {
      // Its errors have no subscriber on purpose: a server without its registry cannot serve, so the error ends the process.
      actor.start();
      for (const [name, server] of Object.entries(actor.getSnapshot().context.mcpServers))
        options.attachServer(name, server);
      const { value } = await waitFor(actor, (state) => state.value === 'serving' || state.status === 'done');
      if (value === 'serving') return;
      await options.opened;
      throw new AppError('shutting_down', 'The server was stopped before it served.');
    },
    route(ref, event) {
      const key = conversationKey(ref);
      const refused = rejection(key, event);
      if (!refused) {
        (live.get(key) ?? activate(ref, key)).send(event);
        return;
      }
      const to = event.type === 'client.chat' ? event : event.by;
      if (to) delivery.reply(to.session, errorFrame(to.requestId, refused, ref.conversationId));
    },
    changeServers(changes) {
      actor.send({ type: 'registry.servers', ...changes });
      const now = actor.getSnapshot().context.mcpServers;
      for (const { name } of changes.add) {
        const server = ownValue(now, name);
        if (server) options.attachServer(name, server);
      }
    },
    state: (ref) => live.get(conversationKey(ref))?.state() ?? null,
    async shutdown() {
      actor.send({ type: 'registry.shutdown' });
      await toPromise(actor);
    },
    live: () => live.size,
    conversations: () => live.values(),
    actorOf: (ref) => live.get(conversationKey(ref))?.actor ?? null,
    isServing: () => actor.getSnapshot().value === 'serving',
    storageProblem: () => actor.getSnapshot().children.writer?.getSnapshot().context.problem ?? null,
  };
}

function isStorageFault(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'storage_failed';
}
