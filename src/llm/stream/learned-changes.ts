/**
 * Sends a request, and once more for each change that lets the provider accept it. Keeps the changes that helped for the
 * model as long as the process runs, so that later requests need no second attempt.
 */
import type { Provider } from '../providers/provider.ts';
import { changeFor, hasTools, readRejection, withChanges, type Change, type RequestBody } from './adapted-request.ts';
import { declarationKey, nameOf, toolsOf } from './rejected-tools.ts';

/** A change that a provider required, for the operator. */
export interface RequiredChange {
  provider: string;
  model: string;
  /** The parameter that the model does not support; `tools` for tools, `images` for images. */
  parameter: string;
  /** The tools whose declarations it rejects. Null for all tools, and for another parameter. */
  tools: readonly string[] | null;
  /** The line of the configuration that has the same effect. */
  write: string;
}

/** What `send` returns for a request that got an error status or no response. */
interface Failed {
  error: unknown;
}

/** The changes for one provider. */
export interface LearnedChanges {
  /**
   * Returns the last response of `send`. `onWithout` is called before the first request without the tools that the model
   * does not support, and before each without further tools whose declarations it rejects: with their names, null for all.
   */
  send<Head extends object>(
    model: string,
    body: RequestBody,
    send: (body: RequestBody) => Promise<Head | Failed>,
    onWithout: (tools: readonly string[] | null) => void,
  ): Promise<Head | Failed>;
  /** The declarations that the model has rejected, as keys. */
  rejected(model: string): ReadonlySet<string>;
}

/** Each change costs a request. */
const MAX_CHANGES = 3;
/** Rejections of declarations in one request. With the next one all tools are left out. */
const MAX_REJECTIONS = 8;
/** Of one model. A server may offer new declarations endlessly. */
const MAX_REMEMBERED = 1_000;

/** `onChange` gets each change once for a model, after the provider has accepted it. */
export function createLearnedChanges(provider: Provider, onChange: (change: RequiredChange) => void): LearnedChanges {
  const learned = new Map<string, readonly Change[]>();

  const learn = (model: string, changes: readonly Change[], body: RequestBody) => {
    const known = learned.get(model) ?? [];
    const added = changes.filter(
      ({ parameter, declarations }) =>
        declarations !== undefined ||
        !known.some((each) => each.parameter === parameter && each.declarations === undefined),
    );
    const all = [...known, ...added];
    learned.set(model, withOneListOfDeclarations(all));
    for (const { parameter, declarations } of added) {
      const tools = declarations === undefined ? null : namesOf(body, declarations);
      const write =
        tools === null
          ? lineFor(provider, model, all, body)
          : `"excludeTools": ${JSON.stringify(tools)} in the block of the MCP server`;
      onChange({ provider: provider.name, model, parameter, tools, write });
    }
  };

  return {
    rejected: (model) => new Set((learned.get(model) ?? []).flatMap(({ declarations = [] }) => declarations)),
    async send(model, body, send, onWithout) {
      const known = learned.get(model) ?? [];
      const found: Change[] = [];
      let saidWithoutTools = false;
      for (;;) {
        const changes = [...known, ...found];
        const adapted = withChanges(body, changes);
        if (!saidWithoutTools && changes.some(isWithoutAllTools) && hasTools(body)) {
          saidWithoutTools = true;
          onWithout(null);
        }
        const head = await send(adapted);
        if (!('error' in head)) {
          const lasting = found.filter(({ onlyOnce }) => onlyOnce !== true);
          if (lasting.length > 0) learn(model, lasting, body);
          return head;
        }
        const rejection = readRejection(head.error);
        const change = rejection && changeFor(rejection, adapted, changes);
        const next = change && withinLimits(change, found, adapted);
        if (next === null) return head;
        found.push(next);
        if (next.declarations !== undefined) onWithout(namesOf(adapted, next.declarations));
      }
    },
  };
}

function isWithoutAllTools({ parameter, declarations }: Change): boolean {
  return parameter === 'tools' && declarations === undefined;
}

/** The change, or a wider one after many rejections. Null if the request has been changed too often. */
function withinLimits(change: Change, found: readonly Change[], body: RequestBody): Change | null {
  const rejections = found.filter(({ declarations }) => declarations !== undefined).length;
  if (change.declarations === undefined) return found.length - rejections < MAX_CHANGES ? change : null;
  return rejections < MAX_REJECTIONS ? change : { ...change, declarations: toolsOf(body).map(declarationKey) };
}

function withOneListOfDeclarations(changes: readonly Change[]): readonly Change[] {
  const declarations = changes.flatMap((change) => change.declarations ?? []);
  const others = changes.filter((change) => change.declarations === undefined);
  return declarations.length === 0
    ? others
    : [...others, { parameter: 'tools', declarations: declarations.slice(-MAX_REMEMBERED) }];
}

function namesOf(body: RequestBody, declarations: readonly string[]): string[] {
  return toolsOf(body)
    .filter((tool) => declarations.includes(declarationKey(tool)))
    .map(nameOf);
}

/** All parameters of the model in one line, because a second line for the model would replace the first. */
function lineFor(
  { name, modelParameters }: Provider,
  model: string,
  changes: readonly Change[],
  body: RequestBody,
): string {
  const values = changes.flatMap(({ parameter, value = null, renamedTo, declarations }): [string, unknown][] => {
    if (declarations !== undefined) return [];
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
