/**
 * Sends a request, and once more for each change that lets the provider accept it. Keeps the changes that helped for the
 * model as long as the process runs, so that later requests need no second attempt.
 */
import type { Provider } from '../providers/provider.ts';
import { changeFor, hasTools, readRejection, withChanges, type Change, type RequestBody } from './adapted-request.ts';

/** A change that a provider required, for the operator. */
export interface RequiredChange {
  provider: string;
  model: string;
  /** The parameter that the model does not support; `tools` for tools, `images` for images. */
  parameter: string;
  /** The line of the configuration that has the same effect. */
  write: string;
}

/** What `send` returns for a request that got an error status or no response. */
interface Failed {
  error: unknown;
}

export interface LearnedChanges {
  /**
   * Returns the last response of `send`. `onWithoutTools` is called before the first request without the tools that the
   * model does not support.
   */
  send<Head extends object>(
    model: string,
    body: RequestBody,
    send: (body: RequestBody) => Promise<Head | Failed>,
    onWithoutTools: () => void,
  ): Promise<Head | Failed>;
}

/** Each change costs a request. */
const MAX_CHANGES = 3;

/** `onChange` gets each change once for a model, after the provider has accepted it. */
export function createLearnedChanges(provider: Provider, onChange: (change: RequiredChange) => void): LearnedChanges {
  const learned = new Map<string, readonly Change[]>();

  const learn = (model: string, changes: readonly Change[], body: RequestBody) => {
    const known = learned.get(model) ?? [];
    const added = changes.filter(({ parameter }) => !known.some((each) => each.parameter === parameter));
    const all = [...known, ...added];
    learned.set(model, all);
    for (const { parameter } of added)
      onChange({ provider: provider.name, model, parameter, write: lineFor(provider, model, all, body) });
  };

  return {
    async send(model, body, send, onWithoutTools) {
      const known = learned.get(model) ?? [];
      const found: Change[] = [];
      let saidWithoutTools = false;
      for (;;) {
        const changes = [...known, ...found];
        const adapted = withChanges(body, changes);
        if (!saidWithoutTools && hasTools(body) && !hasTools(adapted)) {
          saidWithoutTools = true;
          onWithoutTools();
        }
        const head = await send(adapted);
        if (!('error' in head)) {
          const lasting = found.filter(({ onlyOnce }) => onlyOnce !== true);
          if (lasting.length > 0) learn(model, lasting, body);
          return head;
        }
        const rejection = readRejection(head.error);
        const change = rejection && found.length < MAX_CHANGES ? changeFor(rejection, adapted, changes) : null;
        if (change === null) return head;
        found.push(change);
      }
    },
  };
}

/** All parameters of the model in one line, because a second line for the model would replace the first. */
function lineFor(
  { name, modelParameters }: Provider,
  model: string,
  changes: readonly Change[],
  body: RequestBody,
): string {
  const values = changes.flatMap(({ parameter, value = null, renamedTo }): [string, unknown][] => {
    if (parameter === 'tools' || parameter === 'images') return [[parameter, 'never']];
    return renamedTo === undefined
      ? [[parameter, value]]
      : [
          [parameter, null],
          [renamedTo, body[parameter]],
        ];
  });
  const stated = { ...modelParameters.get(model), ...Object.fromEntries(values) };
  return `llm.providers.${name}.model_parameters: ${JSON.stringify({ [model]: stated })}`;
}
