/** Measures the contrast of all text on the inspector's pages, light and dark, against WCAG AA (4.5 to 1). */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { createBrowser, withoutBrowser } from '../support/browser.ts';
import { sharedOut } from '../support/day.ts';
import { inspectUrl, isHere } from '../support/inspect-page.ts';
import { pageOf } from '../support/metrics.ts';
import { demoServer, startParley } from '../support/parley.ts';

const openPage = createBrowser();

/** Returns the visible texts with their colour and the colours behind them, the nearest first. Runs in the page. */
const SEEN_TEXT = `(() => {
  const seen = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    const text = node.textContent.trim();
    const disabled = element.closest(':disabled, [hidden], title, script, .minimap') !== null;
    if (text === '' || disabled || !element.checkVisibility({ visibilityProperty: true }) || element.getClientRects().length === 0) continue;
    const behind = [];
    const box = element.closest('.state')?.querySelector('rect');
    if (box) behind.push(getComputedStyle(box).fill);
    for (let each = element; each; each = each.parentElement) behind.push(getComputedStyle(each).backgroundColor);
    const style = getComputedStyle(element);
    seen.push({ words: text.slice(0, 40), of: element.id || element.className?.baseVal || element.className, color: element.closest('svg') ? style.fill : style.color, behind });
  }
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const rgba = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  return seen.map((each) => ({ ...each, color: rgba(each.color), behind: each.behind.filter((color) => color !== 'none').map(rgba) }));
})()`;

type Rgba = readonly [number, number, number, number];
interface SeenText {
  words: string;
  of: string;
  color: Rgba;
  behind: readonly Rgba[];
}

const over = (front: Rgba, back: Rgba): Rgba =>
  [0, 1, 2]
    .map((part) => (front[part] ?? 0) * front[3] + (back[part] ?? 0) * (1 - front[3]))
    .concat(1) as unknown as Rgba;

function luminance(color: Rgba): number {
  const [red = 0, green = 0, blue = 0] = color
    .slice(0, 3)
    .map((part) => (part / 255 <= 0.03928 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast({ color, behind }: SeenText): number {
  const back = behind.toReversed().reduce((under, each) => over(each, under), [255, 255, 255, 1]);
  const [light = 1, dark = 1] = [luminance(over(color, back)), luminance(back)].toSorted((one, other) => other - one);
  return (light + 0.05) / (dark + 0.05);
}

async function assertLegible(page: Page, view: string): Promise<void> {
  const texts = await page.evaluate<SeenText[]>(SEEN_TEXT);
  assert.ok(texts.length > 4, `${view}: ${texts.length} texts`);
  const weak = texts
    .filter((each) => contrast(each) < 4.5)
    .map((each) => `${each.words} (${each.of}) ${contrast(each).toFixed(2)}`);
  assert.deepEqual(weak, [], view);
}

describe('the contrast of text', { skip: withoutBrowser }, () => {
  const notToday = sharedOut(2);
  for (const [at, colorScheme] of (['light', 'dark'] as const).entries()) {
    it(`meets WCAG AA in every view, ${colorScheme}`, { skip: notToday(at) }, async (t) => {
      const parley = await startParley(t, {
        mcpServers: demoServer,
        config: { chat: { service: { tools: { permission: { 'demo.current_time': 'ask' } } } } },
      });
      const client = await parley.connect();
      await client.chat('add 2 and 3', { conversation_id: 'c1' });
      const page = await openPage(t, { colorScheme, reducedMotion: 'reduce', expected: /ERR_|stately/ });
      await page.goto(inspectUrl(parley, '#conversation=c1'));
      await page.locator('#steps .label', { hasText: 'tool_call' }).click();
      await isHere(page, 'turn.toolHop.running');
      await page.locator('#others .card').first().waitFor();
      for (const key of ['w', 'l']) await page.keyboard.press(key);
      await page.getByRole('button', { name: 'Filter' }).click();
      await assertLegible(page, 'the page');
      await page.keyboard.press('t');
      await page.locator('.bars button').first().focus();
      await assertLegible(page, 'the timeline');
      client.send('chat', { text: 'what time is it', conversation_id: 'c2' }, 'r2');
      await page.locator('#conversations li.needs-person[data-id="c2"]').click();
      await page.locator('.interrupt summary').click();
      await assertLegible(page, 'an interrupt');
      await page.locator('#search').fill('add');
      await page.keyboard.press('Enter');
      await page.locator('#conversations mark').first().waitFor();
      await assertLegible(page, 'the search');
      await page.locator('#steps').focus();
      await page.keyboard.press('?');
      await assertLegible(page, 'the keys');
      await page.route('https://stately.ai/**', (route) => route.abort());
      await page.clock.install();
      await page.goto(`${pageOf(parley.url, '/inspect/stately')}#conversation=c1`);
      await page.locator('#link', { hasText: 'waiting' }).waitFor();
      await page.clock.fastForward(5000);
      await page.locator('#missing').waitFor();
      await assertLegible(page, "Stately's page");
    });
  }
});
