/** Responds to interrupts on the inspector's page: approvals, forms and pages of MCP servers. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { ElicitRequestFormParams, McpServer } from '@modelcontextprotocol/server';
import type { Page } from 'playwright-core';
import { z } from 'zod';
import { createToken, hashToken } from '../../src/auth/tokens.ts';
import { createBrowser, withoutBrowser } from '../support/browser.ts';
import { freePort } from '../support/free-port.ts';
import { inspectUrl, isHere, rowOf } from '../support/inspect-page.ts';
import { startHttpServer } from '../support/mcp-http-server.ts';
import { says } from '../support/model-replies.ts';
import { asks } from '../support/model-tool-calls.ts';
import { demoServer, serveScripted, startScripted } from '../support/parley.ts';
import { eventually } from '../support/server-process.ts';

const openPage = createBrowser();
const asking = {
  mcpServers: demoServer,
  config: { chat: { service: { tools: { permission: { 'demo.current_time': 'ask', 'demo.add': 'ask' } } } } },
};

const card = (page: Page) => page.locator('.interrupt');
const press = (page: Page, name: string) => card(page).first().getByRole('button', { name, exact: true }).click();
const isIdle = (page: Page) => isHere(page, 'idle');

/** Opens the page with a conversation that waits for a person. */
async function openWaiting(
  t: TestContext,
  call: { name: string; arguments?: Record<string, unknown> },
  options: Parameters<typeof startScripted>[1] = asking,
) {
  const started = await startScripted(t, options);
  started.model.script(asks([{ arguments: {}, ...call }]), says('Done.'));
  started.client.send('chat', { text: 'Please', conversation_id: 'c1' }, 'r1');
  const page = await openPage(t);
  await page.goto(inspectUrl(started.parley));
  await page.locator('#source-waiting', { hasText: '1' }).waitFor();
  await page.locator('#source-waiting').click();
  await page.locator('#conversations li.needs-person[data-id="c1"]').click();
  await card(page).waitFor();
  return { ...started, page };
}

async function tableServer(t: TestContext, offer: (server: McpServer) => void) {
  const tables = await startHttpServer({ era: 'sessions', offer });
  t.after(tables.stop);
  return { mcpServers: { tables: { url: tables.url } } };
}

describe('a call that needs approval', { skip: withoutBrowser }, () => {
  it('shows tool, server, arguments and times, and runs after Approve', async (t) => {
    const { page, client } = await openWaiting(t, { name: 'current_time', arguments: { timezone: 'Europe/Berlin' } });
    await card(page).getByRole('heading', { name: 'Allow the call of current_time on server demo?' }).waitFor();
    assert.match((await card(page).locator('.asked').textContent()) ?? '', /"timezone": "Europe\/Berlin"/);
    await card(page)
      .locator('.note', { hasText: /^Since .*, until .* left\)$/ })
      .waitFor();
    await press(page, 'Approve');
    await isIdle(page);
    await card(page).waitFor({ state: 'detached' });
    assert.equal((await client.turn('r1')).end.status, 'complete');
    await eventually(async () => (await page.locator('#source-waiting').textContent()) === 'Waiting', 'none waits');
    await page.locator('#steps .of-row .label', { hasText: 'tool_result' }).waitFor();
  });

  it('runs with changed arguments, and the decision is remembered for the conversation', async (t) => {
    const { page, client, model } = await openWaiting(t, { name: 'add', arguments: { a: 2, b: 3 } });
    await card(page).locator('summary').click();
    await card(page).locator('textarea').fill('{ "a": 2, ');
    await press(page, 'Approve');
    await card(page).getByRole('alert').filter({ hasText: 'must be a JSON object' }).waitFor();
    await card(page).locator('textarea').fill('{ "a": "two", "b": 3 }');
    await press(page, 'Approve');
    await card(page).getByRole('alert').filter({ hasText: 'payload.arguments.a' }).waitFor();
    await card(page).locator('textarea').fill('{ "a": 20, "b": 30 }');
    await card(page).getByLabel('Remember for this conversation').check();
    await press(page, 'Approve');
    await isIdle(page);
    await page.locator('#steps .of-row', { hasText: 'tool_result' }).click();
    await page.locator('#detail details[data-title="Result"] pre', { hasText: /\b50\b/ }).waitFor();
    model.script(asks([{ name: 'add', arguments: { a: 1, b: 1 } }]), says('Two.'));
    await client.chat('again', { conversation_id: 'c1' });
    assert.equal(await card(page).count(), 0, 'the tool runs without an approval');
  });

  it('does not run after Deny, and the model gets the reason', async (t) => {
    const { page, client } = await openWaiting(t, { name: 'current_time' });
    await card(page).getByLabel('Reason for a denial').fill('It is late.');
    await press(page, 'Deny');
    const { frames } = await client.turn('r1');
    assert.ok(
      frames.some(
        ({ chunk }) =>
          chunk?.type === 'tool_result' &&
          chunk['status'] === 'denied' &&
          String(chunk['data']).includes('It is late.'),
      ),
    );
    await card(page).waitFor({ state: 'detached' });
  });

  it('waits across a restart and a reload, keeps typed text until the reload, and accepts a response afterwards', async (t) => {
    const port = await freePort();
    const { page, parley } = await openWaiting(
      t,
      { name: 'current_time' },
      { ...asking, config: { chat: { ...asking.config.chat, websocket: { port } } } },
    );
    await card(page).getByLabel('Reason for a denial').fill('Not yet');
    await parley.restart();
    await page.locator('#steps .break', { hasText: 'connected again' }).waitFor();
    assert.equal(await card(page).getByLabel('Reason for a denial').inputValue(), 'Not yet');
    await page.reload();
    await card(page).waitFor();
    await press(page, 'Approve');
    await page.locator('#steps .of-row .label', { hasText: 'turn_end' }).waitFor();
    await card(page).waitFor({ state: 'detached' });
    const seqs: number[] = await page
      .locator('#steps li[data-seq]')
      .evaluateAll((rows) => rows.map((row) => Number(row.dataset.seq)));
    assert.deepEqual(
      seqs,
      Array.from({ length: seqs.length }, (_, index) => index + 1),
      'rows of the log, in order, once',
    );
  });

  it('leaves the page after a response from another client', async (t) => {
    const { page, client } = await openWaiting(t, { name: 'current_time' });
    const interruptId = await card(page).getAttribute('data-interrupt');
    await client.ask('respond', { conversation_id: 'c1', interrupt_id: interruptId, decision: 'deny' });
    await card(page).waitFor({ state: 'detached' });
    await isIdle(page);
  });

  it('accepts a response only from its owner, and shows other viewers the reason', async (t) => {
    const tokens = { root: createToken(), alice: createToken() };
    const auth = {
      mode: 'token',
      tokens: Object.entries(tokens).map(([subject, token]) => ({ subject, sha256: hashToken(token) })),
    };
    const { parley, model } = await serveScripted(t, {
      ...asking,
      config: { ...asking.config, auth, inspect: { viewers: ['root'] } },
    });
    for (const subject of ['alice', 'root'] as const) {
      model.script(asks([{ name: 'current_time', arguments: { timezone: 'Europe/Berlin' } }]));
      const client = await parley.connect({ headers: { authorization: `Bearer ${tokens[subject]}` } });
      client.send('chat', { text: 'Please', conversation_id: `of-${subject}` }, 'r1');
      await client.waitFor((frame) => frame.chunk?.type === 'approval_request', 'the question');
    }
    const page = await openPage(t, { expected: /401/ });
    await page.goto(inspectUrl(parley));
    await page.locator('#token').fill(tokens.root);
    await page.keyboard.press('Enter');
    await rowOf(page, 'of-alice').click();
    await card(page).getByText('Only its owner, alice, can respond').waitFor();
    assert.equal(await card(page).getByRole('button').count(), 0);
    assert.doesNotMatch((await card(page).textContent()) ?? '', /Berlin/);
    model.script(says('Done.'));
    await rowOf(page, 'of-root').click();
    await page.locator('.interrupt[data-interrupt] .asked', { hasText: 'Berlin' }).waitFor();
    await press(page, 'Approve');
    await isIdle(page);
  });
});

const everything: ElicitRequestFormParams['requestedSchema'] = {
  type: 'object',
  properties: {
    name: { type: 'string', title: 'Name', minLength: 2, description: 'As on the card' },
    guests: { type: 'integer', minimum: 1, maximum: 8 },
    price: { type: 'number', default: 9.5 },
    window: { type: 'boolean', title: 'At the window', default: true },
    place: { type: 'string', enum: ['inside', 'outside'], default: 'inside' },
    meal: {
      type: 'string',
      oneOf: [
        { const: 'l', title: 'Lunch' },
        { const: 'd', title: 'Dinner' },
      ],
    },
    extras: {
      type: 'array',
      minItems: 1,
      maxItems: 2,
      items: { type: 'string', enum: ['water', 'bread', 'wine'] },
      default: ['water'],
    },
    note: { type: 'string' },
  },
  required: ['name', 'guests', 'extras'],
};

describe('a request of an MCP server', { skip: withoutBrowser }, () => {
  it('is a form with the fields, choices and defaults of its schema, checked before it is sent', async (t) => {
    const answers: unknown[] = [];
    const { page } = await openWaiting(
      t,
      { name: 'reserve' },
      await tableServer(t, (server) => {
        server.registerTool('reserve', { inputSchema: z.object({}) }, async (_args, { mcpReq }) => {
          const { action, content } = await mcpReq.elicitInput({
            message: 'What shall it be?',
            requestedSchema: everything,
          });
          answers.push({ action, content });
          return { content: [{ type: 'text', text: 'reserved' }] };
        });
      }),
    );
    await card(page).getByText('Server tables requests input (reserve)').waitFor();
    await card(page).getByText('What shall it be?').waitFor();
    await card(page).getByText('As on the card').waitFor();
    await press(page, 'Send');
    await card(page)
      .getByRole('alert')
      .filter({ hasText: /^Name: / })
      .waitFor();
    await card(page).getByLabel('Name').fill('Ann');
    await card(page).getByLabel('guests').fill('9');
    await press(page, 'Send');
    await card(page)
      .getByRole('alert')
      .filter({ hasText: /^guests: / })
      .waitFor();
    await card(page).getByLabel('guests').fill('3');
    await card(page).getByLabel('At the window').uncheck();
    await card(page).getByLabel('meal').selectOption('Dinner');
    for (const extra of ['bread', 'wine']) await card(page).getByLabel(extra).check();
    await press(page, 'Send');
    await card(page).getByRole('alert').filter({ hasText: 'choose at most 2' }).waitFor();
    await card(page).getByLabel('water').uncheck();
    await press(page, 'Send');
    await isIdle(page);
    assert.deepEqual(answers, [
      {
        action: 'accept',
        content: {
          name: 'Ann',
          guests: 3,
          price: 9.5,
          window: false,
          place: 'inside',
          meal: 'd',
          extras: ['bread', 'wine'],
        },
      },
    ]);
  });

  it('can be declined', async (t) => {
    const { page, client } = await openWaiting(
      t,
      { name: 'book' },
      await tableServer(t, (server) => {
        server.registerTool('book', { inputSchema: z.object({}) }, async (_args, { mcpReq }) => {
          const { action } = await mcpReq.elicitInput({ message: 'For how many?', requestedSchema: everything });
          return { content: [{ type: 'text', text: `answered: ${action}` }] };
        });
      }),
    );
    await press(page, 'Decline');
    const { frames } = await client.turn('r1');
    assert.ok(frames.some(({ chunk }) => chunk?.type === 'tool_result' && chunk['data'] === 'answered: decline'));
  });

  it('with a URL shows the address, and continues after Done', async (t) => {
    const { page, client } = await openWaiting(
      t,
      { name: 'pay' },
      await tableServer(t, (server) => {
        server.registerTool('pay', { inputSchema: z.object({}) }, async (_args, { mcpReq }) => {
          const { action } = await mcpReq.elicitInput({
            mode: 'url',
            message: 'Pay the deposit.',
            url: 'https://pay.example/deposit',
            elicitationId: 'deposit',
          });
          return { content: [{ type: 'text', text: `deposit: ${action}` }] };
        });
      }),
    );
    const link = card(page).getByRole('link', { name: 'https://pay.example/deposit' });
    assert.deepEqual(
      [await link.getAttribute('rel'), await link.getAttribute('target')],
      ['noopener noreferrer', '_blank'],
    );
    await press(page, 'Done');
    const { frames } = await client.turn('r1');
    assert.ok(frames.some(({ chunk }) => chunk?.type === 'tool_result' && chunk['data'] === 'deposit: accept'));
  });
});
