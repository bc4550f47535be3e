/** Checks that the model reads resources that the result of a tool links to, and only those that it may read. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { toolResultsIn } from '../support/interrupts.ts';
import { offerLinks } from '../support/mcp-links.ts';
import { startHttpServer } from '../support/mcp-http-server.ts';
import { says } from '../support/model/replies.ts';
import { asks } from '../support/model/tool-calls.ts';
import type { ModelServer } from '../support/model/server.ts';
import { readAll, startTyped } from '../support/typed-client.ts';

async function startLinks(t: TestContext, names: string[], tools: Record<string, unknown> = {}) {
  const server = await startHttpServer({ era: 'stateless', offer: offerLinks });
  t.after(server.stop);
  return startTyped(t, {
    mcpServers: Object.fromEntries(names.map((name) => [name, { url: server.url }])),
    config: { chat: { service: { tools } } },
  });
}

const offered = ({ requests }: ModelServer, request: number) =>
  (requests.at(request)?.body.tools ?? []).find((tool) => tool.function.name === 'read_resource')?.function;
const reading = (args: Record<string, unknown>) => asks([{ name: 'read_resource', arguments: args }]);

describe('a resource that a result links to', () => {
  it('is read by the model within the same turn, cut like any result', async (t) => {
    const { model, client } = await startLinks(t, ['files'], { max_result_tokens: 50 });
    model.script(asks([{ name: 'link' }]), reading({ uri: 'file:///plan.txt' }), says('North.'));
    const results = toolResultsIn(await readAll(client.chat('go')));
    assert.equal(offered(model, 0), undefined, 'it costs nothing before the first link');
    assert.deepEqual(offered(model, 1)?.parameters?.['required'], ['uri']);
    assert.equal(results[1]?.status, 'ok');
    assert.match(results[1]?.data ?? '', /^\[resource: file:\/\/\/plan\.txt\]\nGo north\..*cut.*The end\.$/s);
  });

  it('is shown to a model that sees, if it is an image', async (t) => {
    const { model, client } = await startLinks(t, ['files']);
    model.script(asks([{ name: 'link' }]), reading({ uri: 'file:///map.png' }), says('A map.'));
    const [, result] = toolResultsIn(await readAll(client.chat('go')));
    assert.deepEqual(result?.images, [{ mime_type: 'image/png', data: 'AAAA' }]);
    assert.match(JSON.stringify(model.requests.at(-1)?.body.messages.at(-1)), /data:image\/png;base64,AAAA/);
  });

  it('is read at the server that the model names, if several have linked', async (t) => {
    const { model, client } = await startLinks(t, ['one', 'two']);
    model.script(
      asks([{ name: 'one__link' }, { name: 'two__link' }]),
      reading({ uri: 'file:///plan.txt', server: 'two' }),
      reading({ uri: 'file:///none.txt', server: 'one' }),
      reading({ uri: 'file:///plan.txt', server: 'three' }),
      says('Done.'),
    );
    const results = toolResultsIn(await readAll(client.chat('go'))).slice(2);
    assert.deepEqual(
      results.map(({ status }) => status),
      ['ok', 'error', 'error'],
    );
    assert.match(results[1]?.data ?? '', /The MCP server "one" refused/);
    assert.match(results[2]?.data ?? '', /server/);
  });

  it('cannot be read if the configuration forbids the tool', async (t) => {
    const { model, client } = await startLinks(t, ['files'], { permission: { 'parley.read_resource': 'never' } });
    model.script(asks([{ name: 'link' }]), reading({ uri: 'file:///plan.txt' }), says('I see.'));
    const [, result] = toolResultsIn(await readAll(client.chat('go')));
    assert.equal(offered(model, 1), undefined);
    assert.equal(result?.status, 'denied');
  });
});
