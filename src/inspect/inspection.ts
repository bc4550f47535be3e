/**
 * Which conversations are inspected: those that somebody watches, and for a while after, so that a viewer who comes
 * back has missed nothing. The MCP servers, which all conversations share, are told of in every feed. Where nobody
 * watches, nothing is attached anywhere: inspection that is off costs nothing.
 */
import type { AnyActorRef, Subscription } from 'xstate';
import { conversationKey, type ConversationRef } from '../conversation-ref.ts';
import { watchActors, type WatchDeps } from './actor-watch.ts';
import { createFeed, type Feed, type Viewer } from './feed.ts';

export interface InspectionOptions extends Omit<WatchDeps, 'tell'> {
  /** Conversations at once; the newest viewers of further ones are refused. */
  maxConversations: number;
  maxMessages: number;
  /** How long a conversation is told of after its last viewer has left, in ms. */
  lingerMs: number;
  /** The actor of a conversation that is in memory. */
  actorOf(ref: ConversationRef): AnyActorRef | null;
}

export interface Inspection {
  /** A conversation's actor is about to start; one that is watched is told of from here on. */
  starting(ref: ConversationRef, actor: AnyActorRef): void;
  /** An MCP server's actor; it is left out when it has ended. */
  addServer(actor: AnyActorRef): void;
  /** Sends what is known of the conversation, then what happens. False when too many are watched already. */
  watch(ref: ConversationRef, viewer: Viewer): boolean;
  unwatch(ref: ConversationRef, viewer: Viewer): void;
  isWatched(ref: ConversationRef): boolean;
  close(): void;
}

interface Watched {
  feed: Feed;
  /** Of the actor that runs now; it ends with it. */
  watch: Subscription | null;
  /** Of the MCP servers. */
  servers: Subscription[];
  /** Runs while nobody watches. */
  linger: NodeJS.Timeout | null;
}

export function createInspection(options: InspectionOptions): Inspection {
  const watched = new Map<string, Watched>();
  const servers = new Set<AnyActorRef>();

  const attach = (each: Watched, actor: AnyActorRef) => {
    each.watch?.unsubscribe();
    each.watch = watchActors(actor, { ...options, tell: each.feed.tell });
  };

  const open = (ref: ConversationRef): Watched => {
    const feed = createFeed(options.maxMessages);
    const opened: Watched = {
      feed,
      watch: null,
      servers: Array.from(servers, (server) => watchActors(server, { ...options, tell: feed.tell })),
      linger: null,
    };
    const actor = options.actorOf(ref);
    if (actor) attach(opened, actor);
    watched.set(conversationKey(ref), opened);
    return opened;
  };

  const forget = (key: string, each: Watched) => {
    clearTimeout(each.linger ?? undefined);
    each.watch?.unsubscribe();
    for (const server of each.servers) server.unsubscribe();
    watched.delete(key);
  };

  return {
    starting(ref, actor) {
      if (watched.size === 0) return;
      const each = watched.get(conversationKey(ref));
      if (each) attach(each, actor);
    },
    addServer(actor) {
      servers.add(actor);
      actor.subscribe({ complete: () => servers.delete(actor), error: () => servers.delete(actor) });
      for (const each of watched.values()) each.servers.push(watchActors(actor, { ...options, tell: each.feed.tell }));
    },
    watch(ref, viewer) {
      const known = watched.get(conversationKey(ref));
      if (!known && watched.size >= options.maxConversations) {
        const idle = [...watched].find(([, { feed }]) => feed.viewers() === 0);
        if (!idle) return false;
        forget(...idle);
      }
      const each = known ?? open(ref);
      clearTimeout(each.linger ?? undefined);
      each.linger = null;
      each.feed.join(viewer);
      return true;
    },
    unwatch(ref, viewer) {
      const key = conversationKey(ref);
      const each = watched.get(key);
      if (!each) return;
      each.feed.leave(viewer);
      if (each.feed.viewers() > 0 || each.linger !== null) return;
      each.linger = setTimeout(() => forget(key, each), options.lingerMs);
      each.linger.unref();
    },
    isWatched: (ref) => watched.has(conversationKey(ref)),
    close() {
      for (const [key, each] of watched) forget(key, each);
    },
  };
}
