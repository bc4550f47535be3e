/**
 * The real toolbox, watched: what it offers can be seen, and answers of chosen calls are kept back until they are given
 * up, so that any tool can be late. In the server that is tested, watched-server.ts puts it in the toolbox's place.
 */
import { channel } from 'node:diagnostics_channel';
import {
  createToolbox as createRealToolbox,
  type ToolboxHost,
  type ToolboxOptions,
} from '../../../src/mcp/mcp-servers.ts';

export interface WatchedToolbox {
  toolbox: ToolboxHost;
  /** For each call to come, in order, whether its answer is kept back; further ones are answered. */
  keepBack(calls: readonly boolean[]): void;
}

/** Where a toolbox makes itself known as soon as it is there. */
export const watchedToolboxes = channel('parley.test.toolbox');

export function createToolbox(options: ToolboxOptions): ToolboxHost {
  const toolbox = createRealToolbox(options);
  let plan: boolean[] = [];
  watchedToolboxes.publish({ toolbox, keepBack: (calls) => void (plan = [...calls]) } satisfies WatchedToolbox);
  return {
    ...toolbox,
    async call(tool, args, callOptions) {
      const isKept = plan.shift() ?? false;
      const end = await toolbox.call(tool, args, callOptions);
      if (!isKept) return end;
      const { signal } = callOptions;
      if (!signal.aborted)
        await new Promise<void>((givenUp) => signal.addEventListener('abort', () => givenUp(), { once: true }));
      return { status: 'cancelled' };
    },
  };
}
