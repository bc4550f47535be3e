/** Tests providers that a reload changes: running requests end unchanged, the next request goes to the new providers. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { fails, says, saysStepwise } from '../support/model/replies.ts';
import { startModelServer } from '../support/model/server.ts';
import { connectClient } from '../support/typed-client.ts';
import { startReloadable, type Reloadable } from './scene.ts';

async function startModels(t: TestContext) {
  const models = [await startModelServer(), await startModelServer()] as const;
  t.after(async () => {
    for (const model of models) await model.close();
  });
  return models;
}

interface Health {
  providers: { name: string; model: string; circuit: string; running: number; queued: number }[];
}

const providersOf = async (scene: Reloadable): Promise<Health['providers']> => {
  const health: Health = JSON.parse(await scene.http('/health'));
  return health.providers;
};

describe('another provider', () => {
  it('answers the next request, while an answer that is under way ends as it began, at its price', async (t) => {
    const [first, second] = await startModels(t);
    const prices = { 'scripted-model': { input: 1, output: 2 } };
    const scene = await startReloadable(t, {
      modelUrl: first.url,
      config: { llm: { providers: { scripted: { prices } } } },
    });
    const client = connectClient(t, scene.url);
    const { reply, release } = saysStepwise('It ', 'was.');
    first.script(reply);
    const turn = client.chat('tell', { conversationId: 'c1' });
    release(1);
    for await (const chunk of turn) if (chunk.type === 'text') break;

    second.script(says('New.'));
    const { reloaded } = await scene.reload({
      llm: { active: 'other', providers: { other: { base_url: second.url, model: 'other-model' } } },
    });
    assert.deepEqual(reloaded, ['llm.active', 'llm.providers.other']);
    release();
    const { metadata } = await turn.end;
    assert.deepEqual(
      [await turn.text(), metadata.model, metadata.usage?.cost],
      ['It was.', 'scripted-model', 0.000025],
    );
    assert.equal(await client.chat('and now?', { conversationId: 'c1' }).text(), 'New.');
    assert.deepEqual(
      (await providersOf(scene)).map(({ name }) => name),
      ['other'],
    );
    assert.doesNotMatch(await scene.http('/metrics'), /parley_provider_requests\{provider="scripted"\}/);
  });

  it('takes over a turn in the middle, at its next hop', async (t) => {
    const [first, second] = await startModels(t);
    const scene = await startReloadable(t, {
      modelUrl: first.url,
      config: { llm: { retry: { attempts: 5, budget: 60 } } },
    });
    let asked = 0;
    first.script(() => {
      asked += 1;
      return fails(500, 'oops', { headers: { 'retry-after': '1' } });
    });
    second.script(() => says('Here.'));
    const turn = connectClient(t, scene.url).chat('Hi');
    for await (const chunk of turn) if (chunk.type === 'notice' && chunk.kind === 'retrying') break;
    await scene.reload({
      llm: { active: 'other', providers: { other: { base_url: second.url, model: 'other-model' } } },
    });
    assert.equal(await turn.text(), 'Here.');
    assert.equal(asked, 1);
  });
});

describe('a provider that a reload leaves as it was', () => {
  it('keeps its circuit, also when its prices, limits or model change', async (t) => {
    const [model] = await startModels(t);
    const scene = await startReloadable(t, {
      modelUrl: model.url,
      config: { llm: { retry: { attempts: 1 }, circuit: { failures: 1, cooldown: 600 } } },
    });
    const client = connectClient(t, scene.url);
    model.script(fails(500, 'oops'));
    await assert.rejects(client.chat('Hi').end, { code: 'provider_failed' });
    await scene.reload({
      llm: {
        providers: { scripted: { model: 'newer', max_concurrent: 1, prices: { newer: { input: 1, output: 1 } } } },
      },
    });
    await assert.rejects(client.chat('Hi').end, { code: 'provider_unavailable' });
    assert.partialDeepStrictEqual(await providersOf(scene), [{ name: 'scripted', model: 'newer', circuit: 'open' }]);
  });

  it('lets those who wait in its queue go on when it may take more', async (t) => {
    const [model] = await startModels(t);
    const scene = await startReloadable(t, {
      modelUrl: model.url,
      config: { llm: { providers: { scripted: { max_concurrent: 1 } } } },
    });
    const client = connectClient(t, scene.url);
    const held = saysStepwise('One.');
    model.script(held.reply, says('Two.'));
    const one = client.chat('1', { conversationId: 'c1' });
    await model.request(1);
    const two = client.chat('2', { conversationId: 'c2' });
    for await (const chunk of two) if (chunk.type === 'notice' && chunk.kind === 'queued_for_provider') break;
    await scene.reload({ llm: { providers: { scripted: { max_concurrent: 2 } } } });
    assert.equal(await two.text(), 'Two.');
    held.release();
    assert.equal(await one.text(), 'One.');
  });
});

describe('a provider whose endpoint changes', () => {
  it('begins with a closed circuit', async (t) => {
    const [first, second] = await startModels(t);
    const scene = await startReloadable(t, {
      modelUrl: first.url,
      config: { llm: { retry: { attempts: 1 }, circuit: { failures: 1, cooldown: 600 } } },
    });
    const client = connectClient(t, scene.url);
    first.script(fails(500, 'oops'));
    await assert.rejects(client.chat('Hi').end, { code: 'provider_failed' });
    second.script(says('Mended.'));
    await scene.reload({ llm: { providers: { scripted: { base_url: second.url } } } });
    assert.equal(await client.chat('Hi').text(), 'Mended.');
  });
});
