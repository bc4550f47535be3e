/**
 * Everything around one server under proof: a model, tools, a client that chats and one that follows, and a home.
 * It stays while servers come and go.
 */
import { createBell, type Bell } from './notifier.ts';
import { makeHome, type Home } from './temp-home.ts';
import { createSender, type Sender } from './sender.ts';
import { startStageModel, type StageModel } from './controlled-model.ts';
import { startStageTools, type StageTools } from './controlled-tools.ts';
import type { Move } from './moves.ts';
import { createWatcher, type Watcher } from './watcher.ts';
import type { World } from './world.ts';

export interface Stage {
  /** Where every path on it begins. */
  start: World;
  bell: Bell;
  model: StageModel;
  tools: StageTools;
  sender: Sender;
  watcher: Watcher;
  home: Home;
  /** Where servers keep what they have compiled, the same for all runs. */
  cache: string;
  clear(): Promise<void>;
}

export async function setStage(start: World, moves: readonly Move[], cache: string): Promise<Stage> {
  const bell = createBell();
  const [model, tools] = await Promise.all([startStageModel(bell), startStageTools(bell)]);
  const home = await makeHome(start.terms, moves, { model: model.url, tools: tools.url, hall: tools.hallUrl });
  const sender = createSender(bell);
  const watcher = createWatcher(bell);
  return {
    start,
    bell,
    model,
    tools,
    sender,
    watcher,
    home,
    cache,
    async clear() {
      sender.close();
      watcher.close();
      await Promise.all([model.close(), tools.close(), home.remove()]);
    },
  };
}
