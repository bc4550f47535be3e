/** Checks that the model, the approver, the followers and the server see the same arguments of a call. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nextInterrupt, toolResultsIn } from '../support/interrupts.ts';
import { listedServer } from '../support/parley.ts';
import { says } from '../support/model/replies.ts';
import { asks } from '../support/model/tool-calls.ts';
import { readAll, startTyped } from '../support/typed-client.ts';

const shoot = {
  name: 'shoot',
  inputSchema: {
    type: 'object',
    properties: { scale: { type: 'string', default: 'css' }, quality: { type: 'integer' } },
    required: ['scale'],
    additionalProperties: false,
  },
};
const whole = { quality: 5, scale: 'css' };
const sorted = (text: string) => Object.fromEntries(Object.entries(JSON.parse(text)).toSorted());

describe('a call with fitted arguments', () => {
  it('has the same arguments for its followers, its server and the model', async (t) => {
    const { client, model } = await startTyped(t, {
      mcpServers: listedServer([shoot]),
      config: { chat: { service: { tools: { permission: { listed: 'always' } } } } },
    });
    model.script(asks([{ name: 'shoot', arguments: { quality: '5' } }]), says('Done.'));
    const chunks = await readAll(client.chat('go'));
    const shown = chunks.flatMap((chunk) => (chunk.type === 'tool_call' ? [chunk.arguments] : []));
    assert.deepEqual(shown, [whole]);
    assert.deepEqual(
      toolResultsIn(chunks).map(({ data }) => sorted(data)),
      [whole],
    );
    const sent = JSON.stringify(model.requests.at(-1)?.body.messages);
    assert.match(sent, /\{\\"quality\\":5,\\"scale\\":\\"css\\"\}/);
  });

  it('has the same arguments for its approver, and those that a person changes are fitted too', async (t) => {
    const { client, model } = await startTyped(t, {
      mcpServers: listedServer([shoot]),
      config: { chat: { service: { tools: { permission: { listed: 'ask' } } } } },
    });
    model.script(asks([{ name: 'shoot', arguments: { quality: '5' } }]), says('Done.'));
    const turn = client.chat('go');
    const chunks = readAll(turn);
    const question = await nextInterrupt(client);
    assert.deepEqual(question.type === 'approval_request' && question.arguments, whole);
    await client.respond(question.conversationId, {
      interruptId: question.interrupt_id,
      decision: 'approve',
      arguments: { quality: '7' },
    });
    const [result] = toolResultsIn(await chunks);
    assert.deepEqual(sorted(result?.data.split('\n').at(-1) ?? ''), { quality: 7, scale: 'css' });
  });
});
