/**
 * The registry: routes client events to conversation actors, which it opens on demand and supervises.
 * Its chart decides the life of the server and the crash budgets; the Map of live conversations stands
 * beside it. No outgoing frame passes here.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { createActor, fromPromise, toPromise, waitFor, type ActorRefFrom, type AnyActorRef } from 'xstate';
import type { ClientEvent } from '../../machines/conversation/client-events.ts';
import type { ConversationLimits } from '../../machines/conversation/context.ts';
import type { Fault } from '../../machines/log.ts';
import type { McpServerInput } from '../../machines/mcp-server-types.ts';
import type { mcpServerMachine } from '../../machines/mcp-server.ts';
import { coolingMs, registryMachine, type RegistryLimits, type ServerChanges } from '../../machines/registry.ts';
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
import type { Outbox } from '../outbox/port.ts';
import { keyOf, type ConversationRef } from '../conversation-ref.ts';
import { errorFrame, type ConversationState } from '../protocol/frames.ts';
import type { Store } from '../store/port.ts';

/**
 * The one door to conversations. Refusals (`shutting_down`, `overloaded`, `conversation_unavailable`) are
 * error frames to whoever asked, never thrown.
 */
export interface Registry {
  /** Boots the store and the MCP servers; resolves when conversations are served. Rejects, with all of it closed again, when the store refuses or `shutdown` comes first. */
  start(): Promise<void>;
  /** Where a conversation stands, and the turn that runs; null for one without an actor, of which the log knows. */
  standing(ref: ConversationRef): { state: ConversationState; running: string | null } | null;
  /** Hands a client's event to its conversation, opening it if need be. Never awaits. */
  route(ref: ConversationRef, event: ClientEvent): void;
  /** Adds, removes and restarts MCP servers, while conversations are served. The added ones are attached when it returns; those that leave take their time. */
  changeServers(changes: ServerChanges): void;
  /** Lets running turns end (within the drain limit), flushes everything and ends. Once is enough; more are the same. */
  shutdown(): Promise<void>;
  /** Conversations with a live actor. */
  live(): number;
  /** All of them; those that come or go while somebody looks may be among them or not. */
  conversations(): IterableIterator<LiveConversation>;
  /** For those who look on; null for a conversation without an actor. */
  actorOf(ref: ConversationRef): AnyActorRef | null;
  isServing(): boolean;
}

export interface RegistryOptions extends LiveConversationDeps {
  outbox: LiveConversationDeps['outbox'] & Pick<Outbox, 'fail' | 'followers'>;
  store: LiveConversationDeps['store'] & Pick<Store, 'unfinished' | 'overdue'>;
  logics: { writer: typeof writerMachine; mcpServer: typeof mcpServerMachine };
  mcpServers: readonly McpServerInput[];
  /** Hands each MCP server's actor to the toolbox, right after the registry has spawned it. */
  attachServer(name: string, actor: ActorRefFrom<typeof mcpServerMachine>): void;
  /** Settles when the store serves; rejects with the reason why not. */
  opened: Promise<void>;
  /** Settles when the first round of MCP connects is over. */
  toolsSettled(): Promise<void>;
  /** Sends every socket away but these, by id; called again and again while the server drains. */
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
  /** Faults of ours that touch no single conversation. */
  onError(error: unknown): void;
}

/** What a client is asked to wait while there is no telling how long it will take. */
const RETRY_AFTER_MS = 1000;

/**
 * Numbers among the options are read when they are used. Starts nothing before `start`. `onCrash` hears of every conversation that failed; only a fault of its own,
 * not the disk's, counts against its crash budget.
 */
export function createRegistry(options: RegistryOptions): Registry {
  const { outbox, store, conversation: limits } = options;
  const live = new Map<string, LiveConversation>();
  let emptied = Promise.withResolvers<void>();
  /** When a drain ends at the latest, in ms of `performance.now()`. */
  let drainEndsMs = 0;

  const whenEmpty = () => {
    emptied = Promise.withResolvers<void>();
    if (live.size === 0) emptied.resolve();
    return emptied.promise;
  };

  const expire = (ref: ConversationRef, nowMs: number) => {
    const key = keyOf(ref);
    if (refusal(key) !== null) return;
    const conversation = live.get(key) ?? activate(ref, key);
    // One that has just been opened does not know yet what it waits for.
    void conversation.whenQuiet().then(() => conversation.send({ type: 'conversation.expire', nowMs }));
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
            const key = keyOf(ref);
            await (live.get(key) ?? activate(ref, key)).whenQuiet();
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
        followers: outbox.followers,
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
              'The conversation failed and was closed. Send again: it reopens from its log.',
            );
      for (const { session, requestId } of unanswered)
        outbox.reply(session, errorFrame(requestId, problem, ref.conversationId));
      if (error === null) return;
      // A disk that refuses is no crash of the conversation's: closing it for a while would only add to it.
      if (!isStorageFault(error)) actor.send({ type: 'conversation.crashed', key, atMs: Date.now() });
      options.onCrash(ref, error);
      outbox.fail(ref, (requestId) => errorFrame(requestId, problem, ref.conversationId));
    });
    live.set(key, conversation);
    return conversation;
  };

  /** How long the drain may still take; 0 if there is none. */
  const drainMs = () => Math.ceil(Math.max(0, drainEndsMs - performance.now()));

  /** Why a conversation may not be opened now; null when it may. */
  const refusal = (key: string, event: ClientEvent | null = null): Fault | null => {
    const snapshot = actor.getSnapshot();
    // A Stop is heard until the end.
    if (snapshot.value === 'draining' && event?.type === 'client.cancel' && live.has(key)) return null;
    if (snapshot.value !== 'serving') return shuttingDown(drainMs());
    const cooling = coolingMs(snapshot.context, key, Date.now());
    if (cooling > 0)
      return fault('conversation_unavailable', 'The conversation has failed repeatedly and is closed for a while.', {
        retry_after_ms: cooling,
      });
    if (!live.has(key) && live.size >= options.maxLive)
      return fault('overloaded', `The server has ${options.maxLive} live conversations, which is its limit.`, {
        retry_after_ms: RETRY_AFTER_MS,
      });
    return null;
  };

  return {
    async start() {
      // Nobody subscribes to its errors: a server without its registry serves nobody, so that fault has to end the process.
      actor.start();
      for (const [name, server] of Object.entries(actor.getSnapshot().context.mcpServers))
        options.attachServer(name, server);
      const { value } = await waitFor(actor, (state) => state.value === 'serving' || state.status === 'done');
      if (value === 'serving') return;
      await options.opened;
      throw new AppError('shutting_down', 'The server was stopped before it served.');
    },
    route(ref, event) {
      const key = keyOf(ref);
      const refused = refusal(key, event);
      if (!refused) {
        (live.get(key) ?? activate(ref, key)).send(event);
        return;
      }
      const to = event.type === 'client.chat' ? event : event.by;
      if (to) outbox.reply(to.session, errorFrame(to.requestId, refused, ref.conversationId));
    },
    changeServers(changes) {
      actor.send({ type: 'registry.servers', ...changes });
      const now = actor.getSnapshot().context.mcpServers;
      for (const { name } of changes.add) {
        const server = now[name];
        if (server) options.attachServer(name, server);
      }
    },
    standing: (ref) => live.get(keyOf(ref))?.standing() ?? null,
    async shutdown() {
      actor.send({ type: 'registry.shutdown' });
      await toPromise(actor);
    },
    live: () => live.size,
    conversations: () => live.values(),
    actorOf: (ref) => live.get(keyOf(ref))?.actor ?? null,
    isServing: () => actor.getSnapshot().value === 'serving',
  };
}

function isStorageFault(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'storage_failed';
}
