/**
 * Attaches inspection to the conversations that have viewers, and detaches it some time after the last viewer has left,
 * so a viewer that reconnects misses nothing. Every feed also contains the MCP servers, which all conversations share.
 * Without viewers nothing is attached, so inspection costs nothing.
 */
import type { AnyActorRef, Subscription } from 'xstate';
import { conversationKey, type ConversationRef } from '../../conversation-ref.ts';
import { watchActors, type WatchDeps } from './actor-watch.ts';
import { createFeed, type Feed, type Viewer } from './feed.ts';

/** The limits of all feeds. */
export interface InspectionOptions extends Omit<WatchDeps, 'publish'> {
  /** Most conversations at the same time; viewers of further ones are rejected. */
  maxConversations: number;
  maxMessages: number;
  /** How long the feed continues after the last viewer has left, in ms. */
  keepAfterLastViewerMs: number;
  /** The actor of a conversation; null if it is not in memory. */
  actorOf(ref: ConversationRef): AnyActorRef | null;
}

/** The feeds of all conversations. */
export interface Inspection {
  /** Call before a conversation's actor starts. Attaches to it if the conversation has a feed. */
  starting(ref: ConversationRef, actor: AnyActorRef): void;
  /** Adds an MCP server's actor to all feeds, until the actor ends. */
  addServer(actor: AnyActorRef): void;
  /** Sends the kept messages, then new ones. Returns false if too many conversations are watched. */
  watch(ref: ConversationRef, viewer: Viewer): boolean;
  unwatch(ref: ConversationRef, viewer: Viewer): void;
  isWatched(ref: ConversationRef): boolean;
  close(): void;
}

interface WatchedConversation {
  feed: Feed;
  /** On the actor that runs now; ends with it. */
  watch: Subscription | null;
  /** On the MCP servers. */
  servers: Subscription[];
  /** Runs while the conversation has no viewers. */
  keepTimer: NodeJS.Timeout | null;
}

/** Creates the live inspection. Actors are watched only while someone views them. */
export function createInspection(options: InspectionOptions): Inspection {
  const watched = new Map<string, WatchedConversation>();
  const servers = new Set<AnyActorRef>();

  const attach = (each: WatchedConversation, actor: AnyActorRef) => {
    each.watch?.unsubscribe();
    each.watch = watchActors(actor, { ...options, publish: each.feed.publish });
  };

  const open = (ref: ConversationRef): WatchedConversation => {
    const feed = createFeed(options.maxMessages);
    const opened: WatchedConversation = {
      feed,
      watch: null,
      servers: Array.from(servers, (server) => watchActors(server, { ...options, publish: feed.publish })),
      keepTimer: null,
    };
    const actor = options.actorOf(ref);
    if (actor) attach(opened, actor);
    watched.set(conversationKey(ref), opened);
    return opened;
  };

  const forget = (key: string, each: WatchedConversation) => {
    clearTimeout(each.keepTimer ?? undefined);
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
      for (const each of watched.values())
        each.servers.push(watchActors(actor, { ...options, publish: each.feed.publish }));
    },
    watch(ref, viewer) {
      const known = watched.get(conversationKey(ref));
      if (!known && watched.size >= options.maxConversations) {
        const idle = [...watched].find(([, { feed }]) => feed.viewers() === 0);
        if (!idle) return false;
        forget(...idle);
      }
      const each = known ?? open(ref);
      clearTimeout(each.keepTimer ?? undefined);
      each.keepTimer = null;
      each.feed.join(viewer);
      return true;
    },
    unwatch(ref, viewer) {
      const key = conversationKey(ref);
      const each = watched.get(key);
      if (!each) return;
      each.feed.leave(viewer);
      if (each.feed.viewers() > 0 || each.keepTimer !== null) return;
      each.keepTimer = setTimeout(() => forget(key, each), options.keepAfterLastViewerMs);
      each.keepTimer.unref();
    },
    isWatched: (ref) => watched.has(conversationKey(ref)),
    close() {
      for (const [key, each] of watched) forget(key, each);
    },
  };
}
