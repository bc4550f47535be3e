/**
 * A real Chromium for tests of pages: the one that the machine has, driven by playwright-core, which brings none.
 * Where there is none, tests are skipped and say why, unless PARLEY_REQUIRE_BROWSER=1 makes that a failure.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { after, type TestContext } from 'node:test';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';

const NAMES = ['chromium-headless-shell', 'chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];

/** Where the browser is: PARLEY_CHROMIUM, else the first of the usual names on the PATH. */
function findChromium(): string | null {
  const named = process.env['PARLEY_CHROMIUM'];
  if (named !== undefined) return named;
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find((file) => existsSync(file)) ?? null;
}

const executablePath = findChromium();

/** For `test(name, { skip: withoutBrowser }, ...)`: false, or why there can be no such test here. */
export const withoutBrowser: string | false =
  executablePath !== null || process.env['PARLEY_REQUIRE_BROWSER'] === '1'
    ? false
    : 'there is no Chromium on this machine; apt-get install chromium brings one';

/** Of a server that is away: no fault of the page's, which asks again. */
const AWAY = /ERR_CONNECTION|ERR_EMPTY_RESPONSE|ERR_INCOMPLETE|WebSocket connection to|status of 503/;

/** Opens pages; `test` ends the page. */
export type OpenPage = (test: TestContext, options?: BrowserContextOptions & { expected?: RegExp }) => Promise<Page>;

/** Browsers that run, by their arguments: the files of one process share them. */
const browsers = new Map<string, Promise<Browser>>();

/**
 * One browser for the tests of a process, started by the first and ended after the last; each page is a stranger to the
 * others. What a page throws, logs as an error or is forbidden by its own policy fails its test; `expected` passes
 * over what the test brings about itself. `args` are Chromium's own.
 */
export function createBrowser(args: readonly string[] = []): OpenPage {
  const key = args.join(' ');
  after(async () => {
    const browser = browsers.get(key);
    browsers.delete(key);
    await (await browser)?.close();
  });

  return async (test, { expected, ...options } = {}) => {
    assert.ok(executablePath !== null, 'PARLEY_REQUIRE_BROWSER=1, and there is no Chromium: apt-get install chromium');
    // Its sandbox needs rights that containers do not have; the pages are ours.
    const browser = browsers.get(key) ?? chromium.launch({ executablePath, args: ['--no-sandbox', ...args] });
    browsers.set(key, browser);
    const context = await (await browser).newContext({ viewport: { width: 1280, height: 800 }, ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(60_000);
    const complaints: string[] = [];
    const complain = (what: string) => {
      if (!expected?.test(what) && !AWAY.test(what)) complaints.push(what);
    };
    page.on('pageerror', (error) => complain(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error') complain(message.text());
    });
    test.after(async () => {
      await context.close();
      assert.deepEqual(complaints, [], 'the page complained');
    });
    return page;
  };
}
