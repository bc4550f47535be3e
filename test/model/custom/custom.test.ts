/**
 * Tests flows for the user's own tools, as in test/model/README.md: the example, and the reports when something is
 * wrong.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { runCustom, type CustomOptions } from './run-custom.ts';

const example = join(import.meta.dirname, '..', 'example');
const config = join(example, 'library.yaml');
const flows = join(example, 'library.flows.yaml');
/** Long enough for a busy machine. */
const timeout = 120_000;

async function run(options: Partial<CustomOptions>): Promise<{ held: boolean; lines: string[] }> {
  const lines: string[] = [];
  const held = await runCustom({
    config,
    flows,
    tool: undefined,
    only: undefined,
    all: false,
    ...options,
    say: (line) => void lines.push(line),
    isUnread: () => false,
  });
  return { held, lines };
}

async function flowsFile(t: TestContext, text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-own-flows-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, 'flows.yaml'), text);
  return join(folder, 'flows.yaml');
}

/** Names of the flows, without times. */
const namesOf = (lines: readonly string[]) =>
  lines.flatMap((line) => /^(?:held  |BROKEN) (.*) \(\d+ ms\)$/.exec(line)?.[1] ?? []);

test(
  'each tool of the example passes the flows of the chart, and the flows of the file pass',
  { timeout },
  async () => {
    const { held, lines } = await run({});
    assert.ok(held, lines.join('\n'));
    assert.equal(lines[0], 'library: ready, 5 tools');
    assert.deepEqual(namesOf(lines), [
      'asks, answers',
      'asks, begins to answer, is stopped in streaming',
      'asks, calls find, is stopped in toolHop.running',
      'asks, calls find, find succeeds, answers',
      'asks, calls find, find succeeds, begins to answer, is stopped in streaming',
      'asks, (calls find, find succeeds) twice, calls find beyond the limit of hops',
      'asks, calls locate, is stopped in toolHop.running',
      'asks, calls locate, locate succeeds, answers',
      'asks, calls locate, locate succeeds, begins to answer, is stopped in streaming',
      'asks, (calls locate, locate succeeds) twice, calls locate beyond the limit of hops',
      'asks, calls borrow, is stopped in toolHop.waiting',
      'asks, calls borrow, is denied, answers',
      'asks, calls borrow, is approved, is stopped in toolHop.running',
      'asks, calls borrow, is approved, borrow succeeds, answers',
      'asks, calls borrow, is approved, borrow succeeds, begins to answer, is stopped in streaming',
      'asks, (calls borrow, is approved, borrow succeeds) twice, calls borrow beyond the limit of hops',
      'asks, calls discard (not allowed), answers',
      'asks, calls discard (not allowed), begins to answer, is stopped in streaming',
      'asks, calls discard (not allowed) twice, calls discard (not allowed) beyond the limit of hops',
      'finds two books and borrows one',
      'books are never discarded',
      'asks, calls find, find times out, answers',
      'asks, calls locate, locate times out, answers',
      'asks, calls borrow, the time to answer is over, answers',
      'asks, calls borrow, is approved, borrow times out, answers',
    ]);
  },
);

test(
  'a tool that may change things, or whose arguments cannot be generated, is not called, and the report says why',
  { timeout },
  async () => {
    const { lines } = await run({ flows: undefined, only: 'calls find, find' });
    assert.ok(
      lines.some((line) => line.startsWith('not called: borrow, which may change things')),
      lines.join('\n'),
    );
    assert.ok(
      lines.some((line) => line.startsWith('not called: locate, whose schema asks for more')),
      lines.join('\n'),
    );
    // The generated text is no title. The tool's error is reported, and is no failure of the server.
    assert.ok(lines.includes('         find answered with an error: there is no text'), lines.join('\n'));
  },
);

test('a tool that asks a person is reported as a failure', { timeout }, async (t) => {
  const file = await flowsFile(t, 'tools: { reserve: { call: true } }');
  const { held, lines } = await run({ flows: file, tool: 'reserve', only: 'reserve succeeds, answers' });
  assert.equal(held, false);
  assert.ok(
    lines.includes('         reserve asks a person, and flows cannot answer that: set `call: false` for it'),
    lines.join('\n'),
  );
});

test('an unmet expectation is reported, with the command that plays the flow again', { timeout }, async (t) => {
  const file = await flowsFile(
    t,
    `
flows:
  - name: one book too many
    model: [{ calls: [{ tool: find, arguments: { title: Emma } }] }, { says: 'Yes.' }]
    expect: { calls: [{ tool: find, status: error, result: Persuasion }, { tool: borrow }], finish_reason: length, model_sees: [poetry] }
`,
  );
  const { held, lines } = await run({ flows: file, only: 'one book too many' });
  assert.equal(held, false);
  assert.deepEqual(
    lines.slice(-9).map((line) => line.replace(/\(\d+ ms\)/, '(1 ms)').trim()),
    [
      'BROKEN one book too many (1 ms)',
      'expected find to end as error; it ended as ok: found Emma',
      'expected find to answer with "Persuasion"; it answered "found Emma"',
      'expected a call of borrow; there was none',
      'expected the turn to end with length; it ended with stop',
      'expected the model to see "poetry"; it did not',
      `again: ./run.sh model --config ${JSON.stringify(config)} --flows ${JSON.stringify(file)} --only "one book too many"`,
      'The flows pass through 11 of the 18 states of a conversation; not through turn.backingOff, turn.askingAgain, turn.toolHop.waiting, turn.cancelling.recording, turn.cancelling.stopping, turn.timingOut, deleting.',
      '0 of 1 flows held',
    ],
  );
});

test(
  'a tool that no server offers is rejected with a suggestion, unless a flow makes the model call it',
  { timeout },
  async (t) => {
    await assert.rejects(
      run({ flows: await flowsFile(t, 'tools: { fnid: { arguments: { title: Emma } }, nonsense: {} }') }),
      {
        message:
          'No server offers the tool "fnid"; did you mean "find"?\nNo server offers the tool "nonsense"; offered: find, locate, borrow, discard, reserve.',
      },
    );
    await assert.rejects(
      run({ flows: await flowsFile(t, 'flows: [{ name: n, model: [{ calls: [{ tool: borow }] }] }]') }),
      { message: 'No server offers the tool "borow"; did you mean "borrow"?' },
    );
    await assert.rejects(run({ tool: 'locte' }), {
      message: 'No server offers the tool "locte"; did you mean "locate"?',
    });
    const { held, lines } = await run({
      flows: await flowsFile(
        t,
        'flows: [{ name: calls nonsense, model: [{ calls: [{ tool: nonsense, arguments: {} }] }, { says: Oh. }] }]',
      ),
      only: 'calls nonsense',
    });
    assert.ok(held && lines.includes('no server offers nonsense: calls of it end as unknown'), lines.join('\n'));
  },
);

test(
  'a file of flows with an unknown key is rejected, and so is a flow longer than the hops allow',
  { timeout },
  async (t) => {
    await assert.rejects(
      run({ flows: await flowsFile(t, 'tols: {}') }),
      /flows\.yaml:1: tols is not a known key; did you mean tools\?$/,
    );
    await assert.rejects(
      run({
        flows: await flowsFile(
          t,
          'tools:\n  find:\n    argments: {}\nflows:\n  - name: n\n    model:\n      - call: []\n    expect: { cals: [] }\n',
        ),
      }),
      (error) => {
        assert.ok(error instanceof Error);
        const [, ...lines] = error.message.split('\n').map((line) => line.replace(/^ .*?flows\.yaml:/, ''));
        assert.deepEqual(lines, [
          '3: tools.find.argments is not a known key; did you mean arguments?',
          '7: flows[0].model[0] is a section; allowed: calls, a list of {tool, arguments}, or says, a text.',
          '8: flows[0].expect.cals is not a known key; did you mean calls?',
        ]);
        return true;
      },
    );
    await assert.rejects(
      run({ flows: '/nowhere/flows.yaml' }),
      /^Error: The file of flows \/nowhere\/flows\.yaml does not exist\.$/,
    );
    const hop = '{ calls: [{ tool: find, arguments: { title: Emma } }] }';
    const long = await flowsFile(
      t,
      `flows: [{ name: too long, model: [${Array.from({ length: 4 }, () => hop).join(', ')}] }]`,
    );
    await assert.rejects(run({ flows: long }), /continues after the end of the turn: it may have at most 2 hops/);
  },
);
