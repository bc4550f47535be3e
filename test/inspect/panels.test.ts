/** Resizes the inspector's panels in a real Chromium, by mouse and by keyboard. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { createBrowser, withoutBrowser } from '../support/browser.ts';
import { inspectUrl, isHere } from '../support/inspect-page.ts';
import { demoServer, startParley } from '../support/parley.ts';
import { eventually } from '../support/server-process.ts';

const openPage = createBrowser();

async function openPanels(t: TestContext, options: BrowserContextOptions = {}): Promise<Page> {
  const parley = await startParley(t, { mcpServers: demoServer });
  await (await parley.connect()).chat('Hi', { conversation_id: 'c1' });
  const page = await openPage(t, options);
  await page.goto(inspectUrl(parley, '#conversation=c1'));
  await isHere(page, 'idle');
  return page;
}

/** Each separator, its panel, and the mouse movement that enlarges the panel. */
const PANELS = [
  { name: 'Width of the conversations', panel: '#list-panel', side: 'width', larger: [40, 0], key: 'ArrowRight' },
  { name: 'Width of the events', panel: '#events-panel', side: 'width', larger: [-40, 0], key: 'ArrowLeft' },
  {
    name: 'Height of the tool calls and MCP servers',
    panel: '#others',
    side: 'height',
    larger: [0, -40],
    key: 'ArrowUp',
  },
  { name: 'Height of the chosen event', panel: '#detail', side: 'height', larger: [0, -40], key: 'ArrowUp' },
] as const;

const sizeOf = async (page: Page, { panel, side }: (typeof PANELS)[number]) =>
  Math.round((await page.locator(panel).boundingBox())?.[side] ?? 0);

describe('the panels', { skip: withoutBrowser }, () => {
  it('change size by drag, and keep it after a reload', async (t) => {
    const page = await openPanels(t);
    const expected: number[] = [];
    for (const each of PANELS) {
      const before = await sizeOf(page, each);
      const handle = await page.getByRole('separator', { name: each.name }).boundingBox();
      assert.ok(handle);
      const [x, y] = [handle.x + handle.width / 2, handle.y + handle.height / 2];
      await page.mouse.move(x, y);
      await page.mouse.down();
      await page.mouse.move(x + each.larger[0], y + each.larger[1], { steps: 4 });
      await page.mouse.up();
      const after = await sizeOf(page, each);
      assert.equal(after, before + 40, each.name);
      expected.push(after);
    }
    await page.reload();
    await isHere(page, 'idle');
    await page.locator('#others .card').waitFor();
    assert.deepEqual(await Promise.all(PANELS.map((each) => sizeOf(page, each))), expected);
  });

  it('change size by keys, between an announced minimum and maximum', async (t) => {
    const page = await openPanels(t);
    for (const each of PANELS) {
      const separator = page.getByRole('separator', { name: each.name });
      const [before, first] = [await sizeOf(page, each), await page.locator('#position').textContent()];
      const aria = async (name: string) => Number(await separator.getAttribute(`aria-${name}`));
      await separator.focus();
      await page.keyboard.press(each.key);
      await eventually(
        async () => (await aria('valuenow')) === before + 16 && (await sizeOf(page, each)) === before + 16,
        `${each.name}: 16 pixels more`,
      );
      await page.keyboard.press('Home');
      await eventually(async () => (await sizeOf(page, each)) === (await aria('valuemin')), `${each.name}: the least`);
      await page.keyboard.press('End');
      await eventually(async () => (await sizeOf(page, each)) === (await aria('valuemax')), `${each.name}: the most`);
      await page.keyboard.press('Enter');
      await eventually(async () => (await sizeOf(page, each)) === before, `${each.name}: the default size`);
      assert.equal(await page.locator('#position').textContent(), first, 'the keys go through no events here');
    }
  });

  it('leave room for the chart with any stored size', async (t) => {
    const page = await openPanels(t);
    await page.evaluate(
      'localStorage.setItem("parley-inspect-sizes", JSON.stringify({ "--list-width": 5000, "--events-width": 5000, "--others-height": "tall" }))',
    );
    await page.reload();
    await isHere(page, 'idle');
    assert.ok(((await page.locator('main.chart').boundingBox())?.width ?? 0) > 250);
    await page.evaluate('localStorage.setItem("parley-inspect-sizes", "no JSON")');
    await page.reload();
    await isHere(page, 'idle');
  });

  it('are stacked at 400 pixels, without separators', async (t) => {
    const page = await openPanels(t, { viewport: { width: 400, height: 800 } });
    assert.equal(await page.locator('[role="separator"]:visible').count(), 0);
  });
});
