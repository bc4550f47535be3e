/**
 * Checks the reference servers of the MCP project in conversations: it uses every tool, prompt and resource of theirs.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { RespondOptions } from '../../src/client/requests.ts';
import { compileCache } from '../support/compile-cache.ts';
import { interruptsOf, toolResultsIn } from '../support/interrupts.ts';
import { says } from '../support/model/replies.ts';
import { asks } from '../support/model/tool-calls.ts';
import type { ModelServer } from '../support/model/server.ts';
import { eventually } from '../support/eventually.ts';
import { readAll, startTyped, type RecordedClient } from '../support/typed-client.ts';

const packages = join(import.meta.dirname, '..', '..', 'node_modules', '@modelcontextprotocol');

/** Tools, prompts and resources of every kind. */
const everythingServer = {
  everything: {
    command: 'node',
    args: [join(packages, 'server-everything', 'dist', 'index.js'), 'stdio'],
    env: compileCache,
  },
};

/** Files below `folder`, and no others. */
function filesystemServer(folder: string) {
  return {
    files: {
      command: 'node',
      args: [join(packages, 'server-filesystem', 'dist', 'index.js'), folder],
      env: compileCache,
    },
  };
}

/** A call, and what its result must contain. */
interface Use {
  arguments?: Record<string, unknown>;
  shows: RegExp;
  status?: 'ok' | 'error';
  /**
   * The interrupt during the call, and the model's part if any. Such a call runs alone, because an interrupt does not name its
   * call among several.
   */
  asks?: {
    type: 'elicitation_request' | 'approval_request';
    respond: Omit<RespondOptions, 'interruptId'>;
    model?: string;
  };
}

/**
 * The model requests all these calls in one answer, but those with interrupts one by one. Every offered tool must be
 * among them.
 */
async function useAll(
  t: TestContext,
  mcpServers: Record<string, unknown>,
  uses: Record<string, Use>,
  mcp: Record<string, unknown> = {},
): Promise<{ client: RecordedClient; model: ModelServer }> {
  const { model, client } = await startTyped(t, {
    mcpServers,
    config: { mcp, chat: { service: { tools: { max_concurrent: 32 }, context: { max_tokens: 100_000 } } } },
  });
  assert.deepEqual((await client.tools()).tools.map(({ name }) => name).sort(), Object.keys(uses).sort());
  const calls = Object.entries(uses).map(([name, { arguments: args = {}, asks: asked }]) => ({
    name,
    arguments: args,
    asked,
  }));
  const asking = calls.flatMap(({ asked, ...call }) => (asked ? [{ ...call, asked }] : []));
  const alone = asking.flatMap(({ asked: { model: said }, ...call }) => [
    asks([call]),
    ...(said === undefined ? [] : [says(said)]),
  ]);
  model.script(asks(calls.filter(({ asked }) => !asked)), ...alone, says('Done.'));

  const turn = client.chat('use everything');
  for (const { name, asked } of asking) {
    const { interrupt_id: interruptId } = await eventually(
      () => interruptsOf(client).find((each) => each.type === asked.type && each.name === name) ?? null,
      `the question of ${name}`,
    );
    await client.respond(turn.conversationId, { interruptId, ...asked.respond });
  }
  const results = new Map(toolResultsIn(await readAll(turn)).map((result) => [result.name, result]));
  for (const [name, { shows, status = 'ok' }] of Object.entries(uses)) {
    assert.equal(results.get(name)?.status, status, `${name}: ${results.get(name)?.data}`);
    assert.match(results.get(name)?.data ?? '', shows, name);
  }
  const reported = model.requests.at(-1)?.body.messages.filter(({ role }) => role === 'tool');
  assert.equal(reported?.length, Object.keys(uses).length, 'the model got every result');
  return { client, model };
}

test('server-everything: every tool is called, every prompt rendered, every resource and template read', async (t) => {
  const { client, model } = await useAll(
    t,
    everythingServer,
    {
      echo: { arguments: { message: 'hello' }, shows: /^Echo: hello$/ },
      'get-annotated-message': {
        arguments: { messageType: 'success', includeImage: true },
        shows: /Operation completed successfully[^]*image\/png/,
      },
      'get-env': { shows: /"PATH"/ },
      'get-resource-links': {
        arguments: { count: 2 },
        shows: /demo:\/\/resource\/dynamic\/blob\/1[^]*demo:\/\/resource\/dynamic\/text\/2/,
      },
      'get-resource-reference': {
        arguments: { resourceType: 'Text', resourceId: 7 },
        shows: /demo:\/\/resource\/dynamic\/text\/7/,
      },
      'get-structured-content': { arguments: { location: 'Chicago' }, shows: /"temperature":36/ },
      'get-sum': { arguments: { a: 2, b: 3 }, shows: /2 and 3 is 5/ },
      'get-tiny-image': { shows: /image\/png/ },
      'gzip-file-as-resource': {
        arguments: { name: 'hello.gz', data: 'data:text/plain,hello', outputType: 'resource' },
        shows: /application\/gzip/,
      },
      'simulate-research-query': { arguments: { topic: 'tides' }, shows: /tides/i },
      'toggle-simulated-logging': { shows: /Started simulated/ },
      'toggle-subscriber-updates': { shows: /Started simulated resource updated notifications/ },
      'trigger-long-running-operation': {
        arguments: { duration: 0.2, steps: 2 },
        shows: /Long running operation completed. Duration: 0.2 seconds, Steps: 2/,
      },
      'get-roots-list': { shows: /Current MCP Roots \(1 total\)/ },
      'trigger-elicitation-request': {
        asks: { type: 'elicitation_request', respond: { decision: 'answer', content: { name: 'Ada' } } },
        shows: /Ada/,
      },
      'trigger-url-elicitation': {
        arguments: { url: 'https://example.com/form' },
        asks: { type: 'elicitation_request', respond: { decision: 'answer' } },
        shows: /accept/i,
      },
      'trigger-sampling-request': {
        arguments: { prompt: 'birds' },
        asks: { type: 'approval_request', respond: { decision: 'approve' }, model: 'Birds sing.' },
        shows: /Birds sing\./,
      },
    },
    { roots: [tmpdir()] },
  );

  const offered = (await client.prompts()).prompts.map(({ name }) => name);
  const wanted: Record<string, { arguments?: Record<string, string>; shows: RegExp }> = {
    'simple-prompt': { shows: /simple prompt without arguments/ },
    'args-prompt': { arguments: { city: 'Graz' }, shows: /weather in Graz/ },
    'completable-prompt': { arguments: { department: 'Engineering', name: 'Alice' }, shows: /Alice[^]*Engineering/ },
    'resource-prompt': {
      arguments: { resourceType: 'Text', resourceId: '1' },
      shows: /demo:\/\/resource\/dynamic\/text\/1/,
    },
  };
  assert.deepEqual(offered.sort(), Object.keys(wanted).sort());
  for (const [name, { shows, ...filledIn }] of Object.entries(wanted)) {
    model.script(says('I see.'));
    await client.chat('Go on.', { conversationId: name, prompt: { server: 'everything', name, ...filledIn } }).end;
    assert.match(JSON.stringify(model.requests.at(-1)?.body.messages), shows, name);
  }
  const completed = await client.completeArgument('everything', {
    prompt: 'completable-prompt',
    argument: { name: 'department', value: 'E' },
  });
  assert.match(completed.values.join(), /Engineering/);

  const { resources, templates } = await client.resources();
  assert.equal(resources.length, 8, 'its documents, and what a tool has made since');
  assert.ok(resources.some(({ uri }) => uri.endsWith('hello.gz')));
  assert.equal(templates.length, 2);
  const uris = [
    ...resources.map(({ uri }) => uri),
    ...templates.map(({ uri_template: template }) => template.replace('{resourceId}', '3')),
  ];
  for (const uri of uris) {
    model.script(says('I have read it.'));
    await client.chat('Read this.', { conversationId: uri, resources: [{ server: 'everything', uri }] }).end;
    assert.ok(JSON.stringify(model.requests.at(-1)?.body.messages).includes(`[resource: ${uri}`), uri);
  }
});

test('server-filesystem: every tool is called, and none leaves its folder', async (t) => {
  const outside = realpathSync(mkdtempSync(join(tmpdir(), 'parley-files-')));
  t.after(() => rmSync(outside, { recursive: true, force: true }));
  const folder = join(outside, 'shared');
  const path = (name: string) => join(folder, name);
  mkdirSync(folder);
  for (const name of ['one.txt', 'two.txt', 'three.txt']) writeFileSync(path(name), `This is ${name}.\n`);
  writeFileSync(path('picture.png'), Buffer.from('iVBORw0KGgo=', 'base64'));
  writeFileSync(join(outside, 'secret.txt'), 'a secret');

  await useAll(t, filesystemServer(folder), {
    read_file: { arguments: { path: path('one.txt') }, shows: /This is one\.txt/ },
    read_text_file: { arguments: { path: join(outside, 'secret.txt') }, shows: /Access denied/, status: 'error' },
    read_media_file: { arguments: { path: path('picture.png') }, shows: /image\/png/ },
    read_multiple_files: { arguments: { paths: [path('one.txt'), path('picture.png')] }, shows: /This is one\.txt/ },
    write_file: { arguments: { path: path('new.txt'), content: 'fresh' }, shows: /Successfully wrote/ },
    edit_file: {
      arguments: { path: path('two.txt'), edits: [{ oldText: 'This is', newText: 'That was' }] },
      shows: /That was two/,
    },
    create_directory: { arguments: { path: path('deep') }, shows: /Successfully created/ },
    list_directory: { arguments: { path: folder }, shows: /one\.txt/ },
    list_directory_with_sizes: { arguments: { path: folder }, shows: /one\.txt/ },
    directory_tree: { arguments: { path: folder }, shows: /"one\.txt"/ },
    move_file: {
      arguments: { source: path('three.txt'), destination: path('moved.txt') },
      shows: /Successfully moved/,
    },
    search_files: { arguments: { path: folder, pattern: 'one*' }, shows: /one\.txt/ },
    get_file_info: { arguments: { path: path('one.txt') }, shows: /isFile: true/ },
    list_allowed_directories: { shows: /shared/ },
  });

  assert.equal(readFileSync(path('two.txt'), 'utf8'), 'That was two.txt.\n');
  assert.equal(readFileSync(path('new.txt'), 'utf8'), 'fresh');
  assert.ok(existsSync(path('moved.txt')) && existsSync(path('deep')));
});
