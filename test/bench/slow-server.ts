/**
 * Measures the effect of a slow MCP server on calls to another one, as JSON: `node test/bench/slow-server.ts`, under a
 * minute. The server is the shipping one, with two real MCP servers over stdio. In each round a client makes one call
 * of the quick server a turn. It does so first without load, and then while a hundred conversations call the slow one,
 * which runs some of these calls and queues the others. Reported are the calls, from dispatch to result as the client
 * sees both, and the whole turns, in ms.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type Client } from '../support/client.ts';
import { says } from '../support/model-replies.ts';
import { startModelServer } from '../support/model-server.ts';
import { asks } from '../support/model-tool-calls.ts';
import { readRunnerOptions } from '../support/runner-options.ts';
import { createChildren } from './children.ts';
import { urlIn } from './subjects.ts';

readRunnerOptions(
  `Usage: node test/bench/slow-server.ts\n\nMeasures the effect of a slow MCP server on calls to another one, in under a minute. Prints JSON.\n`,
);

const rounds = 3;
const turnsEach = 200;
const waiting = 100;
/** Longer than a round takes. */
const slowMs = 600_000;

const file = (...path: string[]) => join(import.meta.dirname, ...path);

interface Figures {
  callMs: number[];
  turnMs: number[];
}

function quantiles(figures: number[]) {
  const sorted = figures.toSorted((a, b) => a - b);
  const at = (share: number) => Math.round((sorted[Math.floor(share * (sorted.length - 1))] ?? 0) * 100) / 100;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), most: at(1) };
}

/** Runs one turn after another, each with one call of the quick server. */
async function measure(client: Client, { callMs, turnMs }: Figures): Promise<void> {
  for (let turn = 0; turn < turnsEach; turn += 1) {
    const startedMs = performance.now();
    const requestId = client.send('chat', { text: 'quick', conversation_id: 'quick' });
    const chunkOf = (type: string) =>
      client.waitFor((frame) => frame.request_id === requestId && frame.chunk?.type === type, type);
    await chunkOf('tool_call');
    const calledMs = performance.now();
    await chunkOf('tool_result');
    callMs.push(performance.now() - calledMs);
    await client.turn(requestId);
    turnMs.push(performance.now() - startedMs);
    // The test client keeps all frames and searches them, so they are cleared.
    client.frames.length = 0;
  }
}

const folder = await mkdtemp(join(tmpdir(), 'parley-slow-'));
const children = createChildren();
const model = await startModelServer();
model.script(({ body: { messages } }) => {
  const last = messages.at(-1);
  if (last?.role === 'tool') return says('Done.');
  return last?.content === 'slow'
    ? asks([{ name: 'slow__slow', arguments: { ms: slowMs } }])
    : asks([{ name: 'quick__slow', arguments: { ms: 0 } }]);
});

try {
  const config = {
    llm: { active: 'scripted', providers: { scripted: { base_url: model.url, model: 'scripted-model' } } },
    chat: { websocket: { host: '127.0.0.1', port: 0 }, service: { tools: { timeout: slowMs / 1000 } } },
    repository: { path: join(folder, 'events.db'), synchronous: 'normal' },
    mcp: { config_file: 'servers.json', connection: { startup_wait: 30 } },
    logging: { level: 'error' },
    shutdown: { drain_timeout: 0 },
  };
  const mcpServer = { command: 'node', args: [file('..', 'support', 'mcp-stdio-server.ts')] };
  await writeFile(join(folder, 'config.yaml'), JSON.stringify(config));
  await writeFile(join(folder, 'servers.json'), JSON.stringify({ mcpServers: { slow: mcpServer, quick: mcpServer } }));
  const server = await children.start(
    [file('..', '..', 'src', 'main.ts'), '--config', join(folder, 'config.yaml')],
    join(folder, 'stderr.log'),
  );
  const url = urlIn(server);
  const client = await connect(url);
  await measure(client, { callMs: [], turnMs: [] });

  const calm: Figures = { callMs: [], turnMs: [] };
  const beside: Figures = { callMs: [], turnMs: [] };
  for (let round = 0; round < rounds; round += 1) {
    await measure(client, calm);
    const crowd = await connect(url);
    const ids = Array.from({ length: waiting }, (_, index) =>
      crowd.send('chat', { text: 'slow', conversation_id: `slow${index}` }, `slow${round}.${index}`),
    );
    for (const id of ids)
      await crowd.waitFor((frame) => frame.request_id === id && frame.chunk?.type === 'tool_call', 'the slow call');
    await measure(client, beside);
    for (const index of ids.keys()) crowd.send('cancel', { conversation_id: `slow${index}` });
    for (const id of ids) await crowd.turn(id);
    crowd.socket.terminate();
  }
  client.socket.terminate();
  const reportOf = ({ callMs, turnMs }: Figures) => ({ call: quantiles(callMs), turn: quantiles(turnMs) });
  process.stdout.write(
    `${JSON.stringify({ node: process.version, turns: rounds * turnsEach, waiting, calm: reportOf(calm), besideSlow: reportOf(beside) }, null, 2)}\n`,
  );
} finally {
  await children.stopAll();
  await model.close();
  await rm(folder, { recursive: true, force: true });
}
