/** Checks the timeline on the inspector's page, and the join of the log and live events in the list. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { createBrowser, withoutBrowser } from '../support/browser.ts';
import { inspectUrl, isHere } from '../support/inspect-page.ts';
import { says, saysStepwise } from '../support/model-replies.ts';
import { asks } from '../support/model-tool-calls.ts';
import { demoServer, startParley, startScripted } from '../support/parley.ts';
import { eventually } from '../support/server-process.ts';

const openPage = createBrowser();

const seqs = (page: Page): Promise<number[]> =>
  page.locator('#steps li[data-seq]').evaluateAll((rows) => rows.map((row) => Number(row.dataset.seq)));
const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1);

describe('the events of a conversation', { skip: withoutBrowser }, () => {
  it('show the rows of the log and then live events, each row once, also during a turn', async (t) => {
    const { parley, model, client } = await startScripted(t, { mcpServers: demoServer });
    model.script(says('One.'));
    await client.chat('first', { conversation_id: 'c1' });
    const answer = saysStepwise('Wait');
    model.script(asks([{ name: 'add', arguments: { a: 2, b: 3 } }]), answer.reply);
    client.send('chat', { text: 'second', conversation_id: 'c1' }, 'r2');
    await model.request(3);
    const page = await openPage(t);
    await page.goto(inspectUrl(parley, '#conversation=c1'));
    await isHere(page, 'turn.streaming');
    await eventually(async () => (await seqs(page)).join() === upTo(7).join(), 'the past');
    answer.release();
    await client.turn('r2');
    await eventually(async () => (await seqs(page)).join() === upTo(9).join(), 'what was written live');
    const labels = await page.locator('#steps .label').allTextContents();
    const seam = labels.indexOf('live from here');
    assert.ok(
      seam > labels.indexOf('tool_result') && seam < labels.lastIndexOf('assistant_message'),
      labels.join(', '),
    );
    model.script(says('Three.'));
    await client.chat('third', { conversation_id: 'c1' });
    await eventually(async () => (await seqs(page)).join() === upTo(12).join(), 'the next turn');
    await page.reload();
    await eventually(async () => (await seqs(page)).join() === upTo(12).join(), 'the same after a reload');
  });

  it('include older rows when the list is scrolled up', async (t) => {
    const parley = await startParley(t, { config: { inspect: { max_events: 10 } } });
    const client = await parley.connect();
    for (let turn = 0; turn < 10; turn += 1) await client.chat('Hi', { conversation_id: 'c1' });
    const page = await openPage(t);
    await page.goto(inspectUrl(parley, '#conversation=c1'));
    await eventually(async () => (await seqs(page)).length === 10, 'the newest piece');
    await page.locator('#steps').hover();
    await eventually(async () => {
      await page.mouse.wheel(0, -2000);
      return (await seqs(page)).join() === upTo(30).join();
    }, 'all of it');
  });
});

describe('the timeline', { skip: withoutBrowser }, () => {
  it('has a bar for each part of a turn, shows its numbers, and goes to its event', async (t) => {
    const config = {
      llm: { providers: { scripted: { prices: { 'scripted-model': { input: 2, output: 8 } } } } },
      chat: { service: { tools: { permission: { 'demo.current_time': 'ask' } } } },
    };
    const { parley, model, client } = await startScripted(t, { mcpServers: demoServer, config });
    model.script(
      asks([
        { name: 'add', arguments: { a: 2, b: 3 } },
        { name: 'current_time', arguments: {} },
      ]),
      says('Done.'),
    );
    client.send('chat', { text: 'Add and tell the time', conversation_id: 'c1' }, 'r1');
    await client.waitFor((frame) => frame.chunk?.type === 'approval_request', 'the question');
    const page = await openPage(t);
    await page.goto(inspectUrl(parley, '#conversation=c1'));
    await page.getByRole('button', { name: 'Timeline' }).click();
    const turn = page.locator('.turn[data-turn="r1"]');
    await turn.getByRole('heading', { name: 'Add and tell the time' }).waitFor();
    await turn.locator('.bar.wait.running').waitFor();
    await page.getByRole('button', { name: 'Approve' }).click();
    await client.turn('r1');
    await turn.locator('header', { hasText: '2 model calls' }).waitFor();
    await eventually(async () => (await turn.locator('.bar.running').count()) === 0, 'the end');
    const kinds: string[] = await turn.locator('button').evaluateAll((bars) => bars.map((bar) => bar.dataset.kind));
    assert.deepEqual(
      ['model', 'tool', 'wait', 'commit'].filter((kind) => !kinds.includes(kind)),
      [],
    );
    assert.match(
      (await turn.locator('header').textContent()) ?? '',
      /stop · 2 model calls · 2 tool calls · \d+ tokens in, \d+ out · cost [\d.]+ · slowest: /,
    );
    const add = turn.getByRole('button', { name: 'Tool: add (demo)' });
    await add.hover();
    await page.locator('.numbers', { hasText: /^Tool: add \(demo\) · \d.* of the turn\) · hop 0 · ok$/ }).waitFor();
    await turn
      .getByRole('button', { name: /^Model: scripted-model/ })
      .last()
      .focus();
    await page.locator('.numbers', { hasText: /first token after .* · hop 1 · stop · .* cost / }).waitFor();
    await add.click();
    await page.locator('#steps li[aria-selected="true"]', { hasText: 'tool_call' }).waitFor();
    await page.reload();
    await page.keyboard.press('t');
    await turn.getByRole('button', { name: 'Person: approval of current_time' }).waitFor();
    const widths: number[] = await turn
      .locator('.bar')
      .evaluateAll((bars) => bars.map((bar) => bar.getBoundingClientRect().width));
    assert.ok(widths.every((width) => width > 0));
  });

  it('fits 400 pixels', async (t) => {
    const parley = await startParley(t);
    const client = await parley.connect();
    await client.chat('Hi', { conversation_id: 'c1' });
    const page = await openPage(t, { viewport: { width: 400, height: 800 } });
    await page.goto(inspectUrl(parley, '#conversation=c1'));
    await page.getByRole('button', { name: 'Timeline' }).click();
    await page.locator('.bars button').first().waitFor();
    const scrolls: number = await page.locator('html').evaluate((root) => root.scrollWidth);
    assert.ok(scrolls <= 400);
  });
});
