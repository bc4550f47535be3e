/** Checks the page with Stately's inspector in a real Chromium that cannot reach Stately's site. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { Page } from 'playwright-core';
import { createBrowser, withoutBrowser } from '../support/browser.ts';
import { isHere } from '../support/inspect-page.ts';
import { pageOf } from '../support/metrics.ts';
import { startParley, type Parley } from '../support/parley.ts';
import { eventually } from '../support/server-process.ts';

const openPage = createBrowser();

/** Announces itself, and counts its messages. */
const RECEIVER =
  '<script>window.count = 0; onmessage = () => { window.count += 1; }; parent.postMessage({ type: "@statelyai.connected" }, "*");</script>';

/** Opens a conversation with a stopped clock; `reachable` makes Stately's address respond. */
async function openWithoutInternet(
  t: TestContext,
): Promise<{ page: Page; parley: Parley; tries: () => number; reachable: () => void }> {
  const parley = await startParley(t);
  await (await parley.connect()).chat('Hi', { conversation_id: 'c1' });
  const page = await openPage(t, { expected: /ERR_INTERNET_DISCONNECTED/ });
  let isReachable = false;
  let tries = 0;
  await page.route('https://stately.ai/**', (route) => {
    tries += 1;
    return isReachable
      ? route.fulfill({ contentType: 'text/html', body: RECEIVER })
      : route.abort('internetdisconnected');
  });
  await page.clock.install();
  await page.goto(`${pageOf(parley.url, '/inspect/stately')}#conversation=c1&from=log`);
  await page.locator('#link', { hasText: 'waiting for stately.ai' }).waitFor();
  return {
    page,
    parley,
    tries: () => tries,
    reachable: () => {
      isReachable = true;
    },
  };
}

describe("Stately's page without the internet", { skip: withoutBrowser }, () => {
  it('reports within 5 seconds what is missing and what works, and retries on request', async (t) => {
    const { page, tries, reachable } = await openWithoutInternet(t);
    await page.clock.fastForward(5000);
    await page.getByRole('heading', { name: "Stately's inspector does not respond" }).waitFor();
    await page
      .locator('#missing', { hasText: 'https://stately.ai/inspect in a frame. It needs an internet connection' })
      .waitFor();
    await page.locator('#missing', { hasText: 'Everything else works offline' }).waitFor();
    assert.equal(tries(), 1);
    await page.getByRole('button', { name: 'Try again' }).click();
    await eventually(() => tries() === 2, 'another try');
    await page.clock.fastForward(5000);
    await page.getByRole('button', { name: 'Try again' }).waitFor();
    reachable();
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.locator('#link', { hasText: 'connected' }).waitFor();
    assert.equal(await page.locator('#missing').isVisible(), false);
    const frame = page.frames().find((each) => each.url().startsWith('https://stately.ai'));
    await eventually(
      async () => ((await frame?.evaluate<number>('window.count')) ?? 0) > 0,
      'the events before the receiver responded',
    );
  });

  it('removes the notice by itself when the receiver responds late', async (t) => {
    const { page, reachable } = await openWithoutInternet(t);
    await page.clock.fastForward(5000);
    await page.locator('#missing').waitFor();
    reachable();
    await page.locator('#inspector').evaluate((frame) => {
      frame.src += '?late';
    });
    await page.locator('#link', { hasText: 'connected' }).waitFor();
    assert.equal(await page.locator('#missing').isVisible(), false);
  });

  it("links to the same conversation on Parley's own page", async (t) => {
    const { page } = await openWithoutInternet(t);
    await page.clock.fastForward(5000);
    await page.getByRole('link', { name: "Parley's own inspector" }).click();
    await isHere(page, 'idle');
    assert.equal(await page.locator('#name').textContent(), 'c1');
  });
});
