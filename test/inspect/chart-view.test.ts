/** Zooms and moves the conversation's chart in a real Chromium: wheel, drag, touch, buttons, keys. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { BrowserContextOptions, Locator, Page } from 'playwright-core';
import { createBrowser, withoutBrowser } from '../support/browser.ts';
import type { Client } from '../support/client.ts';
import { inspectUrl, isHere, viewOf } from '../support/inspect-page.ts';
import { startParley } from '../support/parley.ts';
import { eventually } from '../support/server-process.ts';

const openPage = createBrowser();

/** Opens the page with an idle conversation. Without motion, so that a view has its final place at once. */
async function openChart(t: TestContext, options: BrowserContextOptions = {}): Promise<{ page: Page; client: Client }> {
  const parley = await startParley(t);
  const client = await parley.connect();
  await client.chat('Hi', { conversation_id: 'c1' });
  const page = await openPage(t, { reducedMotion: 'reduce', ...options });
  await page.goto(inspectUrl(parley, '#conversation=c1'));
  await isHere(page, 'idle');
  return { page, client };
}

const idle = (page: Page) => page.locator('#canvas [data-state="idle"] > rect').first();

async function boxOf(locator: Locator): Promise<{ x: number; y: number; width: number; height: number }> {
  const box = await locator.boundingBox();
  assert.ok(box);
  return box;
}

async function middleOf(locator: Locator): Promise<{ x: number; y: number }> {
  const { x, y, width, height } = await boxOf(locator);
  return { x: x + width / 2, y: y + height / 2 };
}

const isNear = (one: { x: number; y: number }, other: { x: number; y: number }) =>
  Math.hypot(one.x - other.x, one.y - other.y) < 1.5;

/** True if the whole chart is within the canvas. */
async function isWhole(page: Page): Promise<boolean> {
  const canvas = await boxOf(page.locator('#canvas'));
  const chart = await boxOf(page.locator('#canvas [data-state=""] > rect').first());
  return (
    chart.x >= canvas.x &&
    chart.y >= canvas.y &&
    chart.x + chart.width <= canvas.x + canvas.width &&
    chart.y + chart.height <= canvas.y + canvas.height
  );
}

describe('the view of the chart', { skip: withoutBrowser }, () => {
  it('starts with legible names and the active state in view', async (t) => {
    const { page, client } = await openChart(t);
    const height: number = await page
      .locator('#canvas .name')
      .first()
      .evaluate(
        (name) =>
          Number.parseFloat(name.ownerDocument.defaultView.getComputedStyle(name).fontSize) * name.getScreenCTM().a,
      );
    assert.ok(height >= 11, `${height} CSS pixels`);
    await client.chat('Hi', { conversation_id: 'c1' });
    await page.keyboard.press('Home');
    await page.locator('#steps .label', { hasText: 'answer.finished' }).last().click();
    await isHere(page, 'turn.persisting');
    const [canvas, box] = [await boxOf(page.locator('#canvas')), await boxOf(page.locator('#canvas .here > rect'))];
    assert.ok(box.y >= canvas.y && box.y + box.height <= canvas.y + canvas.height);
    assert.equal(await page.locator('#follow').getAttribute('aria-pressed'), 'true');
  });

  it('zooms with the wheel around the pointer, and keeps its place while the state changes', async (t) => {
    const { page, client } = await openChart(t);
    const [at, before] = [await middleOf(idle(page)), await boxOf(idle(page))];
    await page.mouse.move(at.x, at.y);
    await page.mouse.wheel(0, -300);
    await eventually(async () => (await boxOf(idle(page))).width > 1.2 * before.width, 'a larger chart');
    assert.ok(isNear(await middleOf(idle(page)), at), 'the state stays under the pointer');
    const kept = await viewOf(page);
    await client.chat('Hi', { conversation_id: 'c1' });
    await page.locator('#steps .label', { hasText: 'answer.finished' }).click();
    await isHere(page, 'turn.persisting');
    assert.deepEqual(await viewOf(page), kept);
    await page.getByRole('button', { name: 'Timeline' }).click();
    await page.getByRole('button', { name: 'Chart', exact: true }).click();
    await page.getByRole('button', { name: 'Now' }).click();
    await isHere(page, 'idle');
    assert.deepEqual(await viewOf(page), kept);
    await page.mouse.move(at.x, at.y);
    await page.mouse.wheel(0, 300);
    await eventually(async () => Math.abs((await boxOf(idle(page))).width - before.width) < 1, 'the size from before');
  });

  it('moves with a drag, and returns with Follow', async (t) => {
    const { page } = await openChart(t);
    const [at, first] = [await middleOf(idle(page)), await viewOf(page)];
    await page.mouse.move(at.x, at.y);
    await page.mouse.down();
    await page.mouse.move(at.x + 70, at.y - 50, { steps: 5 });
    await page.mouse.up();
    assert.ok(isNear(await middleOf(idle(page)), { x: at.x + 70, y: at.y - 50 }));
    assert.notDeepEqual(await viewOf(page), first);
    assert.equal(await page.locator('#follow').getAttribute('aria-pressed'), 'false');
    await page.getByRole('button', { name: 'Follow' }).click();
    assert.equal(await page.locator('#follow').getAttribute('aria-pressed'), 'true');
    const [canvas, box] = [await boxOf(page.locator('#canvas')), await boxOf(idle(page))];
    assert.ok(box.y + box.height <= canvas.y + canvas.height);
  });

  it('moves to a press on the small map', async (t) => {
    const { page } = await openChart(t);
    const [map, before] = [await boxOf(page.locator('#minimap')), await viewOf(page)];
    await page.mouse.click(map.x + map.width / 2, map.y + 12);
    const after = await viewOf(page);
    assert.ok(after.y < before.y - 100 && after.width === before.width, `${before.y} to ${after.y}`);
  });

  it('zooms and moves by buttons and keys', async (t) => {
    const { page } = await openChart(t);
    const first = await viewOf(page);
    await page.getByRole('button', { name: 'Zoom in' }).click();
    const near = await viewOf(page);
    assert.ok(near.width < first.width);
    await page.getByRole('button', { name: 'Zoom out' }).click();
    assert.ok(Math.abs((await viewOf(page)).width - first.width) < 1);
    await page.getByRole('button', { name: 'Whole' }).click();
    assert.ok(await isWhole(page));
    assert.equal(await page.locator('#minimap').isVisible(), false);
    const whole = await viewOf(page);
    await page.keyboard.press('f');
    assert.ok((await viewOf(page)).width < whole.width);
    await page.keyboard.press('w');
    assert.deepEqual(await viewOf(page), whole);
    await page.keyboard.press('+');
    assert.ok((await viewOf(page)).width < whole.width);
    await page.keyboard.press('-');
    const still = await viewOf(page);
    for (const key of ['ArrowRight', 'ArrowDown']) await page.keyboard.press(`Shift+${key}`);
    const moved = await viewOf(page);
    assert.ok(moved.x > still.x && moved.y > still.y && moved.width === still.width);
  });

  it('stays whole when the panel is resized', async (t) => {
    const { page } = await openChart(t);
    await page.keyboard.press('w');
    await page.setViewportSize({ width: 1000, height: 640 });
    await eventually(() => isWhole(page), 'all of the chart in the smaller panel');
  });

  it('reveals the state that Tab reaches', async (t) => {
    const { page } = await openChart(t);
    await page.locator('#canvas').focus();
    for (let states = 0; states < 3; states += 1) await page.keyboard.press('Tab');
    const canvas = await boxOf(page.locator('#canvas'));
    const box = await boxOf(page.locator('#canvas .state:focus > rect').first());
    assert.ok(box.y >= canvas.y && box.y + box.height <= canvas.y + canvas.height, JSON.stringify({ box, canvas }));
  });

  it('zooms with two fingers and moves with one at 400 pixels', async (t) => {
    const { page } = await openChart(t, { viewport: { width: 400, height: 800 }, hasTouch: true });
    const devtools = await page.context().newCDPSession(page);
    const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', ...points: (readonly [number, number])[]) =>
      devtools.send('Input.dispatchTouchEvent', { type, touchPoints: points.map(([x, y], id) => ({ x, y, id })) });
    const { x, y } = await middleOf(page.locator('#canvas'));
    const first = await viewOf(page);
    await touch('touchStart', [x - 30, y], [x + 30, y]);
    await touch('touchMove', [x - 50, y], [x + 50, y]);
    await touch('touchMove', [x - 60, y], [x + 60, y]);
    await touch('touchEnd');
    await eventually(async () => (await viewOf(page)).width < 0.7 * first.width, 'half of it, twice as large');
    const near = await viewOf(page);
    await touch('touchStart', [x, y]);
    for (const by of [15, 30, 40]) await touch('touchMove', [x, y + by]);
    await touch('touchEnd');
    await eventually(async () => (await viewOf(page)).y < near.y - 10, 'the part above');
  });

  for (const reducedMotion of ['no-preference', 'reduce'] as const) {
    it(`${reducedMotion === 'reduce' ? 'jumps with reduced motion' : 'glides to its new place'}`, async (t) => {
      const { page } = await openChart(t, { reducedMotion });
      const svg = page.locator('#canvas svg');
      await svg.evaluate((drawing) => {
        const window = drawing.ownerDocument.defaultView;
        new window.MutationObserver((changes: unknown[]) => {
          drawing.dataset.changes = String(Number(drawing.dataset.changes ?? 0) + changes.length);
        }).observe(drawing, { attributeFilter: ['viewBox'] });
      });
      await page.keyboard.press('w');
      await eventually(() => isWhole(page), 'all of the chart');
      const changes = Number(await svg.getAttribute('data-changes'));
      assert.equal(changes === 1, reducedMotion === 'reduce', `${changes} changes`);
    });
  }
});
