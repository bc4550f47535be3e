/**
 * Checks calls that are approved with other arguments, in the whole server: validated, called and reported to the
 * model.
 */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import type { RespondOptions } from '../../src/client/requests.ts';
import { check } from '../../src/cli/check.ts';
import { says } from '../support/model/replies.ts';
import { asks } from '../support/model/tool-calls.ts';
import { demoServer, serveScripted } from '../support/parley.ts';
import { connectClient, withCode } from '../support/typed-client.ts';

const note = '[A person changed the arguments of this call to {"a":20,"b":3}]\n';

/** A turn that waits for the approval of adding 2 and 3, and a function that answers it. */
async function asking(t: TestContext) {
  const { parley, model } = await serveScripted(t, {
    mcpServers: demoServer,
    config: { chat: { service: { tools: { permission: { 'demo.add': 'ask' } } } } },
  });
  model.script(asks([{ name: 'add', arguments: { a: 2, b: 3 } }]), says('Added.'));
  const connect = () => connectClient(t, parley.url);
  const client = connect();
  const turn = client.chat('Add', { conversationId: 'c1' });
  const chunks = turn[Symbol.asyncIterator]();
  const { value: question } = await chunks.next();
  assert.equal(question?.type, 'approval_request');
  const interruptId = question.interrupt_id;
  const respond = (answer: Omit<RespondOptions, 'interruptId'>, by = client) =>
    by.respond('c1', { interruptId, ...answer });
  const toolChunks = async () => {
    await turn.end;
    return Array.fromAsync({ [Symbol.asyncIterator]: () => chunks }, (chunk) => chunk).then((all) =>
      all.filter(({ type }) => type.startsWith('tool_')),
    );
  };
  return { parley, model, turn, connect, respond, toolChunks };
}

describe('an approval with other arguments', () => {
  test('runs the call with these; the client receives them and the model gets a notice', async (t) => {
    const { parley, model, respond, toolChunks } = await asking(t);
    assert.deepEqual(await respond({ decision: 'approve', arguments: { a: 20, b: 3 } }), { accepted: true });
    const [call, result] = await toolChunks();
    assert.ok(call?.type === 'tool_call' && result?.type === 'tool_result');
    assert.deepEqual(
      [call.arguments, call.edited, result.status, result.data],
      [{ a: 20, b: 3 }, true, 'ok', `${note}23`],
    );
    const [asked, editedResult] = model.requests[1]?.body.messages.slice(-2) ?? [];
    assert.match(JSON.stringify(asked?.tool_calls), /\\"a\\":2,/, 'its own words stay its own');
    assert.equal(editedResult?.content, `${note}23`);
    assert.equal(check(parley.database).exitCode, 0);
  });

  test('that do not fit the tool is rejected with the path, and the request stays open', async (t) => {
    const { respond, toolChunks } = await asking(t);
    for (const { args, path, says } of [
      {
        args: { a: 'many', b: 3 },
        path: 'payload.arguments.a',
        says: /^payload\.arguments\.a: .*Expected "number"\.$/,
      },
      { args: { a: 2 }, path: 'payload.arguments', says: /required property "b"/ },
    ]) {
      await assert.rejects(respond({ decision: 'approve', arguments: args }), (error) => {
        assert.ok(withCode('invalid_request')(error) && error instanceof Error && 'data' in error);
        assert.deepEqual(error.data, { path });
        assert.match(error.message, says);
        return true;
      });
    }
    assert.deepEqual(await respond({ decision: 'approve' }), { accepted: true });
    assert.deepEqual(
      (await toolChunks()).map(({ data }) => data),
      ['{"a":2,"b":3}', '5'],
    );
  });

  test('that are equal in another order is a plain approval', async (t) => {
    const { respond, toolChunks } = await asking(t);
    await respond({ decision: 'approve', arguments: { b: 3, a: 2 } });
    const [call, result] = await toolChunks();
    assert.deepEqual([call && 'edited' in call, result?.data], [false, '5']);
  });

  test('is validated and handled after a restart too', async (t) => {
    const { parley, model, connect, respond } = await asking(t);
    await parley.restart();
    assert.deepEqual(await respond({ decision: 'approve', arguments: { a: 20, b: 3 } }, connect()), { accepted: true });
    const end = await connect().chat('Add', { conversationId: 'c1', requestId: 'next' }).end;
    assert.equal(end.metadata.finish_reason, 'stop');
    assert.equal(model.requests[1]?.body.messages.at(-1)?.content, `${note}23`);
  });

  test('is rejected when the tool no longer exists; the error names the alternatives, and they work', async (t) => {
    const { parley, connect, respond } = await asking(t);
    await writeFile(join(parley.folder, 'servers.json'), '{"mcpServers": {}}');
    await parley.restart();
    const client = connect();
    await assert.rejects(
      respond({ decision: 'approve', arguments: { a: 20, b: 3 } }, client),
      /"demo" does not offer the tool "add" now; approve the call without changes, or deny it/,
    );
    assert.deepEqual(await respond({ decision: 'deny' }, client), { accepted: true });
  });
});

test('a denial with arguments is rejected', async (t) => {
  const { respond } = await asking(t);
  await assert.rejects(
    respond({ decision: 'deny', arguments: { a: 2, b: 3 } }),
    /payload\.arguments: .*only with approve/,
  );
});
