/** Calls that are approved with other arguments, over the whole server: checked, made, told to the model, and refused without harm. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import type { RespondOptions } from '../../src/client/requests.ts';
import { check } from '../../src/cli/check.ts';
import { says } from '../support/model-replies.ts';
import { asks } from '../support/model-tool-calls.ts';
import { demoServer, serveScripted } from '../support/parley.ts';
import { connectClient, withCode } from '../support/typed-client.ts';

const note = '[A person changed the arguments of this call to {"a":20,"b":3}]\n';

/** A turn that asks whether 2 and 3 may be added, and how to answer. */
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
  test('has the call made with these; the client sees them and the model is told', async (t) => {
    const { parley, model, respond, toolChunks } = await asking(t);
    assert.deepEqual(await respond({ decision: 'approve', arguments: { a: 20, b: 3 } }), { accepted: true });
    const [call, result] = await toolChunks();
    assert.ok(call?.type === 'tool_call' && result?.type === 'tool_result');
    assert.deepEqual(
      [call.arguments, call.edited, result.status, result.data],
      [{ a: 20, b: 3 }, true, 'ok', `${note}23`],
    );
    const [asked, told] = model.requests[1]?.body.messages.slice(-2) ?? [];
    assert.match(JSON.stringify(asked?.tool_calls), /\\"a\\":2,/, 'its own words stay its own');
    assert.equal(told?.content, `${note}23`);
    assert.equal(check(parley.database).exitCode, 0);
  });

  test('that do not fit the tool is refused with the place, and the question stands', async (t) => {
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

  test('that are the same, in whatever order, is an approval', async (t) => {
    const { respond, toolChunks } = await asking(t);
    await respond({ decision: 'approve', arguments: { b: 3, a: 2 } });
    const [call, result] = await toolChunks();
    assert.deepEqual([call && 'edited' in call, result?.data], [false, '5']);
  });

  test('is checked and heard after a restart too', async (t) => {
    const { parley, model, connect, respond } = await asking(t);
    await parley.restart();
    assert.deepEqual(await respond({ decision: 'approve', arguments: { a: 20, b: 3 } }, connect()), { accepted: true });
    const end = await connect().chat('Add', { conversationId: 'c1', requestId: 'next' }).end;
    assert.equal(end.metadata.finish_reason, 'stop');
    assert.equal(model.requests[1]?.body.messages.at(-1)?.content, `${note}23`);
  });

  test('cannot be checked when the tool is not there any more: the person is told what is left to do, and can do it', async (t) => {
    const { parley, connect, respond } = await asking(t);
    await writeFile(join(parley.folder, 'servers.json'), '{"mcpServers": {}}');
    await parley.restart();
    const client = connect();
    await assert.rejects(
      respond({ decision: 'approve', arguments: { a: 20, b: 3 } }, client),
      /"demo" does not offer the tool "add" at present; approve the call as it was asked, or deny it/,
    );
    assert.deepEqual(await respond({ decision: 'deny' }, client), { accepted: true });
  });
});

test('arguments have no place in a refusal', async (t) => {
  const { respond } = await asking(t);
  await assert.rejects(
    respond({ decision: 'deny', arguments: { a: 2, b: 3 } }),
    /payload\.arguments: .*only with approve/,
  );
});
