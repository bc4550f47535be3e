/** Finds parts of the inspector's page for tests. */
import type { Page } from 'playwright-core';
import { pageOf } from './metrics.ts';
import type { Parley } from './parley.ts';

/** `after` is what follows the path, such as `#conversation=c1`. */
export const inspectUrl = ({ url }: Pick<Parley, 'url'>, after = '') => `${pageOf(url, '/inspect')}${after}`;

/** A conversation in the list. */
export const rowOf = (page: Page, id: string) => page.locator(`#conversations li[data-id="${id}"]`);

/** Resolves when the chart shows this state as the innermost active one. */
export const isHere = (page: Page, state: string) =>
  page.locator(`#canvas .state.here[data-state="${state}"]`).waitFor();

/** The labels of the events in the list. */
export const labelsOf = (page: Page) => page.locator('#steps .label').allTextContents();

/** The visible part of the chart, in the chart's units. */
export async function viewOf(page: Page): Promise<{ x: number; y: number; width: number; height: number }> {
  const [x = 0, y = 0, width = 0, height = 0] = ((await page.locator('#canvas svg').getAttribute('viewBox')) ?? '')
    .split(' ')
    .map(Number);
  return { x, y, width, height };
}
