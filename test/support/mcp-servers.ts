/**
 * Runs MCP servers for tests: their charts as actors, as the registry spawns them, with short timers. It has ways to wait
 * for servers and charts.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, watch } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createActor, waitFor } from 'xstate';
import { serverState } from '../../machines/mcp-server.ts';
import type { AuthorizerOptions } from '../../src/mcp/oauth/authorizer.ts';
import type { ClientFeaturesOptions } from '../../src/mcp/server-requests/client-features.ts';
import { createMcpServers } from '../../src/mcp/mcp-servers.ts';
import type { CallEnd, CallOptions } from '../../src/mcp/port.ts';
import type { McpServersLimits } from '../../src/mcp/mcp-servers.ts';
import type { HttpServer, ServerBlock, StdioServer } from '../../src/mcp/config/server-block.ts';
import { compileCache } from './compile-cache.ts';

const limits: McpServersLimits = {
  connectionTimeoutMs: 10_000,
  programStartTimeoutMs: 10_000,
  fetchTimeoutMs: 10_000,
  toolsWaitMs: 60_000,
  initialBackoffMs: 20,
  maxBackoffMs: 50,
  maxReconnectAttempts: 3,
  failedRetryMs: 60_000,
  healthIntervalMs: 60_000,
  authorizationTimeoutMs: 60_000,
  pingTimeoutMs: 200,
  listWaitMs: 10_000,
  closeGraceMs: 200,
  callGraceMs: 0,
  maxMessageBytes: 1024 * 1024,
  maxDescriptionChars: 200,
  maxOutputSchemaChars: 800,
  readsLinked: true,
  maxSchemaBytes: 16 * 1024,
  maxResultTokens: 100,
  maxImageBytes: 1024,
  maxTools: 100,
  maxConcurrent: 64,
  requestTimeoutMs: 10_000,
  maxListed: 100,
  maxQuestions: 3,
  maxQuestionBytes: 2000,
  maxInstructionsChars: 2000,
  minPollIntervalMs: 10,
  maxPollIntervalMs: 1_000,
};

/** The configuration block of the misbehaving server. */
export function stdioServer(name: string, env: Record<string, string> = {}): StdioServer {
  const script = join(import.meta.dirname, 'mcp-stdio-server.ts');
  return {
    kind: 'stdio',
    user: null,
    name,
    command: process.execPath,
    args: [script],
    cwd: tmpdir(),
    env: { ...compileCache, ...env },
    protocol: 'legacy_first',
    includeTools: null,
    excludeTools: [],
    autoApprove: null,
    maxConcurrent: null,
    startTimeoutMs: null,
    toolTimeoutMs: null,
    toolTimeouts: {},
  };
}

export function httpServer(name: string, url: string, protocol: HttpServer['protocol'] = 'auto'): HttpServer {
  return {
    kind: 'http',
    name,
    url,
    headers: {},
    protocol,
    oauth: null,
    includeTools: null,
    excludeTools: [],
    autoApprove: null,
    maxConcurrent: null,
    startTimeoutMs: null,
    toolTimeoutMs: null,
    toolTimeouts: {},
  };
}

export interface TestOptions extends Partial<McpServersLimits> {
  authorization?: Partial<AuthorizerOptions>;
  answers?: Partial<ClientFeaturesOptions>;
}

export async function startMcpServers(
  servers: ServerBlock[],
  { authorization = {}, answers = {}, ...overrides }: TestOptions = {},
) {
  const lines: string[] = [];
  let calls = 0;
  const folder = mkdtempSync(join(tmpdir(), 'parley-mcp-servers-'));
  const host = createMcpServers({
    servers,
    limits: { ...limits, ...overrides },
    clientVersion: '0.0.0',
    clientFeatures: {
      roots: [],
      sampling: { permission: 'never', maxTokens: 1, requestsPerCall: 1, sample: async () => null },
      ...answers,
    },
    authorization: {
      credentialsFile: join(folder, 'credentials.json'),
      callbackPort: 0,
      callbackUrl: null,
      clientMetadataUrl: null,
      ...authorization,
    },
    log: (server, line) => lines.push(`${server}: ${line}`),
  });
  const actors = new Map(
    host.inputs.map((input) => {
      const actor = createActor(host.logic, { input });
      actor.start();
      host.attach(input.name, actor);
      return [input.name, actor] as const;
    }),
  );

  const actor = (name: string) => {
    const found = actors.get(name);
    assert.ok(found, `no server ${name}`);
    return found;
  };
  const tool = (name: string) => {
    const found = host.tools().find((each) => each.name === name);
    assert.ok(
      found,
      `no tool ${name} among ${host
        .tools()
        .map((each) => each.name)
        .join(' ')}`,
    );
    return found;
  };
  const callTool = (
    called: Parameters<typeof host.call>[0],
    args: Record<string, unknown> = {},
    options: Partial<CallOptions> = {},
  ): Promise<CallEnd> =>
    host.call(called, args, {
      signal: new AbortController().signal,
      timeoutMs: 10_000,
      onProgress: () => undefined,
      onLog: () => undefined,
      resume: null,
      requestInput: () => null,
      taskTimeoutMs: 10_000,
      place: ['owner', 'conversation', String((calls += 1))],
      ...options,
    });

  return {
    host,
    lines,
    actor,
    tool,
    /** Waits until the chart of `name` is in a state with this name. */
    reaches: (name: string, state: string) =>
      waitFor(actor(name), ({ value }) => serverState(value) === state, { timeout: 90_000 }),
    call: (name: string, args: Record<string, unknown> = {}, options: Partial<CallOptions> = {}) =>
      callTool(tool(name), args, options),
    /** Calls a tool by any definition, also an old or an unknown one. */
    callTool,
    async stop() {
      for (const each of actors.values()) each.send({ type: 'server.drain' });
      await Promise.all(
        [...actors.values()].map((each) => waitFor(each, ({ status }) => status === 'done', { timeout: 90_000 })),
      );
      await host.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A file to which a test server appends words. `wait` resolves when `word` is there `times` times. */
export function createJournal() {
  const folder = mkdtempSync(join(tmpdir(), 'parley-mcp-'));
  const file = join(folder, 'journal');
  const words = () => (existsSync(file) ? readFileSync(file, 'utf8').split('\n') : []);
  const count = (word: string) => words().filter((each) => each === word).length;
  return {
    file,
    count,
    wait: (word: string, times = 1) =>
      new Promise<void>((resolve) => {
        const look = () => {
          if (count(word) < times) return;
          watcher.close();
          resolve();
        };
        const watcher = watch(folder, look);
        look();
      }),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // A zombie has ended; its parent has not collected it yet.
    return !/^State:\s+Z/m.test(existsSync('/proc') ? readFileSync(`/proc/${pid}/status`, 'utf8') : '');
  } catch {
    return false;
  }
}
