/** Names in the configuration that no MCP server or tool has: the log warns of each, with the name that was probably meant. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { demoServer } from '../support/parley.ts';
import { createHome, eventually, type HomeOptions } from '../support/server-process.ts';

/** The warnings of a server, without their times, once its MCP servers are ready. */
async function warningsOf(t: TestContext, options: HomeOptions, expected: number): Promise<Record<string, unknown>[]> {
  const server = (await createHome(t, options)).start();
  await server.listening;
  const lines = () =>
    server.output.stderr
      .trimEnd()
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line): Record<string, unknown> => JSON.parse(line));
  await eventually(
    () =>
      lines().some((line) => line['msg'] === 'MCP server ready') &&
      lines().filter((line) => line['level'] === 40).length >= expected,
    'the warnings',
  );
  server.kill('SIGTERM');
  await server.exited;
  return lines()
    .filter((line) => line['level'] === 40)
    .map(({ level: _level, time: _time, ...fields }) => fields);
}

const noServer = 'the configuration names an MCP server that is not enabled';
const noTool = 'the configuration names a tool that its MCP server does not offer';

describe('a configuration that names MCP servers and tools', () => {
  it('is warned of at the start where there is no such server, and with the first list where there is no such tool', async (t) => {
    const tools = {
      permission: { demo: 'always', 'demo.add': 'ask', 'demo.ad': 'never', dmeo: 'ask', 'other.tool': 'never' },
      repeat: { 'demo.nonsense': 'always' },
    };
    const config = {
      chat: { service: { tools } },
      mcp: { resources_in_prompt: { contents: [{ server: 'files', uri: 'file:///a' }] } },
    };
    const warnings = await warningsOf(t, { mcpServers: demoServer, config }, 5);
    assert.deepEqual(
      warnings.toSorted((one, other) => String(one['name']).localeCompare(String(other['name']))),
      [
        { key: 'chat.service.tools.permission', name: 'demo.ad', did_you_mean: 'demo.add', msg: noTool },
        { key: 'chat.service.tools.repeat', name: 'demo.nonsense', msg: noTool },
        { key: 'chat.service.tools.permission', name: 'dmeo', did_you_mean: 'demo', msg: noServer },
        { key: 'mcp.resources_in_prompt.contents', name: 'files', msg: noServer },
        { key: 'chat.service.tools.permission', name: 'other.tool', msg: noServer },
      ],
    );
  });

  it('is warned of where includeTools or excludeTools of a server name none of its tools', async (t) => {
    const mcpServers = {
      demo: { ...demoServer.demo, includeTools: ['add', 'word_cuont'], excludeTools: ['erase_everything'] },
    };
    assert.deepEqual(await warningsOf(t, { mcpServers }, 2), [
      {
        server: 'demo',
        msg: 'it has no tool "word_cuont", which is listed under includeTools of its block; did you mean "word_count"?',
      },
      { server: 'demo', msg: 'it has no tool "erase_everything", which is listed under excludeTools of its block' },
    ]);
  });

  it('causes no warning where every name is right', async (t) => {
    const config = { chat: { service: { tools: { permission: { demo: 'ask', 'demo.add': 'always' } } } } };
    const mcpServers = { demo: { ...demoServer.demo, excludeTools: ['word_count'] } };
    assert.deepEqual(await warningsOf(t, { mcpServers, config }, 0), []);
  });
});
