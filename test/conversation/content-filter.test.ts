/**
 * Checks a conversation after a content filter of the provider refused a message: later requests do not hold it, also
 * after a restart and with rows of version 0.1.0.
 */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import Database from 'better-sqlite3';
import { fails, says } from '../support/model/replies.ts';
import { asks } from '../support/model/tool-calls.ts';
import type { ModelRequest } from '../support/model/server.ts';
import { demoServer, type ParleyOptions } from '../support/parley.ts';
import { connectClient, readAll, startTyped, withCode } from '../support/typed-client.ts';

const inC1 = { conversationId: 'c1' };
const FILTER = 'provider_content_filter';
const AZURE =
  "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please modify your prompt and retry.";
const textOf = ({ body }: ModelRequest) => JSON.stringify(body.messages);

/** A model whose filter refuses every request with the word `poison`, as Azure does. */
async function startFiltered(t: TestContext, options: Omit<ParleyOptions, 'modelUrl'> = {}) {
  const started = await startTyped(t, options);
  started.model.script((request) =>
    textOf(request).includes('poison') ? fails(400, AZURE, { code: 'content_filter' }) : says('Fine.'),
  );
  const asked = () => {
    const last = started.model.requests.at(-1);
    return last?.body.messages.slice(1).map(({ content }) => content);
  };
  return { ...started, asked };
}

describe('a message that a content filter refuses', () => {
  it('is left out of later requests, and the error says so', async (t) => {
    const { client, asked } = await startFiltered(t);
    await client.chat('one', inC1).end;
    await assert.rejects(client.chat('poison', inC1).end, {
      code: FILTER,
      message: /left out of later requests.*rewind_to.*It says: The response was filtered/,
    });
    assert.equal(await client.chat('two', inC1).text(), 'Fine.');
    assert.deepEqual(asked(), ['one', 'Fine.', 'two']);
  });

  it('is left out after a restart too, and keeps its rows', async (t) => {
    const { client, parley, asked } = await startFiltered(t);
    await client.chat('one', inC1).end;
    await assert.rejects(client.chat('poison', inC1).end, withCode(FILTER));
    client.close();
    await parley.restart();
    const back = connectClient(t, parley.url);
    assert.equal(await back.chat('two', inC1).text(), 'Fine.');
    assert.deepEqual(asked(), ['one', 'Fine.', 'two']);
    assert.ok((await back.history('c1')).events.some((event) => JSON.stringify(event).includes('poison')));
  });

  it('takes no part of the window, however long it is', async (t) => {
    const context = { max_tokens: 1_000, reserve_tokens: 100, preserve_recent: 1 };
    const { client, parley, asked } = await startFiltered(t, { config: { chat: { service: { context } } } });
    await client.chat('one', inC1).end;
    await assert.rejects(client.chat(`poison ${'and more '.repeat(2_000)} poison`, inC1).end, withCode(FILTER));
    client.close();
    await parley.restart();
    await connectClient(t, parley.url).chat('two', inC1).end;
    assert.deepEqual(asked(), ['one', 'Fine.', 'two']);
  });

  it('is left out if a row of version 0.1.0 says it', async (t) => {
    const { client, parley, asked } = await startFiltered(t);
    await client.chat('one', inC1).end;
    await assert.rejects(client.chat('poison', inC1).end, withCode(FILTER));
    client.close();
    const database = new Database(parley.database);
    const { changes } = database
      .prepare(`UPDATE chat_events SET extra = replace(extra, '"${FILTER}"', '"provider_request"')`)
      .run();
    database.close();
    assert.ok(changes > 0);
    await parley.restart();
    assert.equal(await connectClient(t, parley.url).chat('two', inC1).text(), 'Fine.');
    assert.deepEqual(asked(), ['one', 'Fine.', 'two']);
  });

  it('still replaces the message that it rewinds to', async (t) => {
    const { client, asked } = await startFiltered(t);
    await client.chat('one', inC1).end;
    await client.chat('two', inC1).end;
    await assert.rejects(client.chat('poison', { ...inC1, rewindTo: 4 }).end, withCode(FILTER));
    await client.chat('three', inC1).end;
    assert.deepEqual(asked(), ['one', 'Fine.', 'three']);
  });

  it('can be replaced by a rewind', async (t) => {
    const { client, asked } = await startFiltered(t);
    await assert.rejects(client.chat('poison', inC1).end, withCode(FILTER));
    assert.equal(await client.chat('one', { ...inC1, rewindTo: 1 }).text(), 'Fine.');
    assert.deepEqual(asked(), ['one']);
  });

  it('is left out with the calls of its turn', async (t) => {
    const { client, model, asked } = await startFiltered(t, { mcpServers: demoServer });
    model.script(
      asks([{ name: 'add', arguments: { a: 1, b: 2 } }]),
      fails(400, AZURE, { code: 'content_filter' }),
      says('Fine.'),
    );
    await assert.rejects(client.chat('sum', inC1).end, withCode(FILTER));
    await client.chat('one', inC1).end;
    assert.deepEqual(asked(), ['one']);
  });
});

describe('an answer that a content filter stops', () => {
  it('is left out with its message, and a notice says so', async (t) => {
    const { client, model, asked } = await startFiltered(t);
    model.script(says('The first half', { finish: 'content_filter' }), says('Fine.'));
    const turn = client.chat('one', inC1);
    const notices = (await readAll(turn)).filter((chunk) => chunk.type === 'notice');
    assert.equal((await turn.end).metadata.finish_reason, 'content_filter');
    assert.partialDeepStrictEqual(notices, [{ kind: 'content_filtered', provider: 'scripted' }]);
    assert.match(notices[0]?.data ?? '', /left out of later requests/);
    await client.chat('two', inC1).end;
    assert.deepEqual(asked(), ['two']);
  });
});
