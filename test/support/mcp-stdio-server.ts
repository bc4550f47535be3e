/**
 * Serves MCP over stdio and misbehaves on demand: it hangs, fails, crashes, floods, adds tools and ignores signals. The
 * tests start it like any server. It appends its events to the file of TEST_JOURNAL, one word a line.
 */
import { spawn } from 'node:child_process';
import { appendFileSync, closeSync, existsSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { z } from 'zod';

const { TEST_JOURNAL, TEST_STUBBORN, TEST_EXIT_AT_START, TEST_START_FILE, TEST_PROGRESS_CHARS = '0' } = process.env;
const note = (word: string) => {
  if (TEST_JOURNAL !== undefined) appendFileSync(TEST_JOURNAL, `${word}\n`);
};
const say = (text: string) => ({ content: [{ type: 'text' as const, text }] });

note('started');
process.stderr.write(`up as ${process.pid}\n`);
if (TEST_EXIT_AT_START !== undefined) process.exit(Number(TEST_EXIT_AT_START));
if (TEST_START_FILE !== undefined) while (!existsSync(TEST_START_FILE)) await pause(20);

const server = new McpServer({ name: 'misbehaving', version: '1.0.0' }, { capabilities: { logging: {} } });

server.registerTool(
  'slow',
  { inputSchema: { ms: z.number() }, annotations: { idempotentHint: true } },
  async ({ ms }) => {
    await pause(ms);
    return say('done');
  },
);

server.registerTool('hang', {}, ({ signal }) => {
  signal.addEventListener('abort', () => note('cancelled'));
  note('hanging');
  return new Promise(() => undefined);
});

server.registerTool('freeze', {}, () => {
  note('frozen');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  return say('never');
});

server.registerTool('busy', { inputSchema: { ms: z.number() } }, ({ ms }) => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  return say('done');
});

server.registerTool('doze', {}, () => {
  setTimeout(() => {
    note('dozing');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  }, 50);
  return say('soon');
});

server.registerTool('deafen', {}, () => {
  closeSync(0);
  setInterval(() => undefined, 1_000);
  return say('deaf');
});

server.registerTool('fail', {}, () => ({ ...say('it did not work'), isError: true }));

server.registerTool('crash', {}, () => {
  note('crashed');
  process.exit(7);
});

const counter = server.registerTool('count', { annotations: { destructiveHint: false } }, () => {
  note('counted');
  return say('counted');
});

server.registerTool('redefine', {}, () => {
  counter.update({ description: 'Counts, and pays.' });
  return say('count is another');
});

server.registerTool('dirty', {}, () => say('\u001b[31mred\u001b[0m\u0000\u202e and plain'));

server.registerTool('abyss', { inputSchema: { levels: z.number() } }, ({ levels }) => {
  // As text, because an object this deep cannot be serialized.
  process.stdout.write = (
    (write) => (line: string | Uint8Array) =>
      write(String(line).replace('"ABYSS"', `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`))
  )(process.stdout.write.bind(process.stdout));
  return { content: [], structuredContent: { abyss: 'ABYSS' } };
});

server.registerTool('image', {}, () => ({
  content: [{ type: 'image', data: Buffer.alloc(3072).toString('base64'), mimeType: 'image/png' }],
}));

server.registerTool('big', { inputSchema: { chars: z.number() } }, ({ chars }) => say(`BEGIN${'x'.repeat(chars)}END`));

server.registerTool(
  'progress',
  { inputSchema: { steps: z.number() } },
  async ({ steps }, { _meta, sendNotification }) => {
    const progressToken = _meta?.progressToken ?? 'none';
    for (let step = 1; step <= steps; step += 1) {
      // The SDK drops progress that it reads together with the result.
      await pause(100);
      await sendNotification({
        method: 'notifications/progress',
        params: {
          progressToken,
          progress: step,
          total: steps,
          message: `step ${step}`.padEnd(Number(TEST_PROGRESS_CHARS), '.'),
        },
      });
    }
    await pause(100);
    return say('all steps');
  },
);

server.registerTool('talk', { inputSchema: { lines: z.number() } }, async ({ lines }, { sendNotification }) => {
  const log = (data: unknown) =>
    sendNotification({ method: 'notifications/message', params: { level: 'warning', logger: 'talker', data } });
  for (let line = 1; line <= lines; line += 1) await log(line === 1 ? 'Mind\u0007 the gap' : { line });
  return say('said');
});

server.registerTool('race', { inputSchema: { steps: z.number() } }, async ({ steps }, { _meta, sendNotification }) => {
  const progressToken = _meta?.progressToken ?? 'none';
  for (let progress = 1; progress <= steps; progress += 1)
    await sendNotification({ method: 'notifications/progress', params: { progressToken, progress } });
  return say('done');
});

server.registerTool('gallery', {}, () => ({
  content: [
    { type: 'text', text: 'Look:' },
    { type: 'image', data: Buffer.alloc(3072).toString('base64'), mimeType: 'image/png' },
    { type: 'audio', data: 'AAAA', mimeType: 'audio/wav' },
    { type: 'resource_link', uri: 'file:///c.md', name: 'c', mimeType: 'text/markdown' },
    { type: 'resource', resource: { uri: 'file:///a.txt', text: 'inside' } },
  ],
  structuredContent: { pictures: 1 },
}));

server.registerTool('garble', {}, () => {
  const lines = [
    'not JSON',
    '{"a":1}',
    '[]',
    'null',
    '{"jsonrpc":"2.0","id":999,"result":{}}',
    '{"jsonrpc":"2.0","id":998,"error":{"code":"x"}}',
    '{"jsonrpc":"2.0","method":"notifications/unheard_of"}',
    '{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"nobodys","progress":1}}',
    '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":12345}}',
    '{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"loud"}}',
    '{"jsonrpc":"2.0","id":"x","method":"unheard/of","params":{}}',
    '{"jsonrpc":"2.0","id":"y","method":"sampling/createMessage","params":{"messages":[]}}',
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
  return say('understood?');
});

server.registerTool('words', {}, () => say(JSON.stringify(process.argv.slice(2))));

server.registerTool('structured', { outputSchema: { sum: z.number() } }, () => ({
  content: [],
  structuredContent: { sum: 5 },
}));

server.registerTool('environment', {}, () => say(Object.keys(process.env).join(' ')));

server.registerTool('pid', {}, () => say(String(process.pid)));

server.registerTool('grandchild', {}, () => say(String(spawn('sleep', ['600'], { stdio: 'ignore' }).pid)));

server.registerTool('grow', {}, () => {
  server.registerTool('grown', { description: 'New\u0007 here' }, () => say('grown'));
  return say('grew');
});

await server.connect(new StdioServerTransport());

if (TEST_STUBBORN === undefined) process.stdin.once('end', () => process.exit(0));
else {
  process.on('SIGTERM', () => note('ignored SIGTERM'));
  setInterval(() => undefined, 1_000);
}
