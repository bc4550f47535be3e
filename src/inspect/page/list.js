/**
 * Renders a list of conversations. Elements are created once, and changed only if an entry differs. So a list of
 * thousands can be rendered every second, and the focus and the scroll position stay.
 */
import { element } from './element.js';

/**
 * `seq` is the row of a search result. `second` is the second line; `place` is the range of the match in it.
 * @typedef {{ owner: string | null, id: string, seq: number | null, mood: string, title: string | null, second: string, kind: string,
 *   ago: string, needsPerson: boolean, place: [number, number] | null }} Entry
 */

/** @param {HTMLUListElement} list @param {{ isChosen(entry: Entry): boolean, shownOwner(entry: Entry): string | null, onChoose(entry: Entry): void }} given */
export function createList(list, { isChosen, shownOwner, onChoose }) {
  /** @type {Map<string, { item: HTMLLIElement, entry: Entry, shown: string }>} */
  let known = new Map();

  /** @param {Entry} entry */
  const entryKey = ({ owner, id, seq, kind }) => JSON.stringify([owner, id, seq, seq === null ? '' : kind]);

  /** @param {HTMLLIElement} item @param {Entry} entry */
  const fill = (item, entry) => {
    const owner = shownOwner(entry);
    item.classList.toggle('needs-person', entry.needsPerson);
    item.classList.toggle('hit', entry.place !== null);
    item.replaceChildren(
      element('span', { class: `dot ${entry.mood}`, 'aria-hidden': 'true' }),
      element(
        'span',
        { class: 'id', title: entry.title === null ? entry.id : `${entry.title}\n${entry.id}` },
        entry.title ?? entry.id,
        ...(owner === null ? [] : [element('small', {}, ` of ${owner}`)]),
      ),
      element('span', { class: 'ago' }, entry.ago),
      element('span', { class: 'state' }, ...secondLine(entry)),
      ...(entry.title === null ? [] : [element('span', { class: 'ref' }, entry.id)]),
    );
  };

  return {
    /** @param {readonly Entry[]} entries */
    show(entries) {
      /** @type {typeof known} */
      const next = new Map();
      entries.forEach((entry) => {
        const key = entryKey(entry);
        if (next.has(key)) return;
        const before = known.get(key);
        const item =
          before?.item ?? element('li', { role: 'option', 'data-id': entry.id, 'data-owner': entry.owner ?? '' });
        const shown = JSON.stringify([entry, shownOwner(entry)]);
        if (!before) item.addEventListener('click', () => onChoose(next.get(key)?.entry ?? entry));
        if (before?.shown !== shown) fill(item, entry);
        item.setAttribute('aria-selected', String(isChosen(entry)));
        const at = next.size;
        if (list.children[at] !== item) list.insertBefore(item, list.children[at] ?? null);
        next.set(key, { item, entry, shown });
      });
      while (list.children.length > next.size) list.lastChild?.remove();
      known = next;
    },
    entries: () => [...known.values()].map(({ entry }) => entry),
    mark() {
      for (const { item, entry } of known.values()) item.setAttribute('aria-selected', String(isChosen(entry)));
    },
  };
}

/** The second line, with the match marked. @param {Entry} entry @returns {(Node | string)[]} */
function secondLine({ second, place, kind }) {
  if (place === null) return [second];
  const [from, to] = place;
  return [
    element('small', { class: 'kind' }, kind),
    ' ',
    second.slice(0, from),
    element('mark', {}, second.slice(from, to)),
    second.slice(to),
  ];
}
