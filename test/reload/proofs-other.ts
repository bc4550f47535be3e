/** Proofs for `inspect`, `repository`, `logging` and `shutdown`. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { createToken, hashToken } from '../../src/auth/tokens.ts';
import { stalls } from '../support/model/replies.ts';
import { startModelServer } from '../support/model/server.ts';
import { demoServer } from '../support/parley.ts';
import { eventually } from '../support/eventually.ts';
import { connectClient } from '../support/typed-client.ts';
import type { Proof } from './proofs.ts';
import { startReloadable, startReloadableProcess } from './scene.ts';

const watching = (url: string, conversation: string, options = {}) =>
  new WebSocket(url.replace('/ws/chat', `/inspect/events?conversation=${conversation}`), options);
const closeCode = async (socket: WebSocket) => Number((await once(socket, 'close'))[0]);
/** What is kept of the demo server's chart comes first, so a socket that is let in gets something. */
const isLetIn = (socket: WebSocket) => once(socket, 'message');

export const otherProofs: Proof[] = [
  {
    keys: ['inspect.max_viewers', 'inspect.max_conversations', 'inspect.keep_after_last_viewer'],
    shows: 'how much is watched at once; those who watch go on',
    async prove(t) {
      const scene = await startReloadable(t, { mcpServers: demoServer });
      const { url } = scene;
      const first = watching(url, 'c1');
      await isLetIn(first);
      await scene.reload({ inspect: { max_conversations: 1 } });
      assert.equal(await closeCode(watching(url, 'c2')), 1013);
      await scene.reload({ inspect: { max_conversations: 16, keep_after_last_viewer: 0.1 } });
      const second = watching(url, 'c2');
      await isLetIn(second);
      await scene.reload({ inspect: { max_viewers: 2 } });
      assert.equal(await closeCode(watching(url, 'c1')), 1013);
      assert.equal(first.readyState, WebSocket.OPEN);
      for (const socket of [first, second]) socket.terminate();
    },
  },
  {
    keys: ['inspect.viewers'],
    shows: 'who may watch',
    async prove(t) {
      const alice = createToken();
      const scene = await startReloadable(t, {
        mcpServers: demoServer,
        config: { auth: { mode: 'token', tokens: [{ subject: 'alice', sha256: hashToken(alice) }] } },
      });
      const { url } = scene;
      const by = { headers: { authorization: `Bearer ${alice}` } };
      assert.equal(await closeCode(watching(url, 'c1', by)), 1008);
      await scene.reload({ inspect: { viewers: ['alice'] } });
      const socket = watching(url, 'c1', by);
      await isLetIn(socket);
      socket.terminate();
    },
  },
  {
    keys: [
      'repository.persistence.retention_policy',
      'repository.persistence.max_messages_per_conversation',
      'repository.persistence.max_tokens_per_conversation',
      'repository.persistence.retention_days',
    ],
    shows: 'what is kept of a conversation, with nothing new said in it',
    async prove(t) {
      const scene = await startReloadable(t, {
        config: { repository: { persistence: { retention_policy: 'unlimited' } } },
      });
      const client = connectClient(t, scene.url);
      const inC1 = { conversationId: 'c1' };
      const kept = async () =>
        (await client.history('c1')).events.filter(({ type }) => type === 'user_message').map(({ content }) => content);
      for (const text of ['one', 'two', 'three', 'four']) await client.chat(text, inC1).end;
      assert.equal((await kept()).length, 4);
      await scene.reload({
        repository: { persistence: { retention_policy: 'message_count', max_messages_per_conversation: 4 } },
      });
      await client.chat('five', inC1).end;
      await eventually(async () => (await kept()).length === 2, 'the two newest turns');
      await scene.reload({
        repository: { persistence: { retention_policy: 'token_limit', max_tokens_per_conversation: 1 } },
      });
      await client.chat('six', inC1).end;
      await eventually(async () => String(await kept()) === 'six', 'the newest turn');
      await scene.reload({
        repository: { persistence: { retention_policy: 'time_based', retention_days: 0.000_000_1 } },
      });
      await eventually(async () => (await kept()).length === 0, 'nothing, in a conversation that rests');
    },
  },
  {
    keys: ['repository.max_queued_writes'],
    shows: 'how many writes may wait',
    async prove(t) {
      const scene = await startReloadable(t);
      const client = connectClient(t, scene.url, { retryTimeoutMs: 0 });
      await client.chat('Hi').end;
      await scene.reload({ repository: { max_queued_writes: 1 } });
      const turns = Array.from({ length: 20 }, (_, id) => client.chat('Hi', { conversationId: `c${id}` }).end);
      const ends = await Promise.allSettled(turns);
      assert.ok(ends.some((end) => end.status === 'rejected' && /The write queue is full/.test(String(end.reason))));
    },
  },
  {
    keys: ['logging.level'],
    shows: 'what is logged',
    async prove(t) {
      const scene = await startReloadable(t, { mcpServers: {} });
      await scene.reload({ logging: { level: 'debug' } });
      scene.mcpServers = demoServer;
      await scene.reload();
      const client = connectClient(t, scene.url);
      await client.chat('Hi').end;
      scene.mcpServers = { noisy: { command: 'node', args: ['-e', 'console.error("a word of its own")'] } };
      await scene.reload();
      await eventually(
        () => scene.lines().some((line) => line['level'] === 20 && line.msg === 'a word of its own'),
        'a line of that level',
      );
    },
  },
  {
    keys: ['shutdown.drain_timeout', 'chat.service.crash_budget.crashes', 'chat.service.crash_budget.window'],
    shows: 'the time of a drain',
    async prove(t) {
      const model = await startModelServer();
      t.after(() => model.close());
      const config = { shutdown: { drain_timeout: 600 } };
      const scene = await startReloadableProcess(t, { modelUrl: model.url, config });
      const client = connectClient(t, scene.url);
      model.script(stalls('Once '));
      const turn = client.chat('tell');
      turn.end.catch(() => undefined);
      for await (const chunk of turn) if (chunk.type === 'text') break;
      await scene.reload({ shutdown: { drain_timeout: 0 } });
      scene.parley.kill('SIGTERM');
      assert.equal((await scene.parley.exited).code, 0);
    },
  },
];
