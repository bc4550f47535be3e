/**
 * What Parley supports of each revision of MCP, as a table: revision-table.test.ts plays every row at every revision that
 * has it, against a real server that is held to that revision, and docs/reference/mcp.md shows it.
 */
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { isMissing } from '../../src/mcp/library.ts';
import type { createSampler } from '../support/mcp-sampler.ts';
import type { startHttpServer } from '../support/mcp-http-server.ts';
import { callAnswering } from '../support/mcp-person.ts';
import type { startToolbox } from '../support/mcp-toolbox.ts';
import { isStateless, type Revision, type Span } from './revisions.ts';

/** A toolbox that is connected to the one server `web`, which offers what a sampler has. */
export interface Scene {
  revision: Revision;
  server: Awaited<ReturnType<typeof startHttpServer>>;
  sampler: ReturnType<typeof createSampler>;
  box: Awaited<ReturnType<typeof startToolbox>>;
}

export interface Row extends Span {
  feature: string;
  play(scene: Scene): Promise<void>;
}

/** Between two looks at what nothing announces. */
const LOOK_AGAIN_MS = 10;

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await pause(LOOK_AGAIN_MS);
}

/** What a call's result is kept as in the log. */
async function contentOf({ box }: Scene, tool: string): Promise<string> {
  const end = await box.call(tool);
  assert.ok(end.status === 'ok');
  return JSON.stringify(end.content);
}

/** Grows the offer, and has servers without sessions tell of it. */
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
        feature: 'negotiation, and every request under the revision that was agreed on',
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
            'doubted, then cleared',
          );
          assert.ok(server.headersSeen.length > before);
        },
      },
      {
        feature: 'a session that the server has forgotten is made anew, and the call sent again',
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
          const told: unknown[] = [];
          await box.call('steps', {}, { onProgress: (progress) => void told.push(progress) });
          assert.deepEqual(told, [{ progress: 1, total: 2 }]);
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
          // What a session wants to hear is told it once, after the handshake.
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
            (await host.library.prompts()).map(({ name }) => name),
            ['weather', 'greet', 'thank'],
          );
          assert.match(JSON.stringify(await host.library.fill('web', 'weather', { city: 'Graz' })), /weather in Graz/);
        },
      },
      {
        feature: 'resources and templates: list and read',
        async play({ box: { host } }) {
          assert.equal((await host.library.resources()).length, 3);
          assert.equal((await host.library.templates()).length, 1);
          assert.match(JSON.stringify(await host.library.read('web', 'memo://of/sunday')), /On sunday/);
        },
      },
      {
        feature: 'completion of arguments',
        async play({ box: { host } }) {
          const completed = await host.library.complete('web', {
            of: { prompt: 'weather' },
            argument: { name: 'city', value: 'W' },
            known: {},
          });
          assert.ok(!isMissing(completed));
          assert.deepEqual(completed.values, ['Wien', 'Wels']);
        },
      },
      {
        feature: 'changed lists of both',
        async play(scene) {
          const { library } = scene.box.host;
          assert.equal((await library.prompts()).length + (await library.resources()).length, 6);
          grow(scene);
          await until(async () => (await library.prompts()).length + (await library.resources()).length === 8);
        },
      },
    ],
  },
  {
    title: 'What servers ask for',
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
