/** Checks that a chat chooses the tools of its turn, that the choice survives a kill, and that it never adds a tool. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { isChosen } from '../../machines/conversation/decisions/tool-choice.ts';
import { toolResultsIn } from '../support/interrupts.ts';
import { says, stalls } from '../support/model/replies.ts';
import { asks } from '../support/model/tool-calls.ts';
import type { ModelServer } from '../support/model/server.ts';
import { demoServer } from '../support/parley.ts';
import { createScriptedTempHome } from '../support/temp-home.ts';
import { connectClient, readAll, startTyped, withCode } from '../support/typed-client.ts';

type Choice = { allow?: readonly string[]; deny?: readonly string[] };

const offered = ({ requests }: ModelServer) =>
  (requests.at(-1)?.body.tools ?? []).map((tool) => tool.function.name).toSorted();

const startDemo = (test: TestContext, permission: Record<string, string> = {}) =>
  startTyped(test, { mcpServers: demoServer, config: { chat: { service: { tools: { permission } } } } });

const all = ['add', 'current_time', 'list_folder', 'word_count'];

describe('a chat with tools', () => {
  const cases: [words: string, choice: Choice | undefined, names: string[]][] = [
    ['offers all of them without a choice', undefined, all],
    ['offers those that are allowed', { allow: ['add', 'demo/word_count'] }, ['add', 'word_count']],
    ['offers a whole server', { allow: ['demo/*'] }, all],
    ['offers none with an empty list', { allow: [] }, []],
    ['takes away those that are denied', { deny: ['demo.add', '*_f*'] }, ['current_time', 'word_count']],
    ['puts what is denied above what is allowed', { allow: ['*'], deny: ['demo'] }, []],
  ];
  for (const [words, choice, names] of cases) {
    it(words, async (t) => {
      const { model, client } = await startDemo(t);
      await client.chat('Hi', choice === undefined ? {} : { tools: choice }).end;
      assert.deepEqual(offered(model), names);
    });
  }

  it('refuses a call of a tool that it took away', async (t) => {
    const { model, client } = await startDemo(t);
    model.script(asks([{ name: 'add', arguments: { a: 1, b: 2 } }]), says('I see.'));
    const results = toolResultsIn(await readAll(client.chat('go', { tools: { deny: ['add'] } })));
    assert.deepEqual(
      results.map(({ status }) => status),
      ['error'],
    );
    assert.match(results[0]?.data ?? '', /no tool "add"/);
  });

  it('never offers what the configuration forbids', async (t) => {
    const { model, client } = await startDemo(t, { 'demo.add': 'never' });
    await client.chat('Hi', { tools: { allow: ['add', 'demo/word_count'] } }).end;
    assert.deepEqual(offered(model), ['word_count']);
  });

  it('does not choose for later turns', async (t) => {
    const { model, client } = await startDemo(t);
    await client.chat('Hi', { tools: { allow: [] } }).end;
    await client.chat('Hi again').end;
    assert.deepEqual(offered(model), all);
  });

  it('keeps its choice when the turn is resumed after kill -9', async (t) => {
    const { model, home } = await createScriptedTempHome(t, { mcpServers: demoServer });
    model.script(stalls('never '), says('The whole answer.'));
    const server = home.start();
    const client = connectClient(t, await server.listening);
    for await (const chunk of client.chat('Hi', { tools: { allow: ['add'] } })) if (chunk.type === 'text') break;
    server.kill('SIGKILL');
    await server.exited;
    client.close();
    const second = home.start();
    await second.listening;
    await model.request(2);
    assert.deepEqual(offered(model), ['add']);
  });

  it('is refused with a key that is misspelt', async (t) => {
    const { client } = await startDemo(t);
    const misspelt: object = { tools: { allowed: ['add'] } };
    await assert.rejects(client.chat('Hi', misspelt).end, withCode('invalid_request'));
  });
});

describe('a pattern of tools', () => {
  const tool = { name: 'files__read', server: 'files', toolName: 'read' };
  const chosen = (pattern: string) => isChosen(tool, { allow: [pattern], deny: [] });

  it('names a tool by each of its names, with * for any text', () => {
    for (const pattern of ['files__read', 'files', 'files/read', 'files.read', 'files/*', '*/read', 'f*s/r*d', '*'])
      assert.equal(chosen(pattern), true, pattern);
  });

  it('names no other tool', () => {
    for (const pattern of ['read', 'file', 'files/rea', 'iles/*', '*/rea', 'files*files', 'f*d/x', '/', ''])
      assert.equal(chosen(pattern), false, pattern);
  });

  it('is compared in linear time', () => {
    const long = { ...tool, toolName: 'a'.repeat(5_000) };
    assert.equal(isChosen(long, { allow: [`${'*a'.repeat(140)}*b`], deny: [] }), false);
  });
});
