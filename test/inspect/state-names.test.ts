/** Checks that the state names that inspection uses exist in the charts: the page cannot import the machines. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AnyStateMachine } from 'xstate';
import { conversationMachine } from '../../machines/conversation/machine.ts';
import { mcpServerMachine } from '../../machines/mcp-server.ts';
import { chartOf } from '../../src/inspect/charts/chart.ts';
import { WAITING_STATE } from '../../src/inspect/live/live-list.ts';
import { PHASES } from '../../src/inspect/page/bars.js';
import { READY } from '../../src/inspect/page/filter.js';

const pathsOf = (machine: AnyStateMachine) => new Set(chartOf(machine).states.map(({ path }) => path));

test('the timeline and the list of waiting conversations use states of the conversation chart', () => {
  const paths = pathsOf(conversationMachine);
  const missing = [...Object.keys(PHASES), WAITING_STATE].filter((state) => !paths.has(state));
  assert.deepEqual(missing, []);
});

test('the filter of health checks uses a state of the MCP server chart', () => {
  assert.ok(pathsOf(mcpServerMachine).has(READY));
});
