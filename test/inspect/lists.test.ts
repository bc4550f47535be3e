/** Checks the inspector's lists: titles, further pages, and the search in titles and content. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { createBrowser, withoutBrowser } from '../support/browser.ts';
import { inspectUrl, isHere, rowOf } from '../support/inspect-page.ts';
import { says } from '../support/model/replies.ts';
import { startParley, startScripted } from '../support/parley.ts';
import { eventually } from '../support/eventually.ts';

const openPage = createBrowser();
const items = (page: Page) => page.locator('#conversations li');

describe('the list', { skip: withoutBrowser }, () => {
  it('shows titles, and hundreds of conversations page by page, by More and by scrolling', async (t) => {
    const parley = await startParley(t);
    const client = await parley.connect();
    const all = 230;
    for (let each = 0; each < all; each += 1) await client.chat(`Question ${each}`, { conversation_id: `c${each}` });
    const page = await openPage(t);
    await page.goto(inspectUrl(parley));
    await items(page).getByText('Question 229', { exact: true }).waitFor();
    await eventually(async () => (await items(page).count()) === 200, 'the first page of those in memory');
    await page.getByRole('button', { name: 'More' }).click();
    await eventually(async () => (await items(page).count()) === all, 'all in memory');
    await page.getByRole('button', { name: 'In the log' }).click();
    await eventually(async () => (await items(page).count()) === 100, 'the first page of the log');
    await page.locator('#conversations').evaluate((list) => list.scrollTo(0, list.scrollHeight));
    await eventually(async () => (await items(page).count()) === 200, 'the second page');
    await client.chat('Again', { conversation_id: 'c3' });
    await eventually(async () => (await items(page).first().getAttribute('data-id')) === 'c3', 'the newest first');
    await page.locator('#conversations').evaluate((list) => list.scrollTo(0, list.scrollHeight));
    await eventually(async () => (await items(page).count()) === all, 'all of the log, and none twice');
    const ids = await items(page).evaluateAll((list) => list.map((item) => item.getAttribute('data-id')));
    assert.equal(new Set(ids).size, all);
  });

  it('shows the log if no conversation is in memory, and drops deleted conversations', async (t) => {
    const parley = await startParley(t);
    const client = await parley.connect();
    for (const id of ['a', 'b']) await client.chat(`Hello ${id}`, { conversation_id: id });
    await parley.restart();
    const page = await openPage(t);
    await page.goto(inspectUrl(parley));
    await page.locator('#source-log[aria-pressed="true"]').waitFor();
    await rowOf(page, 'b').waitFor();
    await (await parley.connect()).ask('delete', { conversation_id: 'b' });
    await rowOf(page, 'b').waitFor({ state: 'detached' });
    assert.equal(await items(page).count(), 1);
  });
});

describe('the search', { skip: withoutBrowser }, () => {
  it('finds content of conversations that are not in memory, and opens the row of the match', async (t) => {
    const { parley, model, client } = await startScripted(t, { config: { inspect: { max_events: 10 } } });
    model.script(says('The ROSEBUD is a sledge.'));
    await client.chat('What is it?', { conversation_id: 'old' });
    for (let turn = 0; turn < 8; turn += 1) {
      model.script(says('Nothing.'));
      await client.chat('And then?', { conversation_id: 'old' });
    }
    await parley.restart();
    const page = await openPage(t);
    await page.goto(inspectUrl(parley));
    await page.locator('#search').fill('rosebud');
    await page.keyboard.press('Enter');
    await items(page).locator('mark', { hasText: 'ROSEBUD' }).click();
    await page.locator('#steps li[aria-selected="true"][data-seq="2"]').waitFor();
    await page.locator('#detail pre', { hasText: 'The ROSEBUD is a sledge.' }).waitFor();
    await page.waitForURL(/at=2\.0$/);
    await page.getByRole('button', { name: 'Newest' }).click();
    await page.locator('#steps li[data-seq="27"]').waitFor();
    await page.locator('#count', { hasText: 'the whole log was searched' }).waitFor();
    await page.locator('#search').fill('');
    await rowOf(page, 'old').waitFor();
  });

  it('says that search is off if content is not included, and shows no content', async (t) => {
    const parley = await startParley(t, { config: { inspect: { include_content: false } } });
    const client = await parley.connect();
    await client.chat('Rosebud', { conversation_id: 'c1' });
    const page = await openPage(t);
    await page.goto(inspectUrl(parley, '#conversation=c1'));
    await isHere(page, 'idle');
    await page.locator('#search').fill('Rosebud');
    await page.getByRole('button', { name: 'Search titles and content' }).click();
    await page.locator('#count', { hasText: 'inspect.include_content is false' }).waitFor();
    await page.locator('#search').fill('');
    await page.locator('#steps .of-row', { hasText: 'user_message' }).click();
    await page.locator('#detail pre', { hasText: '[7 characters]' }).waitFor();
    const shown = await page.locator('body').textContent();
    assert.doesNotMatch(shown ?? '', /Rosebud/);
  });
});
