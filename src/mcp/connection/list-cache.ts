/**
 * Reads prompts and resources of one connected server. Lists are cached until the server reports a change. The cache
 * lives as long as its connection and never repeats a request.
 */
import type { Client, ListChangedHandlers } from '@modelcontextprotocol/client';
import type { Completion, FilledPrompt, Prompt, Resource, ResourcePart } from '../content/prompt-and-resource.ts';
import {
  completionOf,
  filledOf,
  partsOf,
  promptOf,
  resourceOf,
  templateOf,
  isListablePrompt,
} from '../content/prompt-and-resource.ts';
import { isPresentable } from '../content/sanitize-text.ts';

/** The limits of one server's lists. */
export interface ListCacheLimits {
  /** For one response, in ms. */
  requestTimeoutMs: number;
  maxDescriptionChars: number;
  /** Most prompts, most resources and most templates that are kept of a server. */
  maxListed: number;
}

/** Names what to complete: an argument of a prompt, or a variable of a template. */
export interface Completing {
  of: { prompt: string } | { template: string };
  argument: { name: string; value: string };
  /** Arguments that have a value already. */
  known: Record<string, string>;
}

/** All methods reject with the SDK's errors. A server without the capability has empty lists. */
export interface ListCache {
  prompts(): Promise<readonly Prompt[]>;
  resources(): Promise<readonly Resource[]>;
  templates(): Promise<readonly Resource[]>;
  fill(prompt: string, args: Record<string, string>): Promise<FilledPrompt>;
  read(uri: string): Promise<ResourcePart[]>;
  complete(completing: Completing): Promise<Completion>;
  /** Reads a resource and caches it if the server notifies of changes. For the few resources that are read often. */
  readCached(uri: string): Promise<ResourcePart[]>;
  /** Drops all lists, for a time in which notifications may have been lost. */
  invalidate(): void;
  /** For the client's options. */
  readonly listChanged: Pick<ListChangedHandlers, 'prompts' | 'resources'>;
}

/** Caches the result of `read` until it is invalidated. */
function cached<Entry>(read: () => Promise<Entry[]>) {
  let entries: Promise<readonly Entry[]> | null = null;
  const invalidate = () => {
    entries = null;
  };
  return {
    invalidate,
    /** Concurrent readers share one request. A failed request is not cached. */
    entries(): Promise<readonly Entry[]> {
      if (entries !== null) return entries;
      const reading = read();
      entries = reading;
      reading.catch(() => entries === reading && invalidate());
      return reading;
    },
  };
}

/** `client` is called only after it has connected. `limits` are read for each request. */
export function createListCache(client: () => Client, limits: ListCacheLimits): ListCache {
  const watched = new Map<string, () => void>();
  /** Bounded by the number of resources in the configuration. */
  const parts = new Map<string, { kept: ReturnType<typeof cached<ResourcePart>>; isWatched: boolean }>();
  const options = () => ({ timeout: limits.requestTimeoutMs, cacheMode: 'refresh' }) as const;
  const has = (kind: 'prompts' | 'resources') => client().getServerCapabilities()?.[kind] !== undefined;

  const prompts = cached(async () => {
    if (!has('prompts')) return [];
    const listed = await client().listPrompts(undefined, options());
    return listed.prompts
      .filter(isListablePrompt)
      .slice(0, limits.maxListed)
      .map((prompt) => promptOf(prompt, limits.maxDescriptionChars));
  });
  const resources = cached(async () => {
    if (!has('resources')) return [];
    const listed = await client().listResources(undefined, options());
    return listed.resources
      .filter(({ uri }) => isPresentable(uri))
      .slice(0, limits.maxListed)
      .map((resource) => resourceOf(resource, limits.maxDescriptionChars));
  });
  const templates = cached(async () => {
    if (!has('resources')) return [];
    const listed = await client().listResourceTemplates(undefined, options());
    return listed.resourceTemplates
      .filter(({ uriTemplate }) => isPresentable(uriTemplate))
      .slice(0, limits.maxListed)
      .map((template) => templateOf(template, limits.maxDescriptionChars));
  });

  /** Subscribes to a resource. Resolves with false if the server has no subscriptions. */
  async function watch(uri: string, changed: () => void): Promise<boolean> {
    if (client().getServerCapabilities()?.resources?.subscribe !== true) return false;
    if (watched.size === 0) {
      client().setNotificationHandler('notifications/resources/updated', ({ params }) => watched.get(params.uri)?.());
    }
    watched.set(uri, changed);
    const { timeout } = options();
    // Before 2026-07-28 a subscription is a request. Since then it is a stream: no notifications come after its end.
    if (client().getProtocolEra() !== 'modern') await client().subscribeResource({ uri }, { timeout });
    else void (await client().listen({ resourceSubscriptions: [uri] }, { timeout })).closed.then(() => unwatch(uri));
    return true;
  }
  /** The next reader subscribes again. */
  function unwatch(uri: string): void {
    watched.delete(uri);
    parts.delete(uri);
  }

  const read = async (uri: string) => partsOf(await client().readResource({ uri }, options()));
  /** Caches the parts only after the server has accepted the subscription. Until then each read is a request. */
  async function current(uri: string): Promise<ResourcePart[]> {
    const known = parts.get(uri) ?? { kept: cached(() => read(uri)), isWatched: false };
    if (!parts.has(uri)) {
      parts.set(uri, known);
      known.isWatched = await watch(uri, known.kept.invalidate).catch(() => false);
    }
    return known.isWatched ? [...(await known.kept.entries())] : read(uri);
  }

  return {
    prompts: prompts.entries,
    resources: resources.entries,
    templates: templates.entries,
    fill: async (name, args) =>
      filledOf(
        await client().getPrompt({ name, arguments: args }, { timeout: limits.requestTimeoutMs }),
        limits.maxDescriptionChars,
      ),
    read,
    readCached: current,
    async complete({ of, argument, known }) {
      const ref =
        'prompt' in of
          ? ({ type: 'ref/prompt', name: of.prompt } as const)
          : ({ type: 'ref/resource', uri: of.template } as const);
      return completionOf(
        await client().complete({ ref, argument, context: { arguments: known } }, { timeout: limits.requestTimeoutMs }),
      );
    },
    invalidate() {
      for (const list of [prompts, resources, templates]) list.invalidate();
    },
    listChanged: {
      prompts: { autoRefresh: false, onChanged: prompts.invalidate },
      resources: {
        autoRefresh: false,
        onChanged() {
          resources.invalidate();
          templates.invalidate();
        },
      },
    },
  };
}
