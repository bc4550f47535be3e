/** Proofs for the `llm` section. */
import assert from 'node:assert/strict';
import { fails, finish, hangs, says, saysStepwise, stalls, streams, text } from '../support/model/replies.ts';
import { startModelServer } from '../support/model/server.ts';
import { eventually } from '../support/eventually.ts';
import { connectClient } from '../support/typed-client.ts';
import { startScriptedReload, type Proof } from './proofs.ts';
import { startReloadable, type Reloadable } from './scene.ts';

const once = { retry: { attempts: 1 } };

async function circuitOf(scene: Reloadable): Promise<string | undefined> {
  const { providers }: { providers: { circuit: string }[] } = JSON.parse(await scene.http('/health'));
  return providers[0]?.circuit;
}

export const llmProofs: Proof[] = [
  {
    keys: ['llm.active', 'llm.providers', 'llm.fallback'],
    shows: 'the active provider, its block and its fallback',
    async prove(t) {
      const { scene, client } = await startScriptedReload(t, { config: { llm: once } });
      const [first, second] = [await startModelServer(), await startModelServer()];
      t.after(() => Promise.all([first.close(), second.close()]));
      const providers = {
        first: { base_url: first.url, model: 'one' },
        second: { base_url: second.url, model: 'two' },
      };
      await scene.reload({ llm: { active: 'first', fallback: ['second'], providers } });
      first.script(fails(500, 'oops'));
      second.script(says('Second.'));
      assert.equal(await client.chat('Hi').text(), 'Second.');
      assert.equal(first.requests.length, 1);
    },
  },
  {
    keys: ['llm.first_byte_timeout', 'llm.connect_timeout'],
    shows: 'the wait for an answer to begin',
    async prove(t) {
      const { scene, model, client } = await startScriptedReload(t, {
        config: { llm: { ...once, first_byte_timeout: 600 } },
      });
      await scene.reload({ llm: { first_byte_timeout: 0.1, connect_timeout: 5 } });
      model.script(hangs());
      await assert.rejects(client.chat('Hi').end, { code: 'provider_timeout' });
    },
  },
  {
    keys: ['llm.stall_timeout'],
    shows: 'the silence within an answer',
    async prove(t) {
      const { scene, model, client } = await startScriptedReload(t, {
        config: { llm: { ...once, stall_timeout: 600 } },
      });
      await scene.reload({ llm: { stall_timeout: 0.1 } });
      model.script(stalls('Once '));
      await assert.rejects(client.chat('Hi').end, { code: 'provider_timeout' });
    },
  },
  {
    keys: ['llm.finish_timeout'],
    shows: 'the wait for the end of the stream after the finish reason',
    async prove(t) {
      const { scene, model, client } = await startScriptedReload(t, {
        config: { llm: { ...once, finish_timeout: 600, stall_timeout: 600 } },
      });
      await scene.reload({ llm: { finish_timeout: 0.1 } });
      model.script(streams(text('Done.'), finish('stop'), { play: 'stall' }));
      assert.equal(await client.chat('Hi').text(), 'Done.');
    },
  },
  {
    keys: ['llm.max_answer_time'],
    shows: 'the longest time of an answer',
    async prove(t) {
      const { scene, model, client } = await startScriptedReload(t);
      await scene.reload({ llm: { max_answer_time: 0.1 } });
      model.script(stalls('Once '));
      await assert.rejects(client.chat('Hi').end, { code: 'answer_timeout' });
    },
  },
  {
    keys: ['llm.queue_timeout'],
    shows: 'the wait for room at a provider',
    async prove(t) {
      const { scene, model, client } = await startScriptedReload(t, {
        config: { llm: { queue_timeout: 600, providers: { scripted: { max_concurrent: 1 } } } },
      });
      const held = saysStepwise('One.');
      model.script(held.reply);
      const one = client.chat('1', { conversationId: 'c1' });
      await model.request(1);
      await scene.reload({ llm: { queue_timeout: 0.1 } });
      await assert.rejects(client.chat('2', { conversationId: 'c2' }).end, { code: 'provider_busy' });
      held.release();
      await one.end;
    },
  },
  {
    keys: ['llm.retry.attempts', 'llm.retry.budget'],
    shows: 'how often a provider is asked',
    async prove(t) {
      const { scene, model, client } = await startScriptedReload(t, {
        config: { llm: { retry: { attempts: 1, budget: 0 } } },
      });
      await scene.reload({ llm: { retry: { attempts: 2, budget: 60 } } });
      model.script(fails(500, 'oops'), says('Second try.'));
      assert.equal(await client.chat('Hi').text(), 'Second try.');
    },
  },
  {
    keys: ['llm.circuit.failures', 'llm.circuit.cooldown'],
    shows: 'when a circuit opens, and for how long',
    async prove(t) {
      const { scene, model, client } = await startScriptedReload(t, {
        config: { llm: { ...once, circuit: { failures: 1000, cooldown: 600 } } },
      });
      await scene.reload({ llm: { circuit: { failures: 1, cooldown: 0.2 } } });
      model.script(fails(500, 'oops'));
      await assert.rejects(client.chat('Hi').end, { code: 'provider_failed' });
      assert.notEqual(await circuitOf(scene), 'closed');
      await eventually(async () => (await circuitOf(scene)) === 'halfOpen', 'the cooldown to be over');
    },
  },
  {
    keys: ['llm.demo.chunk_delay_ms'],
    shows: 'the pace of the demo model',
    async prove(t) {
      const scene = await startReloadable(t, { config: { llm: { active: 'demo', demo: { chunk_delay_ms: 60_000 } } } });
      await scene.reload({ llm: { demo: { chunk_delay_ms: 0 } } });
      await connectClient(t, scene.url).chat('Hi').end;
    },
  },
];
