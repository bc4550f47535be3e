/**
 * Decides which events are in the list: by kind, and by the actors that got or sent them. At first the health checks
 * of MCP servers are hidden. Pure: knows no page.
 */
import { titleOf } from './steps.js';

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
/** Tool calls with a line of their own, the newest; the others are shown or hidden together. */
const MOST_CALLS = 30;
/** In this state an MCP server works; it comes and goes through the states within. */
const READY = 'open.ready';

/** @param {readonly Step[]} steps @param {number} index @returns {Kind | null} null for what is always shown */
export function kindOf(steps, index) {
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

/** The actors that got or sent a step's event. @param {Step} step @returns {{ group: Group, id: string | null }[]} */
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

export function createFilter() {
  /** Kinds, groups, and `group/actor id` of single actors. @type {Set<string>} */
  let hidden = new Set(['health']);
  /** What is known of a step never changes. @type {WeakMap<Step, { kind: Kind | null, keys: string[][] }>} */
  const known = new WeakMap();

  /** @param {readonly Step[]} steps @param {number} index */
  const factsOf = (steps, index) => {
    const step = steps[index];
    if (!step) return { kind: null, keys: [] };
    const facts = known.get(step) ?? {
      kind: kindOf(steps, index),
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
    /** Those that are shown, and the chosen one in any case. @param {readonly Step[]} steps @param {string | null} chosen */
    visible: (steps, chosen) => steps.filter((step, index) => step.key === chosen || isShown(steps, index)),
    /** @param {readonly Step[]} steps @returns {{ kinds: ReadonlyMap<string, number>, actors: Facet[] }} how many there are of each, shown or not */
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
          // A call is known by its tool once it runs.
          if (actor) facet.title = titleOf(actor);
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
    /** Shows of all actors this one alone. @param {Facet} wanted @param {readonly Facet[]} all */
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
    /** The actors are those of another conversation now; kinds and groups stay as they are. */
    forgetActors() {
      hidden = new Set([...hidden].filter((key) => !key.includes('/')));
    },
    reset() {
      hidden = new Set(['health']);
    },
  };
}
