/** Proofs for `chat.service`. */
import { startTasks } from './task-server.ts';
import assert from 'node:assert/strict';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { z } from 'zod';
import { ParleyError } from '../../src/client/errors.ts';
import { startHttpServer } from '../support/mcp-http-server.ts';
import { readMetrics } from '../support/metrics.ts';
import { says, saysStepwise, stalls } from '../support/model/replies.ts';
import { asks } from '../support/model/tool-calls.ts';
import { demoServer, misbehavingServer } from '../support/parley.ts';
import { eventually } from '../support/eventually.ts';
import { connectClient, readAll } from '../support/typed-client.ts';
import { startScriptedReload, type Proof, type Scripted } from './proofs.ts';
import { startReloadable } from './scene.ts';

const inC1 = { conversationId: 'c1' };
const service = (settings: Record<string, unknown>) => ({ chat: { service: settings } });

/** The result of one call, as the turn's followers see it. */
async function resultOf({ model, client }: Scripted, name: string, args: Record<string, unknown> = {}) {
  model.script(asks([{ name, arguments: args }]), says('I see.'));
  const chunks = await readAll(client.chat('go', inC1));
  return { chunks, result: chunks.find((chunk) => chunk.type === 'tool_result') };
}

/** Of an answer that is held back behind its first words, the first words. */
async function firstWords({ model, client }: Scripted) {
  const held = saysStepwise('It ', 'was.');
  model.script(held.reply);
  const turn = client.chat('tell', inC1);
  held.release(1);
  for await (const chunk of turn) if (chunk.type === 'text') break;
  held.release();
  return turn.end;
}

const exceeds = (budget: string) => (error: unknown) =>
  error instanceof ParleyError && error.code === 'budget_exceeded' && error.data['budget'] === budget;

export const chatProofs: Proof[] = [
  {
    keys: ['chat.service.system_prompt'],
    shows: 'the first message of every context',
    async prove(t) {
      const { scene, model, client } = await startScriptedReload(t);
      await scene.reload(service({ system_prompt: 'Speak like a pirate.' }));
      await client.chat('Hi').end;
      assert.equal(model.requests[0]?.body.messages[0]?.content, 'Speak like a pirate.');
    },
  },
  {
    keys: ['chat.service.streaming.enabled'],
    shows: 'that answers are sent as they are written',
    async prove(t) {
      const scripted = await startScriptedReload(t, { config: service({ streaming: { enabled: false } }) });
      await scripted.scene.reload(service({ streaming: { enabled: true } }));
      await firstWords(scripted);
    },
  },
  {
    keys: ['chat.service.streaming.flush_ms'],
    shows: 'the time between two chunks',
    async prove(t) {
      const scripted = await startScriptedReload(t, { config: service({ streaming: { flush_ms: 60_000 } }) });
      await scripted.scene.reload(service({ streaming: { flush_ms: 0 } }));
      await firstWords(scripted);
    },
  },
  {
    keys: ['chat.service.streaming.draft_interval'],
    shows: 'that drafts are saved',
    async prove(t) {
      const { scene, model, client } = await startScriptedReload(t, {
        config: service({ streaming: { draft_interval: 0 } }),
      });
      await scene.reload(service({ streaming: { draft_interval: 0.05 } }));
      const held = saysStepwise('It ', 'was.');
      model.script(held.reply);
      const turn = client.chat('tell', inC1);
      held.release(1);
      const db = new Database(join(scene.folder, 'events.db'), { readonly: true });
      t.after(() => db.close());
      await eventually(() => db.prepare('SELECT 1 FROM drafts').all().length === 1, 'a draft');
      held.release();
      await turn.end;
    },
  },
  {
    keys: [
      'chat.service.context.max_tokens',
      'chat.service.context.reserve_tokens',
      'chat.service.context.preserve_recent',
    ],
    shows: 'the window, larger and smaller, also of a conversation that is in memory',
    async prove(t) {
      const { scene, model, client } = await startScriptedReload(t, {
        config: service({ context: { max_tokens: 64, reserve_tokens: 0, preserve_recent: 1 } }),
      });
      const shown = async (text: string) => {
        await client.chat(text, inC1).end;
        return model.requests
          .at(-1)
          ?.body.messages.filter(({ role }) => role === 'user')
          .map(({ content }) => String(content).slice(0, 1));
      };
      const long = ' word'.repeat(40);
      await shown(`1${long}`);
      assert.deepEqual(await shown(`2${long}`), ['2']);
      await scene.reload(service({ context: { max_tokens: 4000 } }));
      assert.deepEqual(await shown(`3${long}`), ['1', '2', '3']);
      await scene.reload(service({ context: { max_tokens: 64 } }));
      assert.deepEqual(await shown(`4${long}`), ['4']);
      await scene.reload(service({ context: { preserve_recent: 3 } }));
      assert.deepEqual(await shown(`5${long}`), ['4', '5']);
      await scene.reload(service({ context: { max_tokens: 4000, preserve_recent: 1, reserve_tokens: 3950 } }));
      assert.deepEqual(await shown(`6${long}`), ['6']);
    },
  },
  {
    keys: ['chat.service.max_tool_hops'],
    shows: 'the rounds of tool calls',
    async prove(t) {
      const scripted = await startScriptedReload(t, { mcpServers: demoServer });
      await scripted.scene.reload(service({ max_tool_hops: 0 }));
      const { result } = await resultOf(scripted, 'add', { a: 2, b: 3 });
      assert.notEqual(result?.data, '5');
      assert.equal(scripted.model.requests.length, 1);
    },
  },
  {
    keys: ['chat.service.tools.timeout', 'chat.service.tools.max_timeout'],
    shows: 'the time of a call',
    async prove(t) {
      const scripted = await startScriptedReload(t, { mcpServers: misbehavingServer() });
      await scripted.scene.reload(service({ tools: { timeout: 0.2 } }));
      assert.equal((await resultOf(scripted, 'hang')).result?.status, 'timed_out');
      await scripted.scene.reload(service({ tools: { timeout: 60, max_timeout: 0.2 } }));
      assert.equal((await resultOf(scripted, 'progress', { steps: 1000 })).result?.status, 'timed_out');
    },
  },
  {
    keys: ['chat.service.tools.task_timeout'],
    shows: 'the time of a call that its server runs as a task',
    async prove(t) {
      const works = await startTasks(t);
      const scripted = await startScriptedReload(t, { mcpServers: { works: { url: works.url } } });
      await scripted.scene.reload(service({ tools: { task_timeout: 0.2 } }));
      assert.equal((await resultOf(scripted, 'job', { polls: 100_000 })).result?.status, 'timed_out');
    },
  },
  {
    keys: ['chat.service.tools.max_concurrent'],
    shows: 'the calls of one answer at the same time',
    async prove(t) {
      const { scene, model, client } = await startScriptedReload(t, { mcpServers: misbehavingServer() });
      await scene.reload(service({ tools: { max_concurrent: 1 } }));
      model.script(asks([{ name: 'slow', arguments: { ms: 300 } }, { name: 'count' }]), says('Done.'));
      const results = (await readAll(client.chat('go'))).filter((chunk) => chunk.type === 'tool_result');
      assert.deepEqual(
        results.map(({ name }) => name),
        ['slow', 'count'],
      );
    },
  },
  {
    keys: ['chat.service.tools.repeat'],
    shows: 'whether a call that was lost is made once more',
    async prove(t) {
      const scripted = await startScriptedReload(t, { mcpServers: misbehavingServer() });
      await scripted.scene.reload(service({ tools: { repeat: { odd: 'always' } } }));
      const { chunks } = await resultOf(scripted, 'crash');
      assert.equal(chunks.filter((chunk) => chunk.type === 'tool_call').length, 2);
    },
  },
  {
    keys: [
      'chat.service.tools.permission',
      'chat.service.tools.permission_by_hint.read_only',
      'chat.service.tools.permission_by_hint.additive',
      'chat.service.tools.permission_by_hint.destructive',
    ],
    shows: 'which tools are offered',
    async prove(t) {
      const { scene, model, client } = await startScriptedReload(t, {
        mcpServers: { ...demoServer, ...misbehavingServer() },
      });
      const offered = async () => {
        await client.chat('Hi', inC1).end;
        const names = model.requests.at(-1)?.body.tools?.map((tool) => tool.function.name) ?? [];
        return ['add', 'word_count', 'count', 'hang'].filter((name) => names.includes(name));
      };
      assert.deepEqual(await offered(), ['add', 'word_count', 'count', 'hang']);
      await scene.reload(service({ tools: { permission: { 'demo.add': 'never' } } }));
      assert.deepEqual(await offered(), ['word_count', 'count', 'hang']);
      await scene.reload(service({ tools: { permission_by_hint: { read_only: 'never' } } }));
      assert.deepEqual(await offered(), ['count', 'hang']);
      await scene.reload(service({ tools: { permission_by_hint: { additive: 'never' } } }));
      assert.deepEqual(await offered(), ['hang']);
      await scene.reload(service({ tools: { permission_by_hint: { destructive: 'never' } } }));
      assert.deepEqual(await offered(), []);
    },
  },
  {
    keys: ['chat.service.tools.approval_timeout'],
    shows: 'the time that a person has to answer',
    async prove(t) {
      const scripted = await startScriptedReload(t, {
        mcpServers: demoServer,
        config: service({ tools: { permission: { demo: 'ask' } } }),
      });
      await scripted.scene.reload(service({ tools: { approval_timeout: 0.2 } }));
      assert.equal((await resultOf(scripted, 'add', { a: 2, b: 3 })).result?.status, 'denied');
    },
  },
  {
    keys: ['chat.service.tools.max_result_tokens'],
    shows: 'how much of a result the model is shown, over the connection that there is',
    async prove(t) {
      const scripted = await startScriptedReload(t, { mcpServers: misbehavingServer() });
      await scripted.scene.reload(service({ tools: { max_result_tokens: 16 } }));
      await resultOf(scripted, 'big', { chars: 4_000 });
      const shown = scripted.model.requests[1]?.body.messages.at(-1)?.content;
      assert.ok(String(shown).length < 1_000, `${String(shown).length} characters`);
    },
  },
  {
    keys: ['chat.service.tools.max_image_size', 'chat.service.context.max_images'],
    shows: 'which images of results the client and the model get, over the connection that there is',
    async prove(t) {
      const camera = await startHttpServer({
        era: 'stateless',
        offer: (server) =>
          server.registerTool('picture', { inputSchema: z.object({}) }, () => ({
            content: [{ type: 'image', data: 'AAAA', mimeType: 'image/png' }],
          })),
      });
      t.after(camera.stop);
      const scripted = await startScriptedReload(t, { mcpServers: { camera: { url: camera.url } } });
      const lastOf = () => scripted.model.requests.at(-1)?.body.messages.at(-1)?.role;
      await resultOf(scripted, 'picture');
      assert.equal(lastOf(), 'user', 'the message with the image');
      await scripted.scene.reload(service({ context: { max_images: 0 } }));
      const { result } = await resultOf(scripted, 'picture');
      assert.ok(result?.type === 'tool_result' && result.images?.length === 1);
      assert.equal(lastOf(), 'tool');
      await scripted.scene.reload(service({ tools: { max_image_size: 2 } }));
      const { result: later } = await resultOf(scripted, 'picture');
      assert.ok(later?.type === 'tool_result' && later.images === undefined);
    },
  },
  {
    keys: [
      'chat.service.budget.turn_tokens',
      'chat.service.budget.turn_cost',
      'chat.service.budget.conversation_tokens',
      'chat.service.budget.conversation_cost',
    ],
    shows: 'what may be spent',
    async prove(t) {
      const prices = { 'scripted-model': { input: 1, output: 2 } };
      const { scene, client } = await startScriptedReload(t, {
        config: { llm: { providers: { scripted: { prices } } } },
      });
      await client.chat('Hi', inC1).end;
      await scene.reload(service({ budget: { conversation_tokens: 1 } }));
      await assert.rejects(client.chat('Hi', inC1).end, exceeds('conversation_tokens'));
      await scene.reload(service({ budget: { conversation_tokens: 0, conversation_cost: 0.000001 } }));
      await assert.rejects(client.chat('Hi', inC1).end, exceeds('conversation_cost'));
      await scene.reload(service({ budget: { conversation_cost: 0 } }));
      await client.chat('Hi', inC1).end;
    },
  },
  {
    keys: ['chat.service.queue_length'],
    shows: 'how many messages may wait, of a conversation that is in memory',
    async prove(t) {
      const { scene, model, client } = await startScriptedReload(t);
      const held = saysStepwise('One.');
      model.script(held.reply);
      const one = client.chat('1', inC1);
      await model.request(1);
      await scene.reload(service({ queue_length: 0 }));
      const impatient = connectClient(t, scene.url, { retryTimeoutMs: 0 });
      await assert.rejects(impatient.chat('2', inC1).end, { code: 'overloaded' });
      held.release();
      await one.end;
    },
  },
  {
    keys: ['chat.service.max_running_turns'],
    shows: 'the turns at work at once, fewer and more',
    async prove(t) {
      const { scene, model, client } = await startScriptedReload(t);
      const held = saysStepwise('One.');
      model.script(held.reply);
      const one = client.chat('1', inC1);
      await model.request(1);
      await scene.reload(service({ max_running_turns: 1 }));
      const two = client.chat('2', { conversationId: 'c2' });
      for await (const chunk of two) if (chunk.type === 'notice' && chunk.kind === 'queued_for_turn') break;
      await scene.reload(service({ max_running_turns: 2 }));
      await two.end;
      held.release();
      await one.end;
    },
  },
  {
    keys: ['chat.service.max_turn_time'],
    shows: 'the longest time of a turn',
    async prove(t) {
      const { scene, model, client } = await startScriptedReload(t);
      await scene.reload(service({ max_turn_time: 0.1 }));
      model.script(stalls('Once '));
      await assert.rejects(client.chat('Hi').end, { code: 'turn_timeout' });
    },
  },
  {
    keys: ['chat.service.max_text_length'],
    shows: 'the length of a message, on a socket that is open',
    async prove(t) {
      const { scene, client } = await startScriptedReload(t, { config: service({ max_text_length: 3 }) });
      await client.chat('Hi').end;
      await scene.reload(service({ max_text_length: 1_000 }));
      await client.chat('Longer than three characters').end;
      await scene.reload(service({ max_text_length: 3 }));
      await assert.rejects(client.chat('Longer than three characters').end, { code: 'invalid_request' });
    },
  },
  {
    keys: ['chat.service.max_metadata_size'],
    shows: 'the size of the metadata of a message, on a socket that is open',
    async prove(t) {
      const { scene, client } = await startScriptedReload(t);
      const metadata = { page: '/home' };
      await client.chat('Hi', { metadata }).end;
      await scene.reload(service({ max_metadata_size: 15 }));
      await assert.rejects(client.chat('Hi', { metadata }).end, { code: 'invalid_request' });
      await scene.reload(service({ max_metadata_size: 16 }));
      await client.chat('Hi', { metadata }).end;
    },
  },
  {
    keys: ['chat.service.idle_timeout'],
    shows: 'the quiet time after which a conversation leaves memory, and so one that is quiet already',
    async prove(t) {
      const scene = await startReloadable(t);
      const { url } = scene;
      await connectClient(t, url).chat('Hi', inC1).end;
      const live = async () => (await readMetrics(url)).get('parley_conversations_live');
      assert.equal(await live(), 1);
      await scene.reload(service({ idle_timeout: 0.05 }));
      await eventually(async () => (await live()) === 0, 'the conversation to leave memory');
    },
  },
  {
    keys: ['chat.service.log_cache_bytes'],
    shows: 'the memory for contexts',
    async prove(t) {
      const scene = await startReloadable(t);
      const { url } = scene;
      await connectClient(t, url).chat('Hi', inC1).end;
      const warm = async () => (await readMetrics(url)).get('parley_log_cache_bytes');
      assert.notEqual(await warm(), 0);
      await scene.reload(service({ log_cache_bytes: 1 }));
      assert.equal(await warm(), 0);
    },
  },
  {
    keys: ['chat.service.max_live_conversations'],
    shows: 'the conversations in memory; those that are there stay',
    async prove(t) {
      const scene = await startReloadable(t);
      const client = connectClient(t, scene.url);
      for (const conversationId of ['c1', 'c2']) await client.chat('Hi', { conversationId }).end;
      await scene.reload(service({ max_live_conversations: 1 }));
      await assert.rejects(client.chat('Hi', { conversationId: 'c3' }).end, { code: 'overloaded' });
      for (const conversationId of ['c1', 'c2']) await client.chat('Hi', { conversationId }).end;
    },
  },
];
