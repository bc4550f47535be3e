/** Proofs for the `mcp` section. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { toolResultsIn } from '../support/interrupts.ts';
import { demandWaiting } from '../support/mcp-demands.ts';
import { startHttpServer } from '../support/mcp-http-server.ts';
import { offerLinks } from '../support/mcp-links.ts';
import { startTasks } from './task-server.ts';
import { says } from '../support/model/replies.ts';
import { asks } from '../support/model/tool-calls.ts';
import { demoServer, listedServer, misbehavingServer } from '../support/parley.ts';
import { eventually } from '../support/eventually.ts';
import { readAll, type RecordedClient } from '../support/typed-client.ts';
import { startScriptedReload, type Proof, type Scripted } from './proofs.ts';

const mcp = (settings: Record<string, unknown>) => ({ mcp: settings });

/** A server that asks for things, over one connection for all of the proof. */
async function startDemands(t: TestContext, config: Record<string, unknown> = {}): Promise<Scripted> {
  const demands = await startHttpServer({ era: 'sessions', offer: demandWaiting });
  t.after(demands.stop);
  return startScriptedReload(t, { mcpServers: { demands: { url: demands.url } }, config });
}

async function resultOf(
  { model, client }: Scripted,
  name: string,
  ...before: ReturnType<typeof says>[]
): Promise<string> {
  model.script(asks([{ name }]), ...before, says('I see.'));
  return toolResultsIn(await readAll(client.chat('go')))[0]?.data ?? '';
}

const stateOf = async (client: RecordedClient, name: string) =>
  (await client.tools()).servers.find((server) => server.name === name)?.state;

export const mcpProofs: Proof[] = [
  {
    keys: ['mcp.config_file'],
    shows: 'another list of servers',
    async prove(t) {
      const { scene, client } = await startScriptedReload(t, { mcpServers: misbehavingServer() });
      await writeFile(join(scene.folder, 'others.json'), JSON.stringify({ mcpServers: demoServer }));
      await scene.reload(mcp({ config_file: 'others.json' }));
      await eventually(async () => (await stateOf(client, 'demo')) === 'ready', 'the server of the other list');
      assert.equal(await stateOf(client, 'odd'), undefined);
    },
  },
  {
    keys: ['mcp.watch_config_file'],
    shows: 'whether a change of the list of servers is applied without a signal',
    async prove(t) {
      const { scene, client } = await startScriptedReload(t, { mcpServers: misbehavingServer() });
      await scene.reload(mcp({ watch_config_file: true }));
      await writeFile(join(scene.folder, 'servers.json'), JSON.stringify({ mcpServers: demoServer }));
      await eventually(async () => (await stateOf(client, 'demo')) === 'ready', 'the server of the changed list');
    },
  },
  {
    keys: ['mcp.connection.call_grace'],
    shows: 'how long a call runs on at a server that the same reload removes',
    async prove(t) {
      const { scene, model, client } = await startScriptedReload(t, {
        mcpServers: misbehavingServer(),
        config: mcp({ connection: { call_grace: 600 } }),
      });
      model.script(asks([{ name: 'hang' }]), says('I see.'));
      const turn = client.chat('go');
      for await (const chunk of turn) {
        if (chunk.type === 'tool_call') {
          scene.mcpServers = {};
          await scene.reload(mcp({ connection: { call_grace: 0 } }));
        }
        if (chunk.type === 'tool_result') assert.equal(chunk.status, 'outcome_unknown');
      }
    },
  },
  {
    keys: ['mcp.roots'],
    shows: 'the folders that servers get, the first ones too',
    async prove(t) {
      const scripted = await startDemands(t);
      await scripted.scene.reload(mcp({ roots: ['/srv/one'] }));
      await eventually(
        async () => (await stateOf(scripted.client, 'demands')) === 'ready',
        'the server to get the roots',
      );
      assert.equal(await resultOf(scripted, 'roots'), 'file:///srv/one');
      await scripted.scene.reload(mcp({ roots: ['/srv/two'] }));
      assert.equal(await resultOf(scripted, 'roots'), 'file:///srv/two');
    },
  },
  {
    keys: ['mcp.sampling.permission', 'mcp.sampling.max_tokens', 'mcp.sampling.requests_per_call'],
    shows: 'how servers may ask the model',
    async prove(t) {
      const scripted = await startDemands(t);
      await scripted.scene.reload(mcp({ sampling: { permission: 'always', max_tokens: 3 } }));
      assert.equal(await resultOf(scripted, 'summarize', says('0123456789abcdef')), 'summary: 0123456789ab');
      await scripted.scene.reload(mcp({ sampling: { requests_per_call: 1 } }));
      assert.match(await resultOf(scripted, 'insist', says('One.')), /has used up its requests/);
    },
  },
  {
    keys: ['mcp.resources_in_prompt.max_listed', 'mcp.resources_in_prompt.contents', 'mcp.resources_in_prompt.timeout'],
    shows: 'what of resources is in the system prompt',
    async prove(t) {
      const { scene, model, client } = await startScriptedReload(t, {
        mcpServers: demoServer,
        config: mcp({ resources_in_prompt: { max_listed: 0 } }),
      });
      const prompt = async () => {
        await client.chat('Hi').end;
        return String(model.requests.at(-1)?.body.messages[0]?.content);
      };
      assert.doesNotMatch(await prompt(), /parley:\/\/about/);
      await scene.reload(mcp({ resources_in_prompt: { max_listed: 5, timeout: 60 } }));
      assert.match(await prompt(), /parley:\/\/about/);
      await scene.reload(mcp({ resources_in_prompt: { contents: [{ server: 'demo', uri: 'parley://about' }] } }));
      assert.match(await prompt(), /The demo MCP server that comes with Parley/);
    },
  },
  {
    keys: [
      'mcp.connection.max_reconnect_attempts',
      'mcp.connection.failed_retry_delay',
      'mcp.connection.health_interval',
      'mcp.connection.initial_reconnect_delay',
      'mcp.connection.max_reconnect_delay',
      'mcp.connection.connection_timeout',
      'mcp.connection.start_timeout',
      'mcp.connection.fetch_timeout',
      'mcp.connection.tools_wait',
      'mcp.authorization.timeout',
    ],
    shows: 'when a server that is lost is tried again, for one that is connected',
    async prove(t) {
      const scripted = await startScriptedReload(t, { mcpServers: misbehavingServer() });
      await scripted.scene.reload(mcp({ connection: { max_reconnect_attempts: 0, failed_retry_delay: 600 } }));
      await resultOf(scripted, 'crash');
      assert.equal(await stateOf(scripted.client, 'odd'), 'failed');
    },
  },
  {
    keys: [
      'mcp.connection.request_timeout',
      'mcp.connection.list_wait',
      'mcp.connection.ping_timeout',
      'mcp.connection.close_grace',
    ],
    shows: 'how long the answer to a ping is waited for, over the connection that there is',
    async prove(t) {
      const { scene, model, client } = await startScriptedReload(t, {
        mcpServers: misbehavingServer(),
        config: mcp({ connection: { ping_timeout: 600 } }),
      });
      await scene.reload(
        mcp({
          connection: {
            ping_timeout: 0.2,
            request_timeout: 5,
            list_wait: 1,
            close_grace: 0.2,
            initial_reconnect_delay: 600,
            max_reconnect_delay: 600,
          },
        }),
      );
      model.script(asks([{ name: 'freeze' }]), says('I see.'));
      const turn = client.chat('go', { conversationId: 'c1' });
      turn.end.catch(() => undefined);
      for await (const chunk of turn) if (chunk.type === 'tool_call') await client.cancel('c1');
      await eventually(async () => (await stateOf(client, 'odd')) === 'backingOff', 'the silence to be found out');
    },
  },
  {
    keys: [
      'mcp.limits.max_tools',
      'mcp.limits.max_description_length',
      'mcp.limits.max_schema_size',
      'mcp.limits.max_listed',
      'mcp.limits.max_message_size',
    ],
    shows: 'what servers may offer, over the connection that there is',
    async prove(t) {
      const { scene, client } = await startScriptedReload(t, { mcpServers: demoServer });
      await scene.reload(mcp({ limits: { max_description_length: 16, max_message_size: 65_536 } }));
      await eventually(
        async () => (await client.tools()).tools.every(({ description }) => description.length <= 30),
        'shorter descriptions',
      );
      await scene.reload(mcp({ limits: { max_tools: 1, max_schema_size: 1024 } }));
      assert.equal((await client.tools()).tools.length, 1);
      await scene.reload(mcp({ limits: { max_tools: 256 } }));
      await eventually(async () => (await client.tools()).tools.length > 1, 'all tools');
    },
  },
  {
    keys: ['mcp.read_linked_resources'],
    shows: 'whether the model may read what a result links to, from the next hop on',
    async prove(t) {
      const files = await startHttpServer({ era: 'stateless', offer: offerLinks });
      t.after(files.stop);
      const { scene, model, client } = await startScriptedReload(t, { mcpServers: { files: { url: files.url } } });
      model.script(asks([{ name: 'link' }]), says('I see.'));
      await readAll(client.chat('go'));
      const offered = () => model.requests.at(-1)?.body.tools?.some((tool) => tool.function.name === 'read_resource');
      assert.equal(offered(), true);
      await scene.reload(mcp({ read_linked_resources: false }));
      await client.chat('Hi').end;
      assert.equal(offered(), false);
    },
  },
  {
    keys: ['mcp.limits.max_output_schema'],
    shows: 'whether the model gets the output schema of a tool, over the connection that there is',
    async prove(t) {
      const outputSchema = { type: 'object', properties: { km: { type: 'number' } } };
      const measure = { name: 'measure', inputSchema: { type: 'object' }, outputSchema };
      const { scene, client } = await startScriptedReload(t, { mcpServers: listedServer([measure]) });
      const hasSchema = async () => /"km"/.test((await client.tools()).tools[0]?.description ?? '');
      await eventually(hasSchema, 'a description with the schema');
      await scene.reload(mcp({ limits: { max_output_schema: 10 } }));
      await eventually(async () => !(await hasSchema()), 'a description without the schema');
    },
  },
  {
    keys: ['mcp.limits.max_instructions_length'],
    shows: 'the part of the instructions of a server in the system prompt, over the connection that there is',
    async prove(t) {
      const files = await startHttpServer({ era: 'sessions', instructions: 'Call count first.' });
      t.after(files.stop);
      const { scene, model, client } = await startScriptedReload(t, { mcpServers: { files: { url: files.url } } });
      const prompt = async () => {
        await client.chat('Hi').end;
        return String(model.requests.at(-1)?.body.messages[0]?.content);
      };
      assert.match(await prompt(), /Call count first/);
      await scene.reload(mcp({ limits: { max_instructions_length: 0 } }));
      assert.doesNotMatch(await prompt(), /Call count first/);
    },
  },
  {
    keys: ['mcp.tasks.min_poll_interval', 'mcp.tasks.max_poll_interval'],
    shows: 'the time between two requests for the state of a task',
    async prove(t) {
      const works = await startTasks(t);
      const scripted = await startScriptedReload(t, { mcpServers: { works: { url: works.url } } });
      const timeOf = async (args: object) => {
        const sinceMs = performance.now();
        scripted.model.script(asks([{ name: 'job', arguments: { polls: 0, ...args } }]), says('I see.'));
        await readAll(scripted.client.chat('go'));
        return performance.now() - sinceMs;
      };
      await scripted.scene.reload(mcp({ tasks: { min_poll_interval: 1 } }));
      assert.ok((await timeOf({ pollIntervalMs: 1 })) >= 999);
      await scripted.scene.reload(mcp({ tasks: { min_poll_interval: 0.02, max_poll_interval: 0.02 } }));
      // Without the maximum this would take a day.
      await timeOf({ pollIntervalMs: 86_400_000 });
    },
  },
  {
    keys: ['mcp.limits.max_concurrent'],
    shows: 'the calls that a server is at work on',
    async prove(t) {
      const { scene, model, client } = await startScriptedReload(t, { mcpServers: misbehavingServer() });
      await scene.reload(mcp({ limits: { max_concurrent: 1 } }));
      model.script(asks([{ name: 'slow', arguments: { ms: 300 } }, { name: 'count' }]), says('Done.'));
      assert.deepEqual(
        toolResultsIn(await readAll(client.chat('go'))).map(({ name }) => name),
        ['slow', 'count'],
      );
    },
  },
  {
    keys: ['mcp.limits.max_questions', 'mcp.limits.max_question_size'],
    shows: 'the questions that a call may ask',
    async prove(t) {
      const scripted = await startDemands(t);
      await scripted.scene.reload(mcp({ limits: { max_questions: 0, max_question_size: 1024 } }));
      assert.match(await resultOf(scripted, 'two'), /used up its questions/);
    },
  },
];
