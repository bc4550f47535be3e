/**
 * Starts a server in a process of its own whose log has a large tool result of one subject, and measures what an attack
 * does to another subject. Linux only: it reads /proc.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createActor } from 'xstate';
import type { NewRow } from '../../machines/log.ts';
import { createToken, hashToken } from '../../src/auth/tokens.ts';
import { openStore } from '../../src/store/store.ts';
import { usageOf } from '../bench/process-tree.ts';
import { compileCache } from '../support/compile-cache.ts';
import { createTempHome, type CleanUpScope } from '../support/temp-home.ts';
import { hash } from 'node:crypto';
import type { Attack } from './attacker.ts';

/** The conversation of the attacker, its turn, and the text of its chat. */
export const large = { conversationId: 'large', requestId: 'r1', text: 'Hello' };

export interface Effects {
  /** Round trips of an honest subject's pings, in ms, sorted. */
  pings: number[];
  /** The most that the server's memory has grown. */
  grownBytes: number;
}

export interface AttackedServer {
  /** Measures for `seconds` while an attacker is at work. */
  during(attack: Omit<Attack, 'url' | 'token'>, seconds: number): Promise<Effects>;
  output(): string;
}

const row = (fields: Partial<NewRow>): NewRow => ({
  type: 'user_message',
  role: 'user',
  content: null,
  tool_calls: null,
  tool_call_id: null,
  model: null,
  usage: null,
  extra: {},
  token_count: 1,
  request_id: large.requestId,
  ...fields,
});

/** Writes a finished turn with a tool result of `bytes`, as the journal does. */
async function writeLargeTurn(path: string, owner: string, bytes: number): Promise<void> {
  const { store, writerLogic, opened } = openStore({ path });
  createActor(writerLogic, { input: {} }).start();
  await opened;
  const { conversationId, requestId, text } = large;
  const totals = { tokens: 2, usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 }, tool_hops: 1 };
  const end = { status: 'complete', metadata: { ...totals, model: 'm', finish_reason: 'stop' } };
  const whole = [{ type: 'text', text: 'abcdefghijklmno\n'.repeat(bytes / 16) }];
  const rows = [
    row({ content: text }),
    row({
      type: 'tool_result',
      role: 'tool',
      content: 'abc',
      tool_call_id: 'c1',
      extra: { status: 'ok', name: 'dump', duration_ms: 1, whole },
    }),
    row({ type: 'assistant_message', role: 'assistant', content: 'Done' }),
    row({ type: 'meta', role: null, token_count: null, extra: { kind: 'turn_end', ...end } }),
  ];
  const digest = hash('sha256', text, 'base64url');
  await new Promise((done) =>
    store.append({ owner, conversationId, rows, begin: { requestId, digest }, end: { requestId, payload: end } }, done),
  );
  await store.close();
}

export async function startAttacked(
  t: CleanUpScope,
  { resultBytes, config = {} }: { resultBytes: number; config?: Record<string, unknown> },
): Promise<AttackedServer> {
  const [honest, attacker] = [createToken(), createToken()];
  const tokens = [
    { subject: 'honest', sha256: hashToken(honest) },
    { subject: 'attacker', sha256: hashToken(attacker) },
  ];
  const home = await createTempHome(t, { config: { auth: { mode: 'token', tokens }, ...config } });
  await writeLargeTurn(home.database, 'attacker', resultBytes);
  // As run.sh and the container start it.
  const server = home.start({ env: { MALLOC_MMAP_THRESHOLD_: '1048576' } });
  const url = await server.listening;

  return {
    output: () => server.output.stderr,
    async during(attack, seconds) {
      const client = await server.connect({ headers: { authorization: `Bearer ${honest}` } });
      for (let warmUp = 0; warmUp < 20; warmUp += 1) await client.ask('ping');
      const before = usageOf(server.pid).rssBytes;
      const job: Attack = { ...attack, url, token: attacker };
      const child = spawn(process.execPath, [join(import.meta.dirname, 'attacker.ts'), JSON.stringify(job)], {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: { PATH: process.env['PATH'], ...compileCache },
      });
      await once(child.stdout, 'data');
      const effects: Effects = { pings: [], grownBytes: 0 };
      const untilMs = performance.now() + seconds * 1000;
      while (performance.now() < untilMs) {
        const sentMs = performance.now();
        await client.ask('ping');
        effects.pings.push(performance.now() - sentMs);
        effects.grownBytes = Math.max(effects.grownBytes, usageOf(server.pid).rssBytes - before);
        await pause(100);
      }
      child.kill('SIGKILL');
      effects.pings.sort((one, other) => one - other);
      await client.close();
      return effects;
    },
  };
}
