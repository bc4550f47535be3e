/** Signs in to the inspector and out again, in a real Chromium with a server that requires tokens. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { Page } from 'playwright-core';
import { createToken, hashToken } from '../../src/auth/tokens.ts';
import { createBrowser, withoutBrowser } from '../support/browser.ts';
import { inspectUrl, isHere, rowOf } from '../support/inspect-page.ts';
import { startParley } from '../support/parley.ts';

const openPage = createBrowser();
const tokens = { root: createToken(), alice: createToken() };

/** Opens the page at `after`. Alice has a conversation, and root may view it. */
async function openSignIn(t: TestContext, after = ''): Promise<Page> {
  const auth = {
    mode: 'token',
    tokens: [
      { subject: 'root', sha256: hashToken(tokens.root) },
      { subject: 'alice', sha256: hashToken(tokens.alice) },
    ],
  };
  const parley = await startParley(t, { config: { auth, inspect: { viewers: ['root'] } } });
  const client = await parley.connect({ headers: { authorization: `Bearer ${tokens.alice}` } });
  await client.chat('Hi', { conversation_id: 'c1' });
  const page = await openPage(t, { expected: /40[13]/ });
  await page.goto(inspectUrl(parley, after));
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  return page;
}

const field = (page: Page) => page.getByLabel('Token');
const alert = (page: Page, words: string) => page.getByRole('alert').filter({ hasText: words }).waitFor();

async function signIn(page: Page, token: string): Promise<void> {
  await field(page).fill(token);
  await page.keyboard.press('Enter');
}

describe('signing in', { skip: withoutBrowser }, () => {
  it('reports why a token is rejected, and shows nothing before a valid one', async (t) => {
    const page = await openSignIn(t);
    assert.equal(await page.getByRole('alert').isVisible(), false, 'no error before the first attempt');
    await signIn(page, createToken());
    await alert(page, 'The server does not accept this token.');
    await signIn(page, tokens.alice);
    await alert(page, 'The subject "alice" may not view the inspector; add it to inspect.viewers.');
    assert.equal(await page.locator('#conversations li').count(), 0);
    await page.keyboard.press('Escape');
    await page.keyboard.press('Escape');
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await signIn(page, tokens.root);
    await rowOf(page, 'c1').getByText('of alice').waitFor();
    await rowOf(page, 'c1').click();
    await isHere(page, 'idle');
    await page.getByRole('button', { name: 'In the log' }).click();
    await page.locator('#owner').fill('alice');
    await rowOf(page, 'c1').click();
    await page.locator('#steps .label', { hasText: 'turn_end' }).waitFor();
  });

  it('has a focused password field, and shows the token on request', async (t) => {
    const page = await openSignIn(t);
    const focused: string = await page.evaluate('document.activeElement.id');
    assert.equal(focused, 'token');
    const attributes: (string | null)[] = await field(page).evaluate((input) =>
      ['type', 'autocomplete', 'spellcheck'].map((name) => input.getAttribute(name)),
    );
    assert.deepEqual(attributes, ['password', 'current-password', 'false']);
    await page.keyboard.type('secret');
    await page.getByRole('button', { name: 'Show' }).click();
    assert.equal(await field(page).getAttribute('type'), 'text');
    await page.getByRole('button', { name: 'Hide' }).click();
    assert.equal(await field(page).getAttribute('type'), 'password');
    assert.equal(await field(page).inputValue(), 'secret');
  });

  it('opens the linked conversation, and ends with Sign out', async (t) => {
    const page = await openSignIn(t, '#conversation=c1&owner=alice&from=log');
    await signIn(page, tokens.root);
    await page.locator('#steps .label', { hasText: 'turn_end' }).waitFor();
    assert.equal(await page.locator('#name').textContent(), 'c1');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    assert.equal(await page.getByRole('alert').isVisible(), false);
    await page.reload();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    assert.equal(await page.locator('#steps li').count(), 0);
  });
});
