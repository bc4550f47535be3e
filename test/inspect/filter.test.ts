/** Checks the filter of the events: the kind of each event, and the panel in a real Chromium. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { Page } from 'playwright-core';
import { actorsOf, createFilter, stepKind } from '../../src/inspect/page/filter.js';
import { createStepList, type Message } from '../../src/inspect/page/steps.js';
import { createBrowser, withoutBrowser } from '../support/browser.ts';
import { inspectUrl, isHere, labelsOf } from '../support/inspect-page.ts';
import { says } from '../support/model/replies.ts';
import { asks } from '../support/model/tool-calls.ts';
import { demoServer, startScripted } from '../support/parley.ts';
import { eventually } from '../support/eventually.ts';

let lastId = 0;
const message = (sessionId: string, rest: Partial<Message>): Message => {
  lastId += 1;
  return { type: '@xstate.snapshot', sessionId, rootId: 'r', id: String(lastId), createdAt: String(lastId), ...rest };
};
const starts = (sessionId: string, machine: string, value: unknown) =>
  message(sessionId, {
    type: '@xstate.actor',
    name: sessionId,
    definition: JSON.stringify({ id: machine, states: {} }),
    snapshot: { status: 'active', value },
  });
const moves = (sessionId: string, type: string, value: unknown) =>
  message(sessionId, { event: { type }, transitions: [], snapshot: { status: 'active', value } });

/** Steps of a server that checks its health, changes its tools, and loses its connection. */
function serverSteps() {
  const stepList = createStepList();
  const ready = (state: string) => ({ open: { ready: state } });
  for (const each of [
    starts('mcp:demo', 'mcpServer', ready('healthy')),
    moves('mcp:demo', 'xstate.after.healthInterval.mcpServer.open.ready.healthy', ready('checking')),
    moves('mcp:demo', 'xstate.done.actor.check', ready('healthy')),
    moves('mcp:demo', 'server.changed', ready('healthy')),
    moves('mcp:demo', 'server.lost', 'backingOff'),
    moves('mcp:demo', 'xstate.after.backoff.mcpServer.backingOff', { open: { connecting: 'starting' } }),
    moves('mcp:demo', 'server.ready', ready('healthy')),
  ])
    stepList.add(each);
  return stepList.steps();
}

describe('the filter', () => {
  it('recognizes health checks, and no other event of a server', () => {
    const steps = serverSteps();
    assert.deepEqual(
      steps.map((_, index) => stepKind(steps, index)),
      ['birth', 'health', 'health', 'event', 'state', 'state', 'state'],
    );
    const shown = createFilter().visible(steps, null);
    assert.deepEqual(
      shown.map(({ label }) => label),
      ['begins', 'server.changed', 'server.lost', 'xstate.after.backoff.mcpServer.backingOff', 'server.ready'],
    );
  });

  it('keeps the chosen event in the list', () => {
    const steps = serverSteps();
    const chosen = steps[1]?.key ?? '';
    assert.ok(
      createFilter()
        .visible(steps, chosen)
        .some(({ key }) => key === chosen),
    );
  });

  it('assigns an event to its receiver, and to the answer or call that sent it', () => {
    const stepList = createStepList();
    for (const each of [
      starts('c1', 'conversation', 'idle'),
      message('answer', {
        type: '@xstate.actor',
        name: 'answer',
        definition: '{"id":"answer"}',
        parentId: 'c1',
        snapshot: { status: 'active' },
      }),
      message('c1', { type: '@xstate.event', sourceId: 'answer', event: { type: 'answer.finished' } }),
      moves('c1', 'answer.finished', 'idle'),
      { ...starts('call 1', 'toolCall', 'running'), parentId: 'c1' },
    ])
      stepList.add(each);
    assert.deepEqual(
      stepList.steps().map((step) => actorsOf(step).map(({ group }) => group)),
      [['conversation'], ['conversation', 'answer'], ['calls']],
    );
  });
});

/** Opens a conversation with two calls. Health checks run every 50 ms. */
async function openEvents(t: TestContext): Promise<Page> {
  const { parley, model, client } = await startScripted(t, {
    mcpServers: demoServer,
    config: { mcp: { connection: { health_interval: 0.05 } } },
  });
  model.script(
    says('Hello.'),
    asks([
      { name: 'add', arguments: { a: 2, b: 3 } },
      { name: 'add', arguments: { a: 4, b: 5 } },
    ]),
    says('5 and 9.'),
  );
  await client.chat('Hi', { conversation_id: 'c1' });
  const page = await openPage(t);
  await page.goto(inspectUrl(parley, '#conversation=c1'));
  await isHere(page, 'idle');
  await client.chat('add', { conversation_id: 'c1' });
  await page.locator('#steps .label', { hasText: 'call.ended' }).last().waitFor();
  await isHere(page, 'idle');
  return page;
}

const openPage = createBrowser();
const actorsInList = async (page: Page) =>
  new Set((await page.locator('#steps .who').allTextContents()).map((who) => who.replace(/ →.*/, '')));

describe('the filter of the list', { skip: withoutBrowser }, () => {
  it('hides health checks by default, counts them, and shows them on request', async (t) => {
    const page = await openEvents(t);
    await page.locator('#hidden-count', { hasText: /^([2-9]|\d\d+) of \d+ events hidden$/ }).waitFor();
    assert.ok(!(await labelsOf(page)).includes('after healthInterval'));
    await page.getByRole('button', { name: 'Show', exact: true }).click();
    await page.locator('#steps .label', { hasText: 'after healthInterval' }).first().waitFor();
    assert.equal(await page.locator('#hidden').isVisible(), false);
  });

  it('shows one actor, and the scrubber, the keys and Play skip all others', async (t) => {
    const page = await openEvents(t);
    await page.getByRole('button', { name: 'Filter' }).click();
    await page.getByRole('button', { name: 'Only call of add #1' }).click();
    await page.locator('#hidden-count').waitFor();
    const labels = await labelsOf(page);
    assert.ok(
      labels.includes('call.ended') && labels.includes('call.settled') && !labels.includes('client.chat'),
      labels.join(),
    );
    const position = page.locator('#position');
    await position.filter({ hasText: `/ ${labels.length}` }).waitFor();
    assert.equal(await page.locator('#scrubber').getAttribute('max'), String(labels.length - 1));
    await page.keyboard.press('Home');
    for (const [index, label] of labels.entries()) {
      await page.locator('#steps li[aria-selected="true"] .label', { hasText: label }).waitFor();
      await position.filter({ hasText: `${index + 1} / ${labels.length}` }).waitFor();
      await page.keyboard.press('ArrowRight');
    }
    await page.locator('#play').click();
    await page.locator('#play', { hasText: 'Pause' }).waitFor();
    await page.locator('#play', { hasText: 'Play' }).waitFor();
    await position.filter({ hasText: `${labels.length} / ${labels.length}` }).waitFor();
    await page.getByRole('button', { name: 'Reset' }).click();
    await eventually(async () => (await labelsOf(page)).includes('client.chat'), 'all actors again');
  });

  it('hides kinds and groups by checkbox with the keyboard', async (t) => {
    const page = await openEvents(t);
    await page.getByRole('button', { name: 'Filter' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('checkbox', { name: 'Tool calls' }).focus();
    await page.keyboard.press(' ');
    await eventually(async () => !(await actorsInList(page)).has('call of add'), 'no calls');
    assert.equal(await page.locator('#play').textContent(), 'Play', 'Space only changes the checkbox');
    assert.equal(await page.getByRole('checkbox', { name: 'call of add #1' }).isDisabled(), true);
    await page.getByRole('checkbox', { name: 'Actors that start' }).uncheck();
    await eventually(async () => !(await labelsOf(page)).includes('begins'), 'no starting actors');
    await page.keyboard.press('Escape');
    assert.equal(await page.locator('#filters').isVisible(), false);
    assert.equal(await page.evaluate<string>('document.activeElement.id'), 'filter');
  });
});
