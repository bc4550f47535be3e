/**
 * Filters the events by kind, and by the actors that received or sent them. By default the health checks of MCP servers
 * are hidden. Pure: uses no elements.
 */
import { actorTitle } from './steps.js';

/** @typedef {import('./steps.js').Step} Step */
/** @typedef {'state' | 'event' | 'row' | 'birth' | 'health'} Kind */
/** @typedef {'conversation' | 'answer' | 'calls' | 'servers'} Group */
/** `key` is the group's, or `group/actor id`. @typedef {{ key: string, group: Group, title: string, count: number }} Facet */

/** @type {Readonly<Record<Kind, string>>} */
export const KINDS = {
  state: 'State changes',
  event: 'Events without a change',
  row: 'Rows of the log',
  birth: 'Actors that start',
  health: 'Health checks of MCP servers',
};
/** @type {Readonly<Record<Group, string>>} */
const GROUPS = { conversation: 'Conversation', answer: 'Answer', calls: 'Tool calls', servers: 'MCP servers' };
/** Most tool calls with their own checkbox, the newest. The others are shown or hidden together. */
const MOST_CALLS = 30;
/** The state of a connected MCP server. Health checks move it between the substates. */
export const READY = 'open.ready';

/** @param {readonly Step[]} steps @param {number} index @returns {Kind | null} null for a step that is always shown */
export function stepKind(steps, index) {
  const step = steps[index];
  if (!step || step.kind === 'break') return null;
  if (step.kind === 'birth') return 'birth';
  if (step.key.startsWith('log/')) return 'row';
  const [after, before] = [step.actors.get(step.actorId), steps[index - 1]?.actors.get(step.actorId)];
  const isCheck =
    after?.machine === 'mcpServer' &&
    after.state.startsWith(READY) &&
    (before?.state ?? READY).startsWith(READY) &&
    !step.label.startsWith('server.');
  if (isCheck) return 'health';
  return before?.state === after?.state ? 'event' : 'state';
}

/** The actors that received or sent a step's event. @param {Step} step @returns {{ group: Group, id: string | null }[]} */
export function actorsOf({ actorId, actors, from, label }) {
  const machine = actors.get(actorId)?.machine;
  if (machine === 'toolCall') return [{ group: 'calls', id: actorId }];
  if (machine === 'mcpServer') return [{ group: 'servers', id: actorId }];
  const sender =
    from === null
      ? undefined
      : [...actors.values()].findLast(({ name, machine: its }) => name === from && its === 'toolCall');
  return [
    { group: 'conversation', id: null },
    ...(from === 'answer' || label === 'assistant_message'
      ? [{ group: /** @type {const} */ ('answer'), id: null }]
      : []),
    ...(sender ? [{ group: /** @type {const} */ ('calls'), id: sender.id }] : []),
  ];
}

/** Creates a filter that hides the health checks of MCP servers. */
export function createFilter() {
  /** Hidden kinds, groups, and single actors (`group/actor id`). @type {Set<string>} */
  let hidden = new Set(['health']);
  /** Facts by step; those of a step never change. @type {WeakMap<Step, { kind: Kind | null, keys: string[][] }>} */
  const known = new WeakMap();

  /** @param {readonly Step[]} steps @param {number} index */
  const factsOf = (steps, index) => {
    const step = steps[index];
    if (!step) return { kind: null, keys: [] };
    const facts = known.get(step) ?? {
      kind: stepKind(steps, index),
      keys: actorsOf(step).map(({ group, id }) => (id === null ? [group] : [group, `${group}/${id}`])),
    };
    known.set(step, facts);
    return facts;
  };
  /** @param {readonly Step[]} steps @param {number} index */
  const isShown = (steps, index) => {
    const { kind, keys } = factsOf(steps, index);
    return kind === null || (!hidden.has(kind) && keys.some((each) => !each.some((key) => hidden.has(key))));
  };

  return {
    /** The steps that are shown; always includes the chosen one. @param {readonly Step[]} steps @param {string | null} chosen */
    visible: (steps, chosen) => steps.filter((step, index) => step.key === chosen || isShown(steps, index)),
    /** @param {readonly Step[]} steps @returns {{ kinds: ReadonlyMap<string, number>, actors: Facet[] }} counts, hidden steps included */
    facets(steps) {
      /** @type {Map<string, number>} */
      const kinds = new Map();
      /** @type {Map<string, Facet>} */
      const actors = new Map(
        Object.entries(GROUPS).map(([group, title]) => [
          group,
          { key: group, group: /** @type {Group} */ (group), title, count: 0 },
        ]),
      );
      steps.forEach((step, index) => {
        const { kind, keys } = factsOf(steps, index);
        if (kind === null) return;
        kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
        for (const key of new Set(keys.flat())) {
          const [group = '', id = ''] = key.split(/\/(.*)/s);
          const actor = step.actors.get(id);
          const facet = actors.get(key) ?? { key, group: /** @type {Group} */ (group), title: '', count: 0 };
          facet.count += 1;
          // A call has its tool's name only after it has started.
          if (actor) facet.title = actorTitle(actor);
          actors.set(key, facet);
        }
      });
      const order = Object.keys(GROUPS);
      const single = [...actors.values()].filter(({ key }) => key.includes('/'));
      const calls = single.filter(({ group }) => group === 'calls');
      calls.forEach((facet, index) => {
        facet.title += ` #${index + 1}`;
      });
      const dropped = new Set(calls.slice(0, -MOST_CALLS));
      const listed = [...actors.values()].filter((facet) => facet.count > 0 && !dropped.has(facet));
      return { kinds, actors: listed.toSorted((one, other) => order.indexOf(one.group) - order.indexOf(other.group)) };
    },
    /** @param {string} key @param {boolean} shown */
    set(key, shown) {
      if (shown) hidden.delete(key);
      else hidden.add(key);
    },
    /** Hides all other actors. @param {Facet} wanted @param {readonly Facet[]} all */
    only(wanted, all) {
      const others = all.filter(
        ({ key, group }) =>
          key !== wanted.key &&
          (key.includes('/') ? group === wanted.group && wanted.key.includes('/') : group !== wanted.group),
      );
      hidden = new Set([...[...hidden].filter((key) => key in KINDS), ...others.map(({ key }) => key)]);
    },
    /** @param {string} key */
    isHidden: (key) => hidden.has(key),
    showAll() {
      hidden = new Set();
    },
    /** Shows all single actors again, for another conversation; kinds and groups stay. */
    forgetActors() {
      hidden = new Set([...hidden].filter((key) => !key.includes('/')));
    },
    reset() {
      hidden = new Set(['health']);
    },
  };
}
