/** Proofs for `quota`. The keys reach the store as one object, and the registry reads it at each use. */
import assert from 'node:assert/strict';
import { ParleyError } from '../../src/client/errors.ts';
import { connectClient } from '../support/typed-client.ts';
import { startScriptedReload, type Proof } from './proofs.ts';

const exceeds = (quota: string) => (error: unknown) =>
  error instanceof ParleyError && error.code === 'quota_exceeded' && error.data['quota'] === quota;

export const quotaProofs: Proof[] = [
  {
    keys: [
      'quota.turns_per_minute',
      'quota.tokens_per_day',
      'quota.cost_per_day',
      'quota.forks_per_day',
      'quota.conversations',
      'quota.stored_bytes',
      'quota.live_conversations',
    ],
    shows: 'what a subject may have, of one that has it already',
    async prove(t) {
      const prices = { 'scripted-model': { input: 1, output: 2 } };
      const { scene, url } = await startScriptedReload(t, {
        config: { llm: { providers: { scripted: { prices } } } },
      });
      const client = connectClient(t, url, { retryTimeoutMs: 0 });
      await client.chat('Hi', { conversationId: 'c1' }).end;
      await client.fork('c1', (await client.history('c1')).events.at(-1)?.seq ?? 0);
      const begin = (conversationId: string) => client.chat('Hi', { conversationId }).end;
      for (const [key, limit] of [
        ['tokens_per_day', 1],
        ['cost_per_day', 0.000001],
        ['conversations', 1],
        ['stored_bytes', 1],
        ['live_conversations', 1],
      ] as const) {
        await scene.reload({ quota: { [key]: limit } });
        // A rejected chat may leave its conversation in memory, so each key has another one.
        await assert.rejects(begin(key), exceeds(key));
        await scene.reload({ quota: { [key]: 0 } });
      }
      await scene.reload({ quota: { forks_per_day: 1 } });
      await assert.rejects(client.fork('c1', 3), exceeds('forks_per_day'));
      await scene.reload({ quota: { forks_per_day: 0, turns_per_minute: 1 } });
      // The minute may change after the first one.
      await assert.rejects(
        Promise.all(Array.from({ length: 3 }, () => client.chat('Hi', { conversationId: 'c1' }).end)),
        exceeds('turns_per_minute'),
      );
      await scene.reload({ quota: { turns_per_minute: 0 } });
      await begin('c9');
    },
  },
];
