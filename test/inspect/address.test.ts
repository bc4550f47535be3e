/** Checks the address of the inspector's page: links, Back and Forward, reloads. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { Page } from 'playwright-core';
import { hashOf, placeOf } from '../../src/inspect/page/address.js';
import { createBrowser, withoutBrowser } from '../support/browser.ts';
import { inspectUrl, isHere, rowOf } from '../support/inspect-page.ts';
import { startParley, type Parley } from '../support/parley.ts';
import { eventually } from '../support/server-process.ts';

const openPage = createBrowser();

async function openList(t: TestContext, config: Record<string, unknown> = {}): Promise<{ page: Page; parley: Parley }> {
  const parley = await startParley(t, { config });
  const client = await parley.connect();
  for (const id of ['c1', 'c2']) await client.chat('Hi', { conversation_id: id });
  const page = await openPage(t);
  await page.goto(inspectUrl(parley));
  return { page, parley };
}

const shows = (page: Page, id: string) => page.locator('#name', { hasText: id }).waitFor();
const selected = (page: Page) => page.locator('#steps li[aria-selected="true"] .label').textContent();
const hash = (page: Page) => new URL(page.url()).hash;

describe('the address', { skip: withoutBrowser }, () => {
  it('changes with the conversation, so Back and Forward go through the chosen ones', async (t) => {
    const { page } = await openList(t);
    await rowOf(page, 'c1').click();
    await shows(page, 'c1');
    assert.equal(hash(page), '#conversation=c1&owner=anonymous');
    assert.match(await page.title(), /^c1 · /);
    await rowOf(page, 'c2').click();
    await shows(page, 'c2');
    await page.goBack();
    await shows(page, 'c1');
    assert.equal(await rowOf(page, 'c1').getAttribute('aria-selected'), 'true');
    await page.goForward();
    await shows(page, 'c2');
    await page.goBack();
    await page.goBack();
    await shows(page, 'No conversation chosen');
    await page.goForward();
    await shows(page, 'c1');
    await isHere(page, 'idle');
  });

  it('contains the chosen event, so a link opens it', async (t) => {
    const { page, parley } = await openList(t);
    await rowOf(page, 'c1').click();
    await page.locator('#steps .label', { hasText: 'assistant_message' }).click();
    await page.waitForURL(/&at=\d+\.\d+$/);
    const link = page.url();
    const other = await openPage(t);
    await other.goto(link);
    await isHere(other, 'turn.persisting');
    assert.equal(await selected(other), 'assistant_message');
    assert.equal(other.url(), link);
    await rowOf(other, 'c2').click();
    await shows(other, 'c2');
    await other.goBack();
    await eventually(async () => (await selected(other)) === 'assistant_message', 'the event from before');
    await other.goto(inspectUrl(parley, '#conversation=c1&from=log&at=99999.1'));
    await other.locator('#notice', { hasText: 'was not found' }).waitFor();
    await isHere(other, 'idle');
  });

  it('keeps the event of a live conversation over a reload', async (t) => {
    const { page, parley } = await openList(t);
    await rowOf(page, 'c1').click();
    await isHere(page, 'idle');
    await (await parley.connect()).chat('Hi', { conversation_id: 'c1' });
    await page.locator('#steps .label', { hasText: 'answer.finished' }).click();
    await page.waitForURL(/&at=/);
    await page.reload();
    await isHere(page, 'turn.persisting');
    assert.equal(await selected(page), 'answer.finished');
    await page.keyboard.press('End');
    await eventually(() => !page.url().includes('at='), 'an address of the newest');
  });

  it('opens an event that is older than the newest piece of the log', async (t) => {
    const { page, parley } = await openList(t, { inspect: { max_events: 10 } });
    const client = await parley.connect();
    for (let turn = 0; turn < 5; turn += 1) await client.chat('Hi', { conversation_id: 'c1' });
    await page.goto(inspectUrl(parley, '#conversation=c1&from=log'));
    await page.getByRole('button', { name: 'Earlier' }).click();
    await page.getByRole('button', { name: 'Earlier' }).waitFor({ state: 'hidden' });
    await page.locator('#first').click();
    await page.locator('#position', { hasText: /^1 \// }).waitFor();
    await page.locator('#steps .label', { hasText: 'user_message' }).first().click();
    await page.waitForURL(/&at=1\./);
    await page.reload();
    await page.locator('#position', { hasText: /^2 \// }).waitFor();
    assert.equal(await selected(page), 'user_message');
  });
});

describe('a place', () => {
  it('survives writing and reading with any id', () => {
    for (const id of ['c1', 'a b&c=d', '#%é', '💬']) {
      for (const at of [null, `log/${id} 12.3`, `log/${id} 0`, 'k3x/x:4 12']) {
        const place = { ref: { owner: id, id }, at };
        assert.deepEqual(placeOf(hashOf(place)), place);
      }
    }
    assert.equal(placeOf('#'), null);
  });
});
