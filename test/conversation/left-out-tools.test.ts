/** Checks that followers and the action `tools` say which tools a model does not get, and why. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { toolResultsIn } from '../support/interrupts.ts';
import { answersWith, fails, says } from '../support/model/replies.ts';
import { asks } from '../support/model/tool-calls.ts';
import { listedServer } from '../support/parley.ts';
import { readAll, startTyped } from '../support/typed-client.ts';

const noticesOf = (chunks: Awaited<ReturnType<typeof readAll<{ type: string }>>>) =>
  chunks.filter(({ type }) => type === 'notice');
const always = { chat: { service: { tools: { permission: { listed: 'always' } } } } };

describe('a tool that the model does not get', () => {
  it('is named in one notice a turn, and in the list of tools', async (t) => {
    const { client, model } = await startTyped(t, {
      mcpServers: listedServer([{ name: 'good' }, { name: 'bad' }]),
      config: always,
    });
    model.script(({ body }) => {
      const index = (body.tools ?? []).findIndex((tool) => JSON.stringify(tool).includes('"bad"'));
      const error = { message: `Invalid schema for function 'bad'`, param: `tools[${index}].function.parameters` };
      if (index >= 0) return answersWith('application/json', JSON.stringify({ error }), 400);
      return body.messages.at(-1)?.role === 'user' ? asks([{ name: 'good' }]) : says('Done.');
    });
    const notice = {
      type: 'notice',
      kind: 'tools_left_out',
      data: 'Not offered to model "scripted-model" of provider "scripted", because the model rejects the declaration: bad.',
      provider: 'scripted',
    };
    for (const text of ['first', 'second']) {
      const chunks = await readAll(client.chat(text));
      assert.deepEqual(noticesOf(chunks), [notice]);
      assert.equal(toolResultsIn(chunks).length, 1);
    }
    assert.equal(model.requests.length, 5);
    const { tools } = await client.tools();
    assert.deepEqual(
      tools.map(({ name, left_out }) => [name, left_out]),
      [
        ['good', null],
        ['bad', 'the model rejects the declaration'],
      ],
    );
  });

  it('is named once, also if the request is repeated', async (t) => {
    const { client, model } = await startTyped(t, {
      mcpServers: listedServer([{ name: 'a' }, { name: 'b' }]),
      config: { ...always, llm: { providers: { scripted: { max_tools: 1 } } } },
    });
    model.script(() => (model.requests.length < 3 ? fails(500, 'try again') : says('Hello.')));
    const chunks = await readAll(client.chat('Hi'));
    assert.deepEqual(
      noticesOf(chunks).map((chunk) => 'kind' in chunk && chunk.kind),
      ['tools_left_out', 'retrying', 'retrying'],
    );
  });

  it('is one beyond the number that its provider takes', async (t) => {
    const { client, model } = await startTyped(t, {
      mcpServers: listedServer(Array.from({ length: 140 }, (_, index) => ({ name: `t${index}` }))),
      config: always,
    });
    model.script(says('Hello.'));
    const [notice] = noticesOf(await readAll(client.chat('Hi')));
    assert.match(
      JSON.stringify(notice),
      /a request takes 128 tools \(llm\.providers\.scripted\.max_tools\): t128, .*t137 and 2 more\./,
    );
    assert.equal(model.requests[0]?.body.tools?.length, 128);
  });
});
