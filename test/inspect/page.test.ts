/**
 * Checks the inspector's page in a real Chromium with a whole server: marked states of a running turn, going back, replay
 * from the log, reconnects; by keyboard, and at every width.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import { createBrowser, withoutBrowser } from '../support/browser.ts';
import { sharedOut } from '../support/daily-sample.ts';
import { freePort } from '../support/free-port.ts';
import { pageOf } from '../support/metrics.ts';
import { fails, says, saysStepwise } from '../support/model/replies.ts';
import { startModelServer } from '../support/model/server.ts';
import { asks } from '../support/model/tool-calls.ts';
import { demoServer, startParley, startScripted, type Parley } from '../support/parley.ts';
import { eventually } from '../support/eventually.ts';
import { createTempHome } from '../support/temp-home.ts';

const skip = withoutBrowser;
const openPage = createBrowser();

const inspectUrl = ({ url }: Pick<Parley, 'url'>, hash = '') => `${pageOf(url, '/inspect')}${hash}`;
const rowOf = (page: Page, id: string) => page.locator(`#conversations li[data-id="${id}"]`);
/** The innermost active state on the conversation's chart. */
const here = (page: Page) => page.locator('#canvas .state.here').getAttribute('data-state');
const isHere = (page: Page, state: string) => page.locator(`#canvas .state.here[data-state="${state}"]`).waitFor();
const lastStep = (page: Page) => page.locator('#steps li[aria-selected="true"] .label').textContent();

describe('a conversation on the page', { skip }, () => {
  test('marks its states, the last transition, the tool call and the MCP server while its turn runs', async (t) => {
    const { parley, model, client } = await startScripted(t, { mcpServers: demoServer });
    const [first, last] = [saysStepwise('Hello'), saysStepwise('It is 5.')];
    model.script(first.reply, asks([{ name: 'add', arguments: { a: 2, b: 3 } }]), last.reply);
    client.send('chat', { text: 'Hi', conversation_id: 'c1' }, 'r1');
    const page = await openPage(t);
    await page.goto(inspectUrl(parley));
    await rowOf(page, 'c1').getByText('turn.streaming').waitFor();
    await rowOf(page, 'c1').click();
    await isHere(page, 'turn.streaming');
    assert.equal(await page.locator('#canvas .state.active[data-state="turn"]').count(), 1);
    first.release();
    await isHere(page, 'idle');
    await page.locator('#canvas .edge.lit[data-edges*="turn.persisting|log.committed"]').waitFor();
    client.send('chat', { text: 'add 2 and 3', conversation_id: 'c1' }, 'r2');
    await page.locator('#others .card', { hasText: 'call of add' }).locator('.here[data-state="ok"]').waitFor();
    await page.locator('#others .card', { hasText: 'MCP server demo' }).locator('.active[data-state="open"]').waitFor();
    await isHere(page, 'turn.streaming');
    assert.match((await page.locator('#sentence').textContent()) ?? '', /^turn\.streaming The model answers/);
    last.release();
    await isHere(page, 'idle');
  });

  test('goes back step by step, and forward to now, while it keeps running', async (t) => {
    const { parley, model, client } = await startScripted(t);
    model.script(says('Hello.'), says('Hello.'), says('Again.'));
    await client.chat('Hi', { conversation_id: 'c1' });
    const page = await openPage(t);
    await page.goto(inspectUrl(parley, '#conversation=c1'));
    await isHere(page, 'idle');
    await client.chat('Hi', { conversation_id: 'c1' });
    await page.locator('#steps .label', { hasText: 'answer.finished' }).click();
    await isHere(page, 'turn.persisting');
    await page.keyboard.press('ArrowLeft');
    await isHere(page, 'turn.streaming');
    const before = await page.locator('#steps li').count();
    await client.chat('Hi again', { conversation_id: 'c1' });
    await eventually(async () => (await page.locator('#steps li').count()) > before, 'what is new');
    assert.equal(await here(page), 'turn.streaming', 'new events do not move the view of a past event');
    await page.locator('#scrubber').fill('0');
    await eventually(async () => (await lastStep(page)) === 'begins', 'the first step');
    await isHere(page, 'idle');
    await page.getByRole('button', { name: 'Now' }).click();
    await isHere(page, 'idle');
    assert.equal(await page.getByRole('button', { name: 'Now' }).isDisabled(), true);
  });

  test('plays its events, and describes each state', async (t) => {
    const { parley, model, client } = await startScripted(t);
    model.script(says('Hello.'));
    await client.chat('Hi', { conversation_id: 'c1' });
    const page = await openPage(t);
    await page.goto(inspectUrl(parley, '#conversation=c1&from=log'));
    await isHere(page, 'idle');
    // On a busy machine a state may end before the test reads it.
    await page.locator('#canvas').evaluate((canvas) => {
      const note = () =>
        (canvas.dataset.seen = `${canvas.dataset.seen ?? ''} ${canvas.querySelector('.here')?.dataset.state ?? ''}`);
      new canvas.ownerDocument.defaultView.MutationObserver(note).observe(canvas, {
        subtree: true,
        attributeFilter: ['class'],
      });
    });
    await page.keyboard.press(' ');
    await page.locator('#play', { hasText: 'Pause' }).waitFor();
    await page.locator('#play', { hasText: 'Play' }).waitFor();
    assert.match(
      (await page.locator('#canvas').getAttribute('data-seen')) ?? '',
      /turn\.streaming.* turn\.persisting.* idle/,
    );
    await page.locator('#canvas [data-state="turn.backingOff"]').focus();
    await page.locator('#sentence', { hasText: 'turn.backingOff' }).waitFor();
  });

  test('is found by its id and by its state', async (t) => {
    const { parley, model, client } = await startScripted(t);
    const answer = saysStepwise('Wait');
    model.script(says('One.'), says('Two.'), answer.reply);
    await client.chat('Hi', { conversation_id: 'alpha' });
    await client.chat('Hi', { conversation_id: 'beta' });
    client.send('chat', { text: 'Hi', conversation_id: 'alphabet' }, 'r3');
    await model.request(3);
    const page = await openPage(t);
    await page.goto(inspectUrl(parley));
    const shown = () =>
      page
        .locator('#conversations li')
        .evaluateAll((items) => items.map((item) => item.getAttribute('data-id')).sort());
    await eventually(async () => (await shown()).length === 3, 'all of them');
    await page.keyboard.press('/');
    await page.keyboard.type('ALPHA');
    await eventually(async () => (await shown()).join() === 'alpha,alphabet', 'those that fit');
    await page.locator('#states button', { hasText: 'streaming' }).click();
    await eventually(async () => (await shown()).join() === 'alphabet', 'the one that is at work');
    answer.release();
    await client.turn('r3');
  });

  test('shows hostile data as text', async (t) => {
    const hostile = '<img src=x onerror=alert(1)>"&amp;';
    const parley = await startParley(t, { config: { inspect: { include_content: true } } });
    const client = await parley.connect();
    await client.chat(hostile, { conversation_id: hostile });
    const page = await openPage(t);
    await page.goto(inspectUrl(parley));
    await page.locator('#conversations li').click();
    await page.locator('#steps .label', { hasText: 'user_message' }).click();
    await page.locator('#detail pre', { hasText: '<img src=x onerror' }).waitFor();
    assert.equal(await page.locator('#name').textContent(), hostile);
    assert.equal(await page.locator('img[src="x"]').count(), 0);
  });
});

describe('the log', { skip }, () => {
  test('replays a conversation that is not in memory, with its tool calls', async (t) => {
    const { parley, model, client } = await startScripted(t, { mcpServers: demoServer });
    model.script(asks([{ name: 'add', arguments: { a: 2, b: 3 } }]), says('It is 5.'));
    await client.chat('add 2 and 3', { conversation_id: 'past' });
    await parley.restart();
    const page = await openPage(t);
    await page.goto(inspectUrl(parley));
    await page.getByRole('button', { name: 'In the log' }).click();
    await rowOf(page, 'past').click();
    await isHere(page, 'idle');
    const labels = await page.locator('#steps .label').allTextContents();
    assert.deepEqual(labels, [
      'begins',
      'user_message',
      'assistant_message',
      'begins',
      'tool_call',
      'tool_result',
      'tool_result',
      'assistant_message',
      'turn_end',
    ]);
    await page.locator('#steps .label', { hasText: 'tool_call' }).click();
    await isHere(page, 'turn.toolHop.running');
    await page.locator('#others .card', { hasText: 'call of add' }).locator('.here[data-state="running"]').waitFor();
  });

  test('replays a conversation that kill -9 interrupted, up to its current state', async (t) => {
    const model = await startModelServer();
    t.after(() => model.close());
    const answer = saysStepwise('never ', 'sent');
    model.script(says('Hello.'), answer.reply, saysStepwise('nor ', 'this').reply);
    const home = await createTempHome(t, { modelUrl: model.url });
    const killed = home.start();
    await killed.listening;
    const client = await killed.connect();
    await client.chat('Hi', { conversation_id: 'c1' });
    client.send('chat', { text: 'again', conversation_id: 'c1' }, 'r2');
    await model.request(2);
    killed.kill('SIGKILL');
    await killed.exited;
    const url = await home.start().listening;
    await model.request(3);
    const page = await openPage(t);
    await page.goto(`${pageOf(url, '/inspect')}#conversation=c1&from=log`);
    await page.locator('#steps .label', { hasText: 'recovered' }).click();
    await isHere(page, 'recovering');
    // The past from the log and what runs now are one list.
    await page.getByRole('button', { name: 'Now' }).click();
    await isHere(page, 'turn.streaming');
  });

  test('is read piece by piece if it is long', async (t) => {
    const parley = await startParley(t, { config: { inspect: { max_events: 10 } } });
    const client = await parley.connect();
    for (let turn = 0; turn < 6; turn += 1) await client.chat('Hi', { conversation_id: 'c1' });
    const page = await openPage(t);
    await page.goto(inspectUrl(parley, '#conversation=c1&from=log'));
    await isHere(page, 'idle');
    const messages = page.locator('#steps .label', { hasText: 'user_message' });
    assert.equal(await messages.count(), 3);
    await page.getByRole('button', { name: 'Earlier' }).click();
    await eventually(async () => (await messages.count()) === 6, 'all rows');
    assert.equal(await page.locator('#steps .label', { hasText: 'begins' }).count(), 1);
    assert.equal(await page.locator('#steps .label', { hasText: 'live from here' }).count(), 1);
    assert.equal(await page.getByRole('button', { name: 'Earlier' }).isVisible(), false);
  });

  test('shows a failed turn, and reports an unknown conversation', async (t) => {
    const { parley, model, client } = await startScripted(t);
    model.script(fails(401, 'no'));
    await client.chat('Hi', { conversation_id: 'c1' });
    const page = await openPage(t, { expected: /404/ });
    await page.goto(inspectUrl(parley, '#conversation=c1&from=log'));
    await page.locator('#steps .label', { hasText: 'turn_end' }).waitFor();
    await page.locator('#search').fill('unknown');
    await page.keyboard.press('Enter');
    await page.locator('#conversations li[data-id="unknown"]').click();
    await page.locator('#sentence', { hasText: 'The log has no conversation with this id.' }).waitFor();
  });
});

describe('the page', { skip }, () => {
  test('reconnects by itself after a restart of the server', async (t) => {
    const port = await freePort();
    const parley = await startParley(t, { config: { chat: { websocket: { port } } } });
    const client = await parley.connect();
    await client.chat('Hi', { conversation_id: 'c1' });
    const page = await openPage(t);
    await page.goto(inspectUrl(parley, '#conversation=c1'));
    await isHere(page, 'idle');
    await parley.restart();
    await page.locator('#steps .break', { hasText: 'connected again' }).waitFor();
    await page.locator('#link', { hasText: 'connected' }).waitFor();
    await (await parley.connect()).chat('Hi', { conversation_id: 'c1' });
    await page.locator('#steps .label', { hasText: 'answer.finished' }).waitFor();
    await isHere(page, 'idle');
    assert.equal(await page.locator('#steps .break').count(), 2);
  });

  // Each day both widths and both schemes.
  const notToday = sharedOut(2);
  for (const [at, colorScheme] of (['light', 'dark'] as const).entries()) {
    for (const [place, width] of [400, 1280].entries()) {
      test(
        `fits ${width} pixels, ${colorScheme}, and works with the keyboard alone`,
        { skip: notToday(at + place) },
        async (t) => {
          const parley = await startParley(t);
          const client = await parley.connect();
          await client.chat('Hi', { conversation_id: 'c1' });
          const page = await openPage(t, { colorScheme, viewport: { width, height: 800 } });
          await page.goto(inspectUrl(parley));
          await rowOf(page, 'c1').waitFor();
          await page.locator('#conversations').focus();
          await page.keyboard.press('ArrowDown');
          await isHere(page, 'idle');
          for (const key of ['t', 't', 'l', 'w']) await page.keyboard.press(key);
          await isHere(page, 'idle');
          assert.equal(await page.locator('#pane-chart').getAttribute('aria-pressed'), 'true');
          await page.keyboard.press('Home');
          await eventually(async () => (await lastStep(page)) === 'begins', 'the first step');
          await page.keyboard.press('End');
          await eventually(async () => (await lastStep(page)) === 'live from here', 'the last step');
          for (const view of ['list', 'chart', 'events']) {
            if (width === 400) await page.locator(`[data-show="${view}"]`).click();
            const scrolls: number = await page.locator('html').evaluate((root) => root.scrollWidth);
            const { width: panel = 0 } = (await page.locator(`.panel.${view}`).boundingBox()) ?? {};
            assert.ok(
              scrolls <= width && panel > 200 && panel <= width,
              `${view}: ${scrolls} wide, its panel ${panel}`,
            );
          }
          const [ink, paper]: string[] = await page.locator('body').evaluate((body) => {
            const { color, backgroundColor } = body.ownerDocument.defaultView.getComputedStyle(body);
            return [color, backgroundColor];
          });
          const lightness = (color = '') =>
            (color.match(/\d+/g) ?? []).slice(0, 3).reduce((sum, part) => sum + Number(part), 0) / 3;
          assert.ok(Math.abs(lightness(ink) - lightness(paper)) > 180, `${ink} on ${paper}`);
          assert.equal(lightness(paper) > 128, colorScheme === 'light');
        },
      );
    }
  }
});
