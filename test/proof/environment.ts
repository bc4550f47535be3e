/**
 * Starts everything around one server under test: a model, tools, a client that chats, a client that follows, and a
 * temporary home. The environment stays while servers start and stop.
 */
import type { ApiName } from '../../src/llm/api/wire-api.ts';
import { createNotifier, type Notifier } from './notifier.ts';
import { createTempHome, type TempHome } from './temp-home.ts';
import { createSender, type Sender } from './sender.ts';
import { startControlledModel, type ControlledModel } from './controlled-model.ts';
import { startControlledTools, type ControlledTools } from './controlled-tools.ts';
import type { Move } from './moves.ts';
import { createWatcher, type Watcher } from './watcher.ts';
import type { World } from './world.ts';

export interface Environment {
  /** World in which every path begins. */
  start: World;
  notifier: Notifier;
  model: ControlledModel;
  tools: ControlledTools;
  sender: Sender;
  watcher: Watcher;
  home: TempHome;
  /** Folder for compiled code, the same for all runs. */
  cache: string;
  close(): Promise<void>;
}

export async function createEnvironment(
  start: World,
  moves: readonly Move[],
  { cache, api }: { cache: string; api: ApiName },
): Promise<Environment> {
  const notifier = createNotifier();
  const [model, tools] = await Promise.all([startControlledModel(notifier), startControlledTools(notifier)]);
  const home = await createTempHome(start.settings, moves, api, {
    model: model.url,
    tools: tools.url,
    hall: tools.hallUrl,
    works: tools.worksUrl,
  });
  const sender = createSender(notifier);
  const watcher = createWatcher(notifier);
  return {
    start,
    notifier,
    model,
    tools,
    sender,
    watcher,
    home,
    cache,
    async close() {
      sender.close();
      watcher.close();
      await Promise.all([model.close(), tools.close(), home.remove()]);
    },
  };
}
