/**
 * Has a scenario for every error code: a server, real neighbours, and the actions of a client that cause the error.
 * Each resolves with the fault as sent. Those of providers are in provider-error-scenarios.ts.
 */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import Database from 'better-sqlite3';
import type { Fault } from '../../machines/log.ts';
import { AppError, fault, type ErrorCode } from '../../src/errors.ts';
import { rejectedConnection, type Client, type Received, type Turn } from '../support/client.ts';
import { startConversations } from '../support/conversations.ts';
import { says, saysStepwise, stalls } from '../support/model/replies.ts';
import { demoServer, startParley, startScripted, type ParleyOptions } from '../support/parley.ts';

export type ErrorScenario = (test: TestContext) => Promise<Fault>;

/** The fault of an error frame. Fails if the frame has none. */
export function faultIn({ error }: Received): Fault {
  assert.ok(error, 'no error came');
  return error;
}

/** The fault that a failed start throws. */
export async function failedStart(test: TestContext, options: ParleyOptions): Promise<Fault> {
  const [start] = await Promise.allSettled([startParley(test, options)]);
  assert.ok(start.status === 'rejected' && start.reason instanceof AppError, 'it started');
  const { code, message, data } = start.reason;
  return fault(code, message, data);
}

const c1 = { conversation_id: 'c1' };

/** A client in a turn of `c1` whose model stalls after its first word. */
async function duringTurn(test: TestContext, config: Record<string, unknown> = {}) {
  const { parley, client, model } = await startScripted(test, {
    config: { shutdown: { drain_timeout: 0.1 }, ...config },
  });
  model.script(stalls('Once '));
  client.send('chat', { text: 'A story', ...c1 }, 'r1');
  await client.waitFor((frame) => frame.chunk?.type === 'text', 'the first word');
  return { parley, client };
}

const ask =
  (action: string, payload: object): ErrorScenario =>
  async (test) => {
    const client = await (await startParley(test)).connect();
    return faultIn(await client.ask(action, payload));
  };

async function answerTo(client: Client, frame: string): Promise<Fault> {
  client.socket.send(frame);
  return faultIn(await client.waitFor(({ status }) => status === 'error', 'the refusal'));
}

/** The fault of a turn while another program holds the database. */
async function whileLocked(path: string, turn: () => Promise<Turn>): Promise<Fault> {
  const other = new Database(path);
  other.exec('BEGIN IMMEDIATE');
  try {
    return faultIn((await turn()).end);
  } finally {
    other.close();
  }
}

export const errorScenarios: Record<Exclude<ErrorCode, `provider_${string}`>, ErrorScenario> = {
  invalid_json: async (test) => answerTo(await (await startParley(test)).connect(), '{oops'),
  invalid_request: ask('chat', { text: 7 }),
  unknown_action: ask('dance', {}),
  async unauthorized(test) {
    const { url } = await startParley(test, {
      config: { auth: { mode: 'token', tokens: [{ subject: 'ann', sha256: '0'.repeat(64) }] } },
    });
    const {
      frames: [frame],
    } = await rejectedConnection(url);
    assert.ok(frame);
    return faultIn(frame);
  },
  async budget_exceeded(test) {
    const client = await (
      await startParley(test, { config: { chat: { service: { budget: { conversation_tokens: 1 } } } } })
    ).connect();
    await client.chat('Hi', c1);
    return faultIn((await client.chat('Hi', c1)).end);
  },
  async quota_exceeded(test) {
    const client = await (await startParley(test, { config: { quota: { tokens_per_day: 1 } } })).connect();
    await client.chat('Hi', c1);
    return faultIn((await client.chat('Hi', c1)).end);
  },
  async answer_timeout(test) {
    const { client, model } = await startScripted(test, { config: { llm: { max_answer_time: 0.2 } } });
    model.script(stalls('Once '));
    return faultIn((await client.chat('Hi', c1)).end);
  },
  async turn_timeout(test) {
    const { client, model } = await startScripted(test, { config: { chat: { service: { max_turn_time: 0.2 } } } });
    model.script(stalls('Once '));
    return faultIn((await client.chat('Hi', c1)).end);
  },
  not_found: ask('history', c1),
  async request_id_reused(test) {
    const client = await (await startParley(test)).connect();
    await client.chat('One', c1, 'r1');
    const from = client.frames.length;
    client.send('chat', { text: 'Another', ...c1 }, 'r1');
    return faultIn(await client.waitFor((frame) => client.frames.indexOf(frame) >= from, 'the refusal'));
  },
  async illegal_in_state(test) {
    const { client } = await duringTurn(test);
    return faultIn((await client.chat('Me too', { ...c1, mode: 'reject' })).end);
  },
  async overloaded(test) {
    const { client } = await duringTurn(test, { chat: { service: { queue_length: 0 } } });
    return faultIn((await client.chat('Me too', c1)).end);
  },
  async shutting_down(test) {
    const { parley, client } = await duringTurn(test, { shutdown: { drain_timeout: 0.5 } });
    const restarted = parley.restart();
    const refused = faultIn((await client.chat('Too late', { conversation_id: 'c2' })).end);
    await restarted;
    return refused;
  },
  async storage_failed(test) {
    const { parley, client } = await startScripted(test);
    await client.chat('Hi', c1);
    return whileLocked(parley.database, () => client.chat('Still there?', c1));
  },
  async conversation_failed(test) {
    const { parley, client, model } = await startScripted(test);
    const answer = saysStepwise('never stored');
    model.script(answer.reply);
    client.send('chat', { text: 'Hi', ...c1 }, 'r1');
    await answer.gates[0]?.reached;
    return whileLocked(parley.database, () => {
      answer.release();
      return client.turn('r1');
    });
  },
  async conversation_unavailable(test) {
    const { enter } = await startConversations(test, {
      crashBudget: { crashes: 1, crashWindowMs: 60_000 },
      append: () => () => {
        throw new Error('a part is broken');
      },
    });
    const ann = enter('ann');
    ann.chat('c1', 'r1');
    await ann.end('r1');
    ann.chat('c1', 'r2');
    return faultIn(await ann.end('r2'));
  },
  async conversation_deleted(test) {
    const { enter, model } = await startConversations(test);
    const ann = enter('ann');
    model.script(says('Hello'));
    ann.chat('c1', 'r1');
    await ann.end('r1');
    // In one tick: the deletion waits for the disk, and the message for the deletion.
    ann.delete('c1');
    ann.chat('c1', 'r2');
    return faultIn(await ann.end('r2'));
  },
  async recovery_failed(test) {
    const { parley } = await duringTurn(test, { chat: { service: { recovery: { mode: 'interrupt' } } } });
    await parley.restart();
    return faultIn((await (await parley.connect()).chat('A story', c1, 'r1')).end);
  },
  async mcp_unavailable(test) {
    const parley = await startParley(test, {
      mcpServers: { away: { command: 'no-such-program' } },
      config: { mcp: { connection: { connection_timeout: 0.2 } } },
    });
    return faultIn(await (await parley.connect()).ask('read_resource', { server: 'away', uri: 'memo://x' }));
  },
  async mcp_refused(test) {
    const parley = await startParley(test, { mcpServers: demoServer });
    return faultIn(await (await parley.connect()).ask('get_prompt', { server: 'demo', name: 'unknown' }));
  },
  async config_invalid(test) {
    const { url } = await startParley(test);
    return failedStart(test, { config: { chat: { websocket: { port: Number(new URL(url).port) } } } });
  },
  store_unavailable: (test) => failedStart(test, { config: { repository: { path: import.meta.dirname } } }),
  async internal(test) {
    const parley = await startParley(test);
    const client = await parley.connect();
    const other = new Database(parley.database);
    other.exec('ALTER TABLE conversations RENAME TO elsewhere');
    other.close();
    return faultIn(await client.ask('conversations'));
  },
};
