/**
 * Opens pages in a real Chromium. playwright-core contains no browser, so the machine's own is used. Without one, tests are
 * skipped with the reason; PARLEY_REQUIRE_BROWSER=1 makes that a failure.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { after, type TestContext } from 'node:test';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';

const NAMES = ['chromium-headless-shell', 'chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];

/** The path of the browser: PARLEY_CHROMIUM, else the first usual name on the PATH. Null if none. */
function findChromium(): string | null {
  const named = process.env['PARLEY_CHROMIUM'];
  if (named !== undefined) return named;
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find((file) => existsSync(file)) ?? null;
}

const executablePath = findChromium();

/** For `test(name, { skip: withoutBrowser }, ...)`: false, or the reason to skip. */
export const withoutBrowser: string | false =
  executablePath !== null || process.env['PARLEY_REQUIRE_BROWSER'] === '1'
    ? false
    : 'no Chromium on this machine; install one with apt-get install chromium';

/** Browser errors while the server is down. The page retries, so they fail no test. */
const SERVER_DOWN = /ERR_CONNECTION|ERR_EMPTY_RESPONSE|ERR_INCOMPLETE|WebSocket connection to|status of 503/;

/** Opens pages; `test` ends the page. */
export type OpenPage = (test: TestContext, options?: BrowserContextOptions & { expected?: RegExp }) => Promise<Page>;

/** Browsers that run, by their arguments: the files of one process share them. */
const browsers = new Map<string, Promise<Browser>>();

/**
 * Provides one browser for the tests of a process, started by the first and closed after the last. Each page has its own
 * context. Exceptions, logged errors and violations of the page's policy fail the test, unless they match `expected`.
 * `args` are Chromium's own.
 */
export function createBrowser(args: readonly string[] = []): OpenPage {
  const key = args.join(' ');
  after(async () => {
    const browser = browsers.get(key);
    browsers.delete(key);
    await (await browser)?.close();
  });

  return async (test, { expected, ...options } = {}) => {
    assert.ok(
      executablePath !== null,
      'PARLEY_REQUIRE_BROWSER=1, but no Chromium found. Install one with apt-get install chromium.',
    );
    // Its sandbox needs rights that containers do not have; the pages are ours.
    const browser = browsers.get(key) ?? chromium.launch({ executablePath, args: ['--no-sandbox', ...args] });
    browsers.set(key, browser);
    const context = await (await browser).newContext({ viewport: { width: 1280, height: 800 }, ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(180_000);
    const errors: string[] = [];
    const onError = (text: string) => {
      if (!expected?.test(text) && !SERVER_DOWN.test(text)) errors.push(text);
    };
    page.on('pageerror', (error) => onError(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error') onError(message.text());
    });
    test.after(async () => {
      await context.close();
      assert.deepEqual(errors, [], 'errors of the page');
    });
    return page;
  };
}
