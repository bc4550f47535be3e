/** Types into the fields of the inspector and presses its keys, in a real Chromium. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { createBrowser, withoutBrowser } from '../support/browser.ts';
import { inspectUrl, isHere } from '../support/inspect-page.ts';
import { startParley } from '../support/parley.ts';
import { eventually } from '../support/server-process.ts';

const openPage = createBrowser();
const focused = (page: Page) => page.evaluate<string>('document.activeElement.id');

describe('the keys of the page', { skip: withoutBrowser }, () => {
  it('leave the search field with Escape, restore the focus, and keep the text', async (t) => {
    const parley = await startParley(t);
    await (await parley.connect()).chat('Hi', { conversation_id: 'c1' });
    const page = await openPage(t);
    await page.goto(inspectUrl(parley, '#conversation=c1'));
    await isHere(page, 'idle');
    await page.locator('#steps').focus();
    await page.keyboard.press('/');
    assert.equal(await focused(page), 'search');
    const before = await page.locator('#canvas svg').getAttribute('viewBox');
    await page.keyboard.type('lwfr c1+-? ');
    assert.equal(await page.locator('#search').inputValue(), 'lwfr c1+-? ');
    assert.equal(await page.locator('#canvas svg').getAttribute('viewBox'), before);
    assert.equal(await page.locator('#pane-chart').getAttribute('aria-pressed'), 'true');
    assert.equal(await page.locator('#help').isVisible(), false);
    await page.keyboard.press('Escape');
    assert.equal(await focused(page), 'steps');
    assert.equal(await page.locator('#search').inputValue(), 'lwfr c1+-? ');
    await page.keyboard.press('/');
    await page.keyboard.type('c1');
    assert.equal(await page.locator('#search').inputValue(), 'c1', 'the old text is selected');
    await page.keyboard.press('Escape');
    await page.keyboard.press('t');
    await page.locator('#pane-trace[aria-pressed="true"]').waitFor();
  });

  it('choose in a list, which announces the chosen option', async (t) => {
    const parley = await startParley(t);
    const client = await parley.connect();
    for (const id of ['c1', 'c2']) await client.chat('Hi', { conversation_id: id });
    const page = await openPage(t);
    await page.goto(inspectUrl(parley, '#conversation=c2'));
    await page.locator('#steps .label', { hasText: 'turn_end' }).waitFor();
    for (const list of ['#steps', '#conversations']) {
      await page.locator(list).focus();
      await page.keyboard.press(list === '#steps' ? 'ArrowUp' : 'ArrowDown');
      const chosen = page.locator(`${list} > [aria-selected="true"]`);
      await eventually(async () => {
        const id = await chosen.getAttribute('id');
        return id !== null && id === (await page.locator(list).getAttribute('aria-activedescendant'));
      }, `${list}: the chosen option`);
    }
  });

  it('reach the search field from every view at 400 pixels', async (t) => {
    const parley = await startParley(t);
    await (await parley.connect()).chat('Hi', { conversation_id: 'c1' });
    const page = await openPage(t, { viewport: { width: 400, height: 800 } });
    await page.goto(inspectUrl(parley, '#conversation=c1'));
    await isHere(page, 'idle');
    await page.keyboard.press('/');
    assert.equal(await focused(page), 'search');
    assert.ok(await page.locator('#search').isVisible());
  });
});
