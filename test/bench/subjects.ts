/**
 * Starts the servers that are compared, each in its own process in front of the same scripted model: Parley with all
 * defaults except address, file and model, and the relays. Does not measure.
 */
import { writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Child, Children } from './children.ts';

export const subjectNames = [
  'parley',
  'parley-normal',
  'parley-uninspected',
  'parley-watched',
  'relay',
  'relay-sqlite',
] as const;

export type SubjectName = (typeof subjectNames)[number];

export interface Subject {
  readonly name: SubjectName;
  readonly pid: number;
  readonly url: string;
  /** Heap and buffers in use, after a collection. */
  heapBytes(): Promise<number>;
  /** Parley's own estimate of the cached logs of idle conversations, bounded by `log_cache_bytes`; 0 for the relays. */
  warmBytes(): Promise<number>;
  stop(): Promise<void>;
}

export interface SubjectOptions {
  /** Folder of this server, created here. */
  folder: string;
  /** The model's base URL, including the part that selects the answer. */
  modelUrl: string;
  /** Whether Parley gets the demo MCP server. */
  tools: boolean;
  /** Further arguments for node, e.g. for profiling. */
  nodeArgs: readonly string[];
}

const projectFolder = join(import.meta.dirname, '..', '..');
const file = (name: string) => join(import.meta.dirname, name);
const memory = z.object({ heapBytes: z.number() });

export async function startSubject(children: Children, name: SubjectName, options: SubjectOptions): Promise<Subject> {
  await mkdir(options.folder, { recursive: true });
  const probe = ['--expose-gc', '--import', file('probe.ts')];
  const args = [...options.nodeArgs, ...probe, ...program(name, options)];
  const child = await children.start(args, join(options.folder, 'stderr.log'));
  return {
    name,
    pid: child.pid,
    url: urlIn(child),
    heapBytes: async () => (await child.ask({}, memory)).heapBytes,
    warmBytes: async () => (name.startsWith('parley') ? warmBytesAt(urlIn(child)) : 0),
    stop: child.stop,
  };
}

/** Returns the URL in a child's first line. Throws if it has none. */
export function urlIn(child: Child): string {
  const [url] = /(?:ws|http):\/\/\S+/.exec(child.greeting) ?? [];
  if (url === undefined) throw new Error(`no address in "${child.greeting}"`);
  return url;
}

async function warmBytesAt(url: string): Promise<number> {
  const { host } = new URL(url);
  const response = await fetch(`http://${host}/metrics`);
  return Number(/^parley_log_cache_bytes (\S+)$/m.exec(await response.text())?.[1]);
}

function program(name: SubjectName, { folder, modelUrl, tools }: SubjectOptions): string[] {
  switch (name) {
    case 'parley':
      return parley(folder, modelUrl, tools, {});
    case 'parley-normal':
      return parley(folder, modelUrl, tools, { synchronous: 'normal' });
    case 'parley-uninspected':
      return parley(folder, modelUrl, tools, { inspect: { enabled: false } });
    case 'parley-watched':
      return parley(folder, modelUrl, tools, { inspect: { max_conversations: 1000, max_viewers: 1000 } });
    case 'relay':
      return [file('relay.ts'), '--model', modelUrl];
    case 'relay-sqlite':
      return [file('relay.ts'), '--model', modelUrl, '--log', join(folder, 'relay.db')];
  }
}

function parley(
  folder: string,
  modelUrl: string,
  tools: boolean,
  { synchronous = 'full', inspect = {} }: { synchronous?: 'full' | 'normal'; inspect?: object },
): string[] {
  const demo = { command: 'node', args: [join(projectFolder, 'src', 'demo', 'mcp-server.ts')] };
  const config = {
    llm: { active: 'scripted', providers: { scripted: { base_url: modelUrl, model: 'scripted-model' } } },
    // All clients of the bench have one address.
    chat: { websocket: { host: '127.0.0.1', port: 0, max_connections_per_address: 10_000 } },
    repository: { path: join(folder, 'events.db'), synchronous },
    inspect,
    mcp: { config_file: join(folder, 'servers.json'), connection: { startup_wait: 10 } },
  };
  // YAML is a superset of JSON.
  writeFileSync(join(folder, 'config.yaml'), JSON.stringify(config));
  writeFileSync(join(folder, 'servers.json'), JSON.stringify({ mcpServers: tools ? { demo } : {} }));
  return [join(projectFolder, 'src', 'main.ts'), '--config', join(folder, 'config.yaml')];
}
