/**
 * Starts the environment of runs: one real server with its model and its tools. Runs share it, because a start takes
 * longer than a run; each run has its own conversations.
 */
import type { Client } from '../support/client.ts';
import { startHttpServer } from '../support/mcp-http-server.ts';
import { startParley } from '../support/parley.ts';
import { startPacedModel, type PacedModel } from './paced-model.ts';

export interface Environment {
  readonly url: string;
  readonly model: PacedModel;
  /** Opens a socket besides those of the run. */
  connect(): Promise<Client>;
  restart(): Promise<void>;
  /**
   * Waits long enough for messages between the model, the server and its sockets to arrive. All of them are loopback in
   * this process.
   */
  flush(): Promise<void>;
  close(): Promise<void>;
}

const settings = {
  // Models of a run often break off their answers. An open circuit would stop all further answers.
  llm: { retry: { attempts: 1 }, circuit: { failures: 1000 } },
  chat: {
    service: { queue_length: 3, tools: { permission: { asks: 'ask' } } },
    websocket: { max_buffered_bytes: 262_144 },
  },
  repository: { synchronous: 'normal', persistence: { retention_policy: 'unlimited' } },
  // The next start recovers turns that a restart interrupts.
  shutdown: { drain_timeout: 0 },
};

export async function createEnvironment(): Promise<Environment> {
  const [model, tools] = await Promise.all([startPacedModel(), startHttpServer({ era: 'stateless' })]);
  const block = { url: tools.url, protocol: '2026-07-28' };
  const endings: (() => unknown)[] = [];
  const after = (end?: unknown) => void (typeof end === 'function' && endings.push(() => end()));
  const parley = await startParley(
    { after },
    { modelUrl: model.url, mcpServers: { free: block, asks: block }, config: settings },
  );
  let probe = await parley.connect();
  return {
    get url() {
      return parley.url;
    },
    model,
    connect: () => parley.connect(),
    async restart() {
      await parley.restart();
      probe = await parley.connect();
    },
    async flush() {
      await probe.ask('ping');
      await probe.ask('ping');
    },
    async close() {
      for (const end of endings) await end();
      await Promise.all([model.close(), tools.stop()]);
    },
  };
}
