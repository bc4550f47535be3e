/**
 * Checks that all child processes end with the server, however it ends: MCP servers, their own children, and the child
 * reaper.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { sharedOut } from '../support/daily-sample.ts';
import { stalls } from '../support/model/replies.ts';
import { asks } from '../support/model/tool-calls.ts';
import { misbehavingServer } from '../support/parley.ts';
import { eventually } from '../support/eventually.ts';
import { allExited, descendants } from '../support/processes.ts';
import { createScriptedTempHome } from '../support/temp-home.ts';
import { connectClient } from '../support/typed-client.ts';

const notToday = sharedOut(2);

describe('no child process survives the server', () => {
  for (const [at, { how, signals, server }] of (
    [
      { how: 'by SIGTERM', signals: ['SIGTERM'], server: {} },
      {
        how: 'by SIGTERM although an MCP server does not want to leave',
        signals: ['SIGTERM'],
        server: { TEST_STUBBORN: '1' },
      },
      { how: 'by a second signal in the middle of a drain', signals: ['SIGINT', 'SIGINT'], server: {} },
      { how: 'by SIGKILL', signals: ['SIGKILL'], server: {} },
      {
        how: 'by SIGKILL although an MCP server does not want to leave',
        signals: ['SIGKILL'],
        server: { TEST_STUBBORN: '1' },
      },
    ] as const
  ).entries()) {
    test(how, { skip: notToday(at) }, async (t) => {
      const { model, home } = await createScriptedTempHome(t, {
        mcpServers: misbehavingServer(server),
        config: {
          shutdown: { drain_timeout: signals.length > 1 ? 60 : 0.1 },
          mcp: { config_file: 'servers.json', connection: { startup_wait: 10, close_grace: 0.2 } },
        },
      });
      const parley = home.start();
      model.script(asks([{ name: 'grandchild' }]), stalls('Once '));
      let grandchild = 0;
      for await (const chunk of connectClient(t, await parley.listening).chat('start something')) {
        if (chunk.type === 'tool_result') grandchild = Number(chunk.data);
        if (chunk.type === 'text') break;
      }
      const started = await descendants(parley.pid);
      assert.ok(
        started.includes(grandchild) && started.length >= 3,
        `server, grandchild and guard among ${started.join(', ')}`,
      );

      for (const signal of signals) {
        parley.kill(signal);
        if (signals.length > 1) await eventually(() => parley.output.stderr.includes('draining'), 'the drain');
      }

      await parley.exited;
      await allExited(started);
    });
  }
});
