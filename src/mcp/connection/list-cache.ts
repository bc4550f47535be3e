/**
 * What one connected server offers beside tools: its lists, which are kept until the server says that they have
 * changed, and what is asked for by name. It lives as long as its connection and never repeats a request.
 */
import type { Client, ListChangedHandlers } from '@modelcontextprotocol/client';
import type { Completion, FilledPrompt, Prompt, Resource, ResourcePart } from '../content/prompt-and-resource.ts';
import { completionOf, filledOf, partsOf, promptOf, resourceOf, templateOf } from '../content/prompt-and-resource.ts';

export interface ListCacheLimits {
  /** For one answer, in ms. */
  requestTimeoutMs: number;
  maxDescriptionChars: number;
  /** Prompts, resources and templates that are kept of a server, each. */
  maxListed: number;
}

/** What is completed: an argument of a prompt, or a variable of a template. */
export interface Completing {
  of: { prompt: string } | { template: string };
  argument: { name: string; value: string };
  /** Arguments that are filled in already. */
  known: Record<string, string>;
}

/** All reject with the SDK's errors. A server that has none of a kind has an empty list. */
export interface ListCache {
  prompts(): Promise<readonly Prompt[]>;
  resources(): Promise<readonly Resource[]>;
  templates(): Promise<readonly Resource[]>;
  fill(prompt: string, args: Record<string, string>): Promise<FilledPrompt>;
  read(uri: string): Promise<ResourcePart[]>;
  complete(completing: Completing): Promise<Completion>;
  /** The same, read once for as long as the server tells when it changes. For the few that are asked for time and again. */
  readCached(uri: string): Promise<ResourcePart[]>;
  /** Changes may have gone untold: all lists are read anew. */
  invalidate(): void;
  /** For the client's options. */
  readonly listChanged: Pick<ListChangedHandlers, 'prompts' | 'resources'>;
}

/** A list that is read when somebody asks, and kept until it is forgotten. */
function cached<Entry>(read: () => Promise<Entry[]>) {
  let entries: Promise<readonly Entry[]> | null = null;
  const forget = () => {
    entries = null;
  };
  return {
    forget,
    /** One request for all who ask at the same time; a failed one is made again. */
    entries(): Promise<readonly Entry[]> {
      if (entries !== null) return entries;
      const reading = read();
      entries = reading;
      reading.catch(() => entries === reading && forget());
      return reading;
    },
  };
}

/** `client` is asked for only once it is connected. `limits` are read for each request. */
export function createListCache(client: () => Client, limits: ListCacheLimits): ListCache {
  const watched = new Map<string, () => void>();
  /** Bounded by what the configuration asks for. */
  const parts = new Map<string, { kept: ReturnType<typeof cached<ResourcePart>>; isWatched: boolean }>();
  const options = () => ({ timeout: limits.requestTimeoutMs, cacheMode: 'refresh' }) as const;
  const has = (kind: 'prompts' | 'resources') => client().getServerCapabilities()?.[kind] !== undefined;

  const prompts = cached(async () => {
    if (!has('prompts')) return [];
    const listed = await client().listPrompts(undefined, options());
    return listed.prompts.slice(0, limits.maxListed).map((prompt) => promptOf(prompt, limits.maxDescriptionChars));
  });
  const resources = cached(async () => {
    if (!has('resources')) return [];
    const listed = await client().listResources(undefined, options());
    return listed.resources
      .slice(0, limits.maxListed)
      .map((resource) => resourceOf(resource, limits.maxDescriptionChars));
  });
  const templates = cached(async () => {
    if (!has('resources')) return [];
    const listed = await client().listResourceTemplates(undefined, options());
    return listed.resourceTemplates
      .slice(0, limits.maxListed)
      .map((template) => templateOf(template, limits.maxDescriptionChars));
  });

  /** Calls `changed` when the resource has; false where the server does not tell of such things. */
  async function watch(uri: string, changed: () => void): Promise<boolean> {
    if (client().getServerCapabilities()?.resources?.subscribe !== true) return false;
    if (watched.size === 0) {
      client().setNotificationHandler('notifications/resources/updated', ({ params }) => watched.get(params.uri)?.());
    }
    watched.set(uri, changed);
    const { timeout } = options();
    // Before 2026-07-28 a subscription is a request; since then a stream, after whose end nothing is told.
    if (client().getProtocolEra() !== 'modern') await client().subscribeResource({ uri }, { timeout });
    else void (await client().listen({ resourceSubscriptions: [uri] }, { timeout })).closed.then(() => unwatch(uri));
    return true;
  }
  /** Read anew, and watched again, when somebody asks. */
  function unwatch(uri: string): void {
    watched.delete(uri);
    parts.delete(uri);
  }

  const read = async (uri: string) => partsOf(await client().readResource({ uri }, options()));
  /** A list of parts is kept once its server has agreed to tell of changes; until then it is read each time. */
  async function current(uri: string): Promise<ResourcePart[]> {
    const known = parts.get(uri) ?? { kept: cached(() => read(uri)), isWatched: false };
    if (!parts.has(uri)) {
      parts.set(uri, known);
      known.isWatched = await watch(uri, known.kept.forget).catch(() => false);
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
      for (const list of [prompts, resources, templates]) list.forget();
    },
    listChanged: {
      prompts: { autoRefresh: false, onChanged: prompts.forget },
      resources: {
        autoRefresh: false,
        onChanged() {
          resources.forget();
          templates.forget();
        },
      },
    },
  };
}
