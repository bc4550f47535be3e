/**
 * Shares a server and its scripted model between the tests of a file: each started server costs about 0.3 s of CPU time.
 * For tests that end their turns and need no other configuration, no restart and no earlier failures of a provider.
 */
import assert from 'node:assert/strict';
import { after, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startModelServer, type ModelServer } from './model/server.ts';
import { startParley, type Parley, type ParleyOptions } from './parley.ts';

export interface SharedScripted {
  readonly parley: Omit<Parley, 'restart'>;
  /** As new: without requests and replies of earlier tests. */
  readonly model: ModelServer;
  /** A conversation id that no other test of the file uses. */
  id(name: string): string;
  /** One of them, and the options of chats in it. */
  readonly c1: string;
  readonly inC1: { conversationId: string };
  readonly r1: { conversationId: string; requestId: string };
  readonly r2: { conversationId: string; requestId: string };
}

/** How long the requests of a finished test may take to end, in milliseconds. */
const END_TIMEOUT_MS = 60_000;

/**
 * Call it once in a file. The result serves one test at a time, with one server for each `options`. A test fails if it
 * leaves a running request or an unused reply to the next one, or sent an invalid history.
 */
export function shareScripted(): (
  test: TestContext,
  options?: Pick<ParleyOptions, 'mcpServers' | 'config'>,
) => Promise<SharedScripted> {
  const servers = new Map<string, Promise<{ parley: Parley; model: ModelServer }>>();
  const ends: (() => Promise<void>)[] = [];
  let tests = 0;
  after(async () => {
    for (const end of ends) await end();
  });

  const start = async (options: ParleyOptions) => {
    const model = await startModelServer();
    const parley = await startParley({ after: (end) => void ends.push(end) }, { ...options, modelUrl: model.url });
    ends.push(() => model.close());
    return { parley, model };
  };

  return async (test, options = {}) => {
    tests += 1;
    const number = tests;
    const key = JSON.stringify(options);
    const server = servers.get(key) ?? start(options);
    servers.set(key, server);
    const { parley, model } = await server;
    test.after(async () => {
      const ended = Promise.all(model.requests.map(({ end }) => end)).then(() => true);
      const isOver = await Promise.race([ended, sleep(END_TIMEOUT_MS, false, { ref: false })]);
      const violations = [...model.violations];
      const unused = model.reset();
      assert.ok(isOver, 'a request to the model outlives its test');
      assert.equal(unused, 0, 'the test left replies');
      assert.deepEqual(violations, [], 'the model got an invalid history');
    });
    const id = (name: string) => `${name}-${number}`;
    const inC1 = { conversationId: id('c1') };
    return {
      parley: {
        url: parley.url,
        folder: parley.folder,
        database: parley.database,
        async connect(connectOptions) {
          const client = await parley.connect(connectOptions);
          test.after(async () => client.socket.terminate());
          return client;
        },
      },
      model,
      id,
      c1: inC1.conversationId,
      inC1,
      r1: { ...inC1, requestId: 'r1' },
      r2: { ...inC1, requestId: 'r2' },
    };
  };
}
