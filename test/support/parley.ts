/**
 * Starts the real server for a test: a real port, a database file in a folder of its own, and real MCP servers as
 * configured. Everything is stopped and removed when the test ends.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext } from 'node:test';
import { pino } from 'pino';
import { createLiveSettings } from '../../src/config/live-settings.ts';
import { configSchema } from '../../src/config/schema/schema.ts';
import { startServer, type Server } from '../../src/server.ts';
import { connect, type Client, type ConnectOptions } from './client.ts';
import { compileCache } from './compile-cache.ts';
import { demoUrl } from './demo-server.ts';
import { merge } from './merge.ts';
import { startModelServer, type ModelServer } from './model/server.ts';
import { patientMcp, patientSockets } from './patient-timeouts.ts';

export interface Parley {
  readonly url: string;
  readonly folder: string;
  readonly database: string;
  connect(options?: ConnectOptions): Promise<Client>;
  /** Stops the server and starts another one on the same database. */
  restart(): Promise<void>;
}

export interface ParleyOptions {
  /** Base URL of an OpenAI-compatible server. Without it the demo model answers at once. */
  modelUrl?: string;
  /** `mcpServers` of the servers' file. */
  mcpServers?: Record<string, unknown>;
  /** Any part of the configuration. */
  config?: Record<string, unknown>;
  /** The server's environment, with the keys of providers. */
  env?: Record<string, string>;
}

const projectFolder = join(import.meta.dirname, '..', '..');

/** The bundled demo MCP server, over HTTP. */
export const demoServer = { demo: { url: demoUrl } };

/** The test server that hangs, fails, crashes and floods; `env` selects what it does. */
export function misbehavingServer(env: Record<string, string> = {}) {
  return {
    odd: {
      command: 'node',
      args: [join(projectFolder, 'test/support/mcp-stdio-server.ts')],
      cwd: projectFolder,
      env: { ...compileCache, ...env },
    },
  };
}

/** A server named `listed` with these tools. A call returns its arguments as JSON. */
export function listedServer(tools: readonly Record<string, unknown>[], env: Record<string, string> = {}) {
  return {
    listed: {
      command: 'node',
      args: [join(projectFolder, 'test/support/mcp-listed-program.ts')],
      cwd: projectFolder,
      env: { ...compileCache, TEST_TOOLS: JSON.stringify(tools), ...env },
    },
  };
}

/**
 * Starts a scripted model and a server that uses it. When the test ends, the histories that the model received must be
 * valid.
 */
export async function serveScripted(
  test: TestContext,
  options: Omit<ParleyOptions, 'modelUrl'> = {},
): Promise<{ parley: Parley; model: ModelServer }> {
  const model = await startModelServer();
  const parley = await startParley(test, { ...options, modelUrl: model.url }).catch(async (error: unknown) => {
    await model.close();
    throw error;
  });
  test.after(async () => {
    await model.close();
    assert.deepEqual(model.violations, [], 'the model got an invalid history');
  });
  return { parley, model };
}

/** The same as `serveScripted`, with a plain client. */
export async function startScripted(
  test: TestContext,
  options: Omit<ParleyOptions, 'modelUrl'> = {},
): Promise<{ parley: Parley; model: ModelServer; client: Client }> {
  const { parley, model } = await serveScripted(test, options);
  return { parley, model, client: await parley.connect() };
}

/**
 * Starts servers that the tests of a file share, one for each configuration; they end after the last test. For tests
 * that leave nothing behind.
 */
export function shareServers(): (config?: Record<string, unknown>) => Promise<Parley> {
  const servers = new Map<string, Promise<Parley>>();
  const ends: (() => Promise<void>)[] = [];
  after(async () => {
    for (const end of ends) await end();
  });
  return (config = {}) => {
    const key = JSON.stringify(config);
    const server = servers.get(key) ?? startParley({ after: (end) => void ends.push(end) }, { config });
    servers.set(key, server);
    return server;
  };
}

/** Starts a server; `test` is a test or another object whose `after` stops it. */
export async function startParley(
  test: { after(end: () => Promise<void>): void },
  { modelUrl, mcpServers = {}, config = {}, env = {} }: ParleyOptions = {},
): Promise<Parley> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-'));
  const serversFile = join(folder, 'servers.json');
  await writeFile(serversFile, JSON.stringify({ mcpServers }));
  const database = join(folder, 'events.db');
  const llm =
    modelUrl === undefined
      ? { active: 'demo', demo: { chunk_delay_ms: 0 } }
      : {
          active: 'scripted',
          retry: { budget: 10 },
          providers: { scripted: { base_url: modelUrl, model: 'scripted-model' } },
        };
  const settings = configSchema.parse(
    merge(
      {
        llm,
        chat: { websocket: { ...patientSockets, port: 0 } },
        repository: { path: database },
        mcp: {
          config_file: serversFile,
          connection: { ...patientMcp, startup_wait: 10, tools_wait: 60 },
          authorization: { credentials_file: join(folder, 'credentials.json'), callback_port: 0 },
        },
        shutdown: { drain_timeout: 2 },
      },
      config,
    ),
  );
  const start = () =>
    startServer({
      settings: createLiveSettings(settings),
      readConfig: async () => settings,
      version: 'test',
      env,
      log: pino({ level: process.env['PARLEY_TEST_LOG'] ?? 'silent' }),
    });

  let server: Server = await start().catch(async (error: unknown) => {
    await rm(folder, { recursive: true, force: true });
    throw error;
  });
  const clients: Client[] = [];
  const closeClients = async () => {
    for (const client of clients.splice(0)) client.socket.terminate();
  };
  test.after(async () => {
    await closeClients();
    await server.close();
    await rm(folder, { recursive: true, force: true });
  });
  return {
    get url() {
      return server.summary.url.replace('localhost', '127.0.0.1');
    },
    folder,
    database,
    async connect(options) {
      const client = await connect(server.summary.url.replace('localhost', '127.0.0.1'), options);
      clients.push(client);
      return client;
    },
    async restart() {
      await server.close();
      server = await start();
    },
  };
}
