/**
 * Lists what Parley supports of each revision of MCP. revision-table.test.ts plays every row at every revision that has
 * it, against a real server of that revision. docs/reference/mcp.md shows the table.
 */
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { isUnavailable } from '../../src/mcp/prompts-and-resources.ts';
import type { createSampler } from '../support/mcp-sampler.ts';
import type { startHttpServer } from '../support/mcp-http-server.ts';
import { callAnswering } from '../support/mcp-person.ts';
import type { startMcpServers } from '../support/mcp-servers.ts';
import { isStateless, type Revision, type Span } from './revisions.ts';

/** A client that is connected to the server `web`, which offers what a sampler has. */
export interface Scene {
  revision: Revision;
  server: Awaited<ReturnType<typeof startHttpServer>>;
  sampler: ReturnType<typeof createSampler>;
  box: Awaited<ReturnType<typeof startMcpServers>>;
}

export interface Row extends Span {
  feature: string;
  play(scene: Scene): Promise<void>;
}

/** Polling interval. */
const LOOK_AGAIN_MS = 10;

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await pause(LOOK_AGAIN_MS);
}

/** Calls the tool and returns its content as JSON. */
async function contentOf({ box }: Scene, tool: string): Promise<string> {
  const end = await box.call(tool);
  assert.ok(end.status === 'ok');
  return JSON.stringify(end.content);
}

/** Adds a tool, a prompt and a resource. Servers without sessions have to send notifications. */
function grow({ sampler, server, revision }: Scene): void {
  sampler.grow();
  if (!isStateless(revision)) return;
  server.announce.toolsChanged();
  server.announce.promptsChanged();
  server.announce.resourcesChanged();
}

export const revisionTable: { title: string; rows: Row[] }[] = [
  {
    title: 'Connections',
    rows: [
      {
        feature: 'negotiation, and the negotiated revision in every request',
        async play({ revision, server, box }) {
          await box.call('count');
          assert.equal(server.headersSeen.at(-1)?.['mcp-protocol-version'], revision);
        },
      },
      {
        feature: 'health checks (`ping`, later `server/discover`)',
        async play({ box, server }) {
          const states: string[] = [];
          box.actor('web').subscribe(({ value }) => void states.push(JSON.stringify(value)));
          const before = server.headersSeen.length;
          box.actor('web').send({ type: 'server.suspect' });
          await until(() => states.length > 1);
          assert.deepEqual(
            states.map((state) => state.includes('"ready"')),
            [true, true],
            'verifying, then healthy',
          );
          assert.ok(server.headersSeen.length > before);
        },
      },
      {
        feature: 'a session that the server has lost is replaced, and the call sent again',
        until: '2025-11-25',
        async play({ server, box }) {
          server.sessions.clear();
          assert.equal((await box.call('count')).status, 'ok');
          assert.deepEqual(server.seen, ['count']);
        },
      },
    ],
  },
  {
    title: 'Tools',
    rows: [
      {
        feature: 'list and call',
        async play({ box }) {
          assert.deepEqual(await box.call('count').then(({ status }) => status), 'ok');
        },
      },
      {
        feature: 'a changed list (`list_changed`)',
        async play(scene) {
          grow(scene);
          await until(() => scene.box.host.tools().some(({ toolName }) => toolName === 'late'));
        },
      },
      {
        feature: 'progress',
        async play({ box }) {
          const reported: unknown[] = [];
          await box.call('steps', {}, { onProgress: (progress) => void reported.push(progress) });
          assert.deepEqual(reported, [{ progress: 1, total: 2 }]);
        },
      },
      {
        feature: 'cancellation',
        async play({ box, server }) {
          const abort = new AbortController();
          const end = box.call('hang', {}, { signal: abort.signal });
          await server.sees('hang');
          abort.abort();
          assert.deepEqual(await end, { status: 'cancelled' });
          await server.sees('cancelled');
        },
      },
      {
        feature: "the server's log during a call",
        async play({ box }) {
          const said: unknown[] = [];
          // The log level of a session is set once, after the handshake.
          await until(async () => {
            await box.call('talk', {}, { onLog: ({ level }) => void said.push(level) });
            return said.length > 0;
          });
          assert.equal(said[0], 'warning');
        },
      },
      {
        feature: 'images and embedded resources in results',
        async play(scene) {
          assert.match(await contentOf(scene, 'show'), /image\/png.*embedded/);
        },
      },
      {
        feature: 'audio in results, and annotations of tools',
        since: '2025-03-26',
        async play(scene) {
          assert.match(await contentOf(scene, 'sound'), /audio\/wav/);
          assert.equal(scene.box.tool('sound').effect, 'read_only');
        },
      },
      {
        feature: 'structured content, links to resources, titles',
        since: '2025-06-18',
        async play(scene) {
          assert.match(await contentOf(scene, 'weigh'), /"structuredContent":\{"grams":7\}/);
          assert.match(await contentOf(scene, 'link'), /memo:\/\/today.*resource_link/);
          assert.equal(scene.box.tool('link').title, 'Links');
        },
      },
    ],
  },
  {
    title: 'Prompts and resources',
    rows: [
      {
        feature: 'prompts: list, and fill in with arguments',
        async play({ box: { host } }) {
          assert.deepEqual(
            (await host.promptsAndResources.prompts()).map(({ name }) => name),
            ['weather', 'greet', 'thank'],
          );
          assert.match(
            JSON.stringify(await host.promptsAndResources.fill('web', 'weather', { city: 'Graz' })),
            /weather in Graz/,
          );
        },
      },
      {
        feature: 'resources and templates: list and read',
        async play({ box: { host } }) {
          assert.equal((await host.promptsAndResources.resources()).length, 3);
          assert.equal((await host.promptsAndResources.templates()).length, 1);
          assert.match(JSON.stringify(await host.promptsAndResources.read('web', 'memo://of/sunday')), /On sunday/);
        },
      },
      {
        feature: 'completion of arguments',
        async play({ box: { host } }) {
          const completed = await host.promptsAndResources.complete('web', {
            of: { prompt: 'weather' },
            argument: { name: 'city', value: 'W' },
            known: {},
          });
          assert.ok(!isUnavailable(completed));
          assert.deepEqual(completed.values, ['Wien', 'Wels']);
        },
      },
      {
        feature: 'changed lists of both',
        async play(scene) {
          const { promptsAndResources } = scene.box.host;
          assert.equal(
            (await promptsAndResources.prompts()).length + (await promptsAndResources.resources()).length,
            6,
          );
          grow(scene);
          await until(
            async () =>
              (await promptsAndResources.prompts()).length + (await promptsAndResources.resources()).length === 8,
          );
        },
      },
    ],
  },
  {
    title: 'Client features (requests of servers)',
    rows: [
      {
        feature: 'a form to fill in (elicitation)',
        since: '2025-06-18',
        async play({ box }) {
          const end = await callAnswering(box.call, 'book', {}, () => ({
            action: 'accept',
            content: { guests: 4, place: 'inside' },
          }));
          assert.equal('text' in end && end.text, 'booked for 4, inside');
        },
      },
      {
        feature: 'a page to visit (elicitation by URL)',
        since: '2025-11-25',
        async play({ box }) {
          const asked: string[] = [];
          const end = await callAnswering(box.call, 'pay', {}, (ask) => {
            asked.push(ask.kind === 'url' ? ask.url : ask.kind);
            return { action: 'accept', content: null };
          });
          assert.deepEqual([asked, 'text' in end && end.text], [['https://pay.example/deposit'], 'deposit: accept']);
        },
      },
      {
        feature: 'the model (sampling)',
        async play({ box }) {
          const end = await box.call('summarize');
          assert.equal('text' in end && end.text, 'summary: Short.');
        },
      },
      {
        feature: 'folders that they may use (roots)',
        async play({ box }) {
          const end = await box.call('roots');
          assert.equal('text' in end && end.text, 'file:///srv/shared');
        },
      },
    ],
  },
];
