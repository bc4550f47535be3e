/** Runs the command `models`: lists what a provider offers, and tries a model of it. */
import { modelOptions } from '../config/options.ts';
import type { Config } from '../config/schema/schema.ts';
import { createDemoModel } from '../demo/model.ts';
import { listModels } from '../llm/list-models.ts';
import { createLanguageModel } from '../llm/model.ts';
import { ownValue } from '../json.ts';
import { chooseProviders } from '../llm/providers/choose-providers.ts';
import { presetOf } from '../llm/providers/presets.ts';
import { createTransport } from '../llm/stream/transport.ts';
import { tryModel, type Verdict } from '../llm/try-model.ts';
import type { CommandResult } from './output.ts';

/** Longest wait for the list. Some providers take seconds. */
const LIST_TIMEOUT_MS = 30_000;

export interface ModelsOptions {
  config: Config;
  env: NodeJS.ProcessEnv;
  /** Name of a block or preset. Null: the active one. */
  provider: string | null;
  /** The model to try. Null: the one of the block. */
  model: string | null;
  isTrial: boolean;
  signal: AbortSignal;
}

/** Throws AppError as `createLanguageModel` and `listModels` do. */
export async function models({ config, env, provider, model, isTrial, signal }: ModelsOptions): Promise<CommandResult> {
  const options = modelOptions(config);
  const name = provider ?? options.active;
  const block = ownValue(options.providers, name);
  // Servers on this machine have no default model, and the list is there to find one.
  const isNameless = presetOf(name)?.model === null && block?.model === undefined && (!isTrial || model !== null);
  const stated = isNameless
    ? { ...options, providers: { ...options.providers, [name]: { ...block, model: model ?? '' } } }
    : options;
  const [chosen] = chooseProviders({ ...stated, fallback: [], active: name, env });
  if (chosen === undefined) return { lines: [], exitCode: 1 };
  if (isTrial) return trial(model ?? chosen.model);

  const names = await listModels(chosen, createTransport({ ...stated, env }), LIST_TIMEOUT_MS);
  const listed = [...new Set([...chosen.allowedModels, ...names])].filter((each) =>
    model === null ? each !== '' : each === model,
  );
  return {
    exitCode: 0,
    lines: [
      `Models of ${chosen.name} (${chosen.demo ? 'offline' : chosen.baseUrl}). * is the default, + is allowed in a chat.`,
      ...listed.map((each) => {
        const mark = each === chosen.model ? '*' : chosen.allowedModels.includes(each) ? '+' : ' ';
        return `${mark} ${each}${names.includes(each) || chosen.demo ? '' : '   (not in the list of the provider)'}`;
      }),
    ],
  };

  async function trial(asked: string): Promise<CommandResult> {
    let imagesLeftOut = false;
    const active = chosen?.name ?? '';
    const llm = createLanguageModel({
      ...stated,
      active,
      fallback: [],
      circuit: { failures: Number.MAX_SAFE_INTEGER, cooldownMs: 1 },
      onCircuitChange: () => {},
      onRequiredChange: ({ parameter }) => {
        imagesLeftOut ||= parameter === 'images';
      },
      onContextLimit: () => {},
      env,
      demo: createDemoModel({ chunkDelayMs: 0 }),
    });
    const verdicts = await tryModel({ provider: active, model: asked }, llm, () => imagesLeftOut, signal);
    return {
      lines: [`${asked} of ${active}:`, ...Object.entries(verdicts).map(([what, verdict]) => lineOf(what, verdict))],
      exitCode: verdicts.streams.result === 'failed' ? 1 : 0,
    };
  }
}

function lineOf(what: string, { result, detail }: Verdict): string {
  return `  ${what.padEnd(8)} ${result.padEnd(8)} ${detail}`;
}
