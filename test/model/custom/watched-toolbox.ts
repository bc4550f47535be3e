/**
 * Wraps the real toolbox and exposes it to the test. Withholds the answers of chosen calls until they are aborted, so
 * that any tool can be late. The hook in watched-server.ts puts this module in the toolbox's place.
 */
import { channel } from 'node:diagnostics_channel';
import { createToolbox as createRealToolbox, type ToolboxHost, type ToolboxOptions } from '../../../src/mcp/toolbox.ts';

export interface WatchedToolbox {
  toolbox: ToolboxHost;
  /** For each future call, in order, whether its answer is withheld. Further calls are answered. */
  withholdAnswers(calls: readonly boolean[]): void;
}

/** Channel on which a new toolbox is published. */
export const watchedToolboxes = channel('parley.test.toolbox');

export function createToolbox(options: ToolboxOptions): ToolboxHost {
  const toolbox = createRealToolbox(options);
  let plan: boolean[] = [];
  watchedToolboxes.publish({ toolbox, withholdAnswers: (calls) => void (plan = [...calls]) } satisfies WatchedToolbox);
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
