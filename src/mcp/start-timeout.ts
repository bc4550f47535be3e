/**
 * Decides how long a server may take from its start to its list of tools. A program that is fetched first needs minutes, and
 * a start that is given up fetches from the beginning.
 */
import { basename } from 'node:path';
import type { ServerBlock } from './config/server-block.ts';

/** The configured times. */
export interface StartTimeouts {
  /** For a server over HTTP, in ms. */
  connectionTimeoutMs: number;
  /** For a program, in ms. */
  programStartTimeoutMs: number;
  /** For a program that may have to be fetched first, in ms. */
  fetchTimeoutMs: number;
}

/** The time of one server, in ms. */
export interface StartTimeout {
  startTimeoutMs: number;
  /** The keys that set it, for people. */
  startTimeoutKey: string;
}

/** Programs that fetch what they run. */
const FETCHING = new Set([
  'npx',
  'bunx',
  'pnpx',
  'pnx',
  'uvx',
  'dnx',
  'docker',
  'podman',
  'nerdctl',
  'container',
  'pipx',
  'nix',
  'nix-shell',
  'deno',
  'go',
  'cargo',
  'dotnet',
  'jbang',
  'mise',
]);
/** Programs that do so with one of these subcommands. */
const SUBCOMMANDS: Readonly<Record<string, readonly string[]>> = {
  npm: ['exec', 'x', 'init', 'create'],
  pnpm: ['dlx', 'exec'],
  yarn: ['dlx'],
  bun: ['x'],
  uv: ['run', 'tool', 'x'],
  poetry: ['run'],
  pixi: ['run', 'exec'],
};

/** `limits` are read at each call. */
export function startTimeoutOf(block: ServerBlock, limits: StartTimeouts): StartTimeout {
  const own = '"start_timeout" in its block';
  if (block.startTimeoutMs !== null) return { startTimeoutMs: block.startTimeoutMs, startTimeoutKey: own };
  if (block.kind === 'http')
    return {
      startTimeoutMs: limits.connectionTimeoutMs,
      startTimeoutKey: `${own}, or mcp.connection.connection_timeout`,
    };
  const [timeoutMs, key] = mayFetch(block)
    ? ([limits.fetchTimeoutMs, 'fetch_timeout'] as const)
    : ([limits.programStartTimeoutMs, 'start_timeout'] as const);
  return {
    startTimeoutMs: Math.max(timeoutMs, limits.connectionTimeoutMs),
    startTimeoutKey: `${own}, or mcp.connection.${key}`,
  };
}

/** Looks at every word: many files start such a program through a shell or `env`. A false match costs patience only. */
function mayFetch({ command, args }: { command: string; args: readonly string[] }): boolean {
  const words = [command, ...args]
    .flatMap((part) => part.split(/\s+/))
    .map((word) => basename(word.replaceAll('\\', '/')).replace(/\.(cmd|exe|ps1|bat)$/i, ''));
  return words.some((word, at) => FETCHING.has(word) || (SUBCOMMANDS[word]?.includes(words[at + 1] ?? '') ?? false));
}
