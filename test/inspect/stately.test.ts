/**
 * Checks Parley's messages with Stately's own package: its types, and its receivers on the server's socket and in the
 * page. Tests cannot reach Stately's site, so a page with the package's receiver replaces it at the same address.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { createWebSocketReceiver, type StatelyInspectionEvent } from '@statelyai/inspect';
import type { Page } from 'playwright-core';
import { createMachine } from 'xstate';
import type { StatelyMessage } from '../../src/inspect/stately-format.ts';
import { createBrowser, withoutBrowser } from '../support/browser.ts';
import { eventsUrl } from '../support/inspection.ts';
import { pageOf } from '../support/metrics.ts';
import { says, saysStepwise } from '../support/model-replies.ts';
import { asks } from '../support/model-tool-calls.ts';
import { demoServer, startScripted } from '../support/parley.ts';
import { eventually } from '../support/server-process.ts';

/** Does not compile if Parley's messages differ from the package's. */
const asPackageHasIt = (message: StatelyMessage): StatelyInspectionEvent => message;

const openPage = createBrowser();
const modules = join(import.meta.dirname, '..', '..', 'node_modules');

/** The package itself, with stubs for the imports that a receiver in a browser does not need. */
const site: Readonly<Record<string, { type: string; text(): Promise<string> | string }>> = {
  '/inspect': {
    type: 'text/html',
    text: () => `<!doctype html><script type="importmap">${JSON.stringify({
      imports: Object.fromEntries(
        [
          'xstate',
          'fast-safe-stringify',
          'safe-stable-stringify',
          'isomorphic-ws',
          'partysocket',
          'superjson',
          '#uuid',
        ].map((name) => [name, '/imported.js']),
      ),
    })}</script><script type="module">
      import { createBrowserReceiver } from '/package.js';
      window.received = [];
      createBrowserReceiver().subscribe((event) => window.received.push(event));
    </script>`,
  },
  '/package.js': {
    type: 'text/javascript',
    text: () => readFile(join(modules, '@statelyai/inspect/dist/index.mjs'), 'utf8'),
  },
  '/imported.js': {
    type: 'text/javascript',
    text: () => 'export default {}; export const stringify = null, uuid = null, toObserver = (next) => ({ next });',
  },
};

async function standInForStately(page: Page): Promise<void> {
  await page.route('https://stately.ai/**', async (route) => {
    const found = site[new URL(route.request().url()).pathname];
    await (found ? route.fulfill({ contentType: found.type, body: await found.text() }) : route.abort());
  });
}

/** The messages that the substitute receiver got. */
async function receivedIn(page: Page): Promise<StatelyInspectionEvent[]> {
  const frame = page.frames().find((each) => each.url().startsWith('https://stately.ai'));
  return (await frame?.evaluate<StatelyInspectionEvent[]>('window.received ?? []').catch(() => [])) ?? [];
}

test("the package's receiver gets every step of a turn, its tool calls and the MCP servers", async (t) => {
  const { parley, model, client } = await startScripted(t, { mcpServers: demoServer });
  const answer = saysStepwise('It ', 'is 5.');
  model.script(says('Hello.'), asks([{ name: 'add', arguments: { a: 2, b: 3 } }]), answer.reply);
  await client.chat('Hi', { conversation_id: 'c1' });
  const received: StatelyInspectionEvent[] = [];
  createWebSocketReceiver({ server: eventsUrl(parley, 'c1') }).subscribe((event) => received.push(event));
  await eventually(() => received.length >= 2, 'the actors as they are');
  client.send('chat', { text: 'add 2 and 3', conversation_id: 'c1' }, 'r2');
  answer.release();
  answer.release();
  await client.turn('r2');
  await eventually(() => endsIdle(received), 'the end of the turn');

  const actors = received.filter((event) => event.type === '@xstate.actor');
  const machines = actors.flatMap(({ definition }) =>
    definition?.includes('"states"') ? [createMachine(JSON.parse(definition)).id] : [],
  );
  assert.deepEqual(machines, ['mcpServer', 'conversation', 'toolCall']);
  const [conversation, call] = ['conversation', 'toolCall'].map((id) =>
    actors.find(({ definition }) => definition?.startsWith(`{"id":"${id}"`)),
  );
  assert.ok(conversation && call);
  assert.equal(call.parentId, conversation.sessionId);
  assert.ok(
    received.some(
      (event) =>
        event.type === '@xstate.event' && event.event.type === 'call.ended' && event.sessionId === call.sessionId,
    ),
  );
  assert.ok(
    received.every(
      ({ _version, createdAt }) => _version === '0.7.2' && Math.abs(Number(createdAt) - Date.now()) < 60_000,
    ),
  );
});

test("a message has the package's type", () => {
  const message: StatelyMessage = {
    type: '@xstate.event',
    rootId: 'r',
    sessionId: 's',
    sourceId: undefined,
    createdAt: '0',
    id: '1',
    _version: '0.7.2',
    event: { type: 'e' },
  };
  assert.equal(asPackageHasIt(message), message);
});

test(
  'the Stately button opens the conversation, and the receiver there gets its events',
  { skip: withoutBrowser },
  async (t) => {
    const { parley, model, client } = await startScripted(t);
    model.script(says('Hello.'), says('Again.'));
    await client.chat('Hi', { conversation_id: 'c1' });
    const page = await openPage(t);
    await page.context().route('https://stately.ai/**', (route) => route.abort());
    await page.goto(`${pageOf(parley.url, '/inspect')}#conversation=c1`);
    await page.locator('#canvas .state.here[data-state="idle"]').waitFor();
    const [tab] = await Promise.all([page.waitForEvent('popup'), page.locator('#stately').click()]);
    await standInForStately(tab);
    await tab.reload();
    await tab.locator('#link', { hasText: 'connected' }).waitFor();
    await client.chat('Hi again', { conversation_id: 'c1' });
    await eventually(async () => endsIdle(await receivedIn(tab)), 'the end of the turn');
    const received = await receivedIn(tab);
    const [root] = received;
    assert.ok(
      root?.type === '@xstate.actor' &&
        root.name === 'c1' &&
        createMachine(JSON.parse(root.definition ?? '')).id === 'conversation',
    );
    const states = received.flatMap((event) =>
      event.type === '@xstate.snapshot' && event.sessionId === root.sessionId && 'value' in event.snapshot
        ? [JSON.stringify(event.snapshot.value)]
        : [],
    );
    for (const state of ['"turn":"receiving"', '"turn":"streaming"', '"turn":"persisting"', '"idle"'])
      assert.ok(
        states.some((value) => value.includes(state)),
        state,
      );
  },
);

test("the page with Stately's inspector replays a conversation from the log", { skip: withoutBrowser }, async (t) => {
  const { parley, model, client } = await startScripted(t, { mcpServers: demoServer });
  model.script(asks([{ name: 'add', arguments: { a: 2, b: 3 } }]), says('It is 5.'));
  await client.chat('add', { conversation_id: 'c1' });
  const page = await openPage(t);
  await standInForStately(page);
  await page.goto(`${pageOf(parley.url, '/inspect/stately')}#conversation=c1&from=log`);
  await eventually(async () => endsIdle(await receivedIn(page)), 'the end of the log');
  const machines = (await receivedIn(page)).flatMap((event) =>
    event.type === '@xstate.actor' ? [createMachine(JSON.parse(event.definition ?? '')).id] : [],
  );
  assert.deepEqual(machines, ['conversation', 'toolCall']);
});

/** True if the newest state is idle, after one that was not. */
function endsIdle(received: readonly StatelyInspectionEvent[]): boolean {
  const values = received.flatMap((event) =>
    event.type === '@xstate.snapshot' && 'value' in event.snapshot ? [JSON.stringify(event.snapshot.value)] : [],
  );
  return values.at(-1) === '"idle"' && values.some((value) => value.includes('streaming'));
}
