/** Shows the filter of the events: a checkbox for each kind and actor, and the number of hidden events. */
import { byId, element } from './element.js';
import { createFilter, KINDS } from './filter.js';

/** @typedef {import('./steps.js').Step} Step */

/** @param {{ steps(): readonly Step[], onChange(): void }} given */
export function createFilterPanel({ steps, onChange }) {
  const [button, panel] = [byId('filter', HTMLButtonElement), byId('filters', HTMLDivElement)];
  const [kinds, actors] = [byId('filter-kinds', HTMLUListElement), byId('filter-actors', HTMLUListElement)];
  const [line, count] = [byId('hidden', HTMLParagraphElement), byId('hidden-count', HTMLSpanElement)];
  const filter = createFilter();
  /** By key. Each is created once, so the focus stays where it is. @type {Map<string, { row: HTMLLIElement, box: HTMLInputElement, title: HTMLElement, count: HTMLElement }>} */
  const rows = new Map();

  const changed = () => {
    onChange();
    render();
  };

  /** @param {string} key @param {(() => void) | null} only */
  const rowOf = (key, only) => {
    const known = rows.get(key);
    if (known) return known;
    const box = element('input', { type: 'checkbox' });
    const [title, number] = [element('span', { class: 'title' }), element('small', {})];
    const row = element('li', { 'data-key': key }, element('label', {}, box, title, number));
    box.addEventListener('change', () => {
      filter.set(key, box.checked);
      changed();
    });
    if (only) {
      const alone = element('button', { type: 'button', class: 'quiet only' }, 'Only');
      alone.addEventListener('click', only);
      row.append(alone);
    }
    const made = { row, box, title, count: number };
    rows.set(key, made);
    return made;
  };

  /** @param {HTMLUListElement} list @param {{ key: string, title: string, count: number }[]} wanted @param {((key: string) => void) | null} only */
  const fill = (list, wanted, only) => {
    const shown = wanted.map(({ key, title, count: number }, index) => {
      const each = rowOf(key, only && (() => only(key)));
      each.row.classList.toggle('single', key.includes('/'));
      each.box.checked = !filter.isHidden(key);
      each.box.disabled = key.includes('/') && filter.isHidden(key.split('/')[0] ?? '');
      each.title.textContent = title;
      each.count.textContent = String(number);
      each.row.querySelector('.only')?.setAttribute('aria-label', `Only ${title}`);
      if (list.children[index] !== each.row) list.insertBefore(each.row, list.children[index] ?? null);
      return each.row;
    });
    for (const row of list.querySelectorAll('li')) if (!shown.includes(row)) row.remove();
  };

  const render = () => {
    const all = steps();
    const hidden = all.length - filter.visible(all, null).length;
    line.hidden = hidden === 0;
    count.textContent = `${hidden} of ${all.length} ${all.length === 1 ? 'event' : 'events'} hidden`;
    button.classList.toggle('on', hidden > 0);
    if (panel.hidden) return;
    const facets = filter.facets(all);
    const listed = Object.entries(KINDS).map(([key, title]) => ({ key, title, count: facets.kinds.get(key) ?? 0 }));
    fill(
      kinds,
      listed.filter(({ key, count: number }) => number > 0 || filter.isHidden(key)),
      null,
    );
    fill(actors, facets.actors, (key) => {
      const now = filter.facets(steps()).actors;
      const wanted = now.find((facet) => facet.key === key);
      if (wanted) filter.only(wanted, now);
      changed();
    });
  };

  /** @param {boolean} isOpen */
  const open = (isOpen) => {
    panel.hidden = !isOpen;
    button.setAttribute('aria-expanded', String(isOpen));
    render();
  };
  button.addEventListener('click', () => open(panel.hidden !== false));
  panel.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape') return;
    open(false);
    button.focus();
  });
  byId('filter-all', HTMLButtonElement).addEventListener('click', () => {
    filter.showAll();
    changed();
  });
  byId('filter-reset', HTMLButtonElement).addEventListener('click', () => {
    filter.reset();
    changed();
  });
  byId('hidden-show', HTMLButtonElement).addEventListener('click', () => {
    filter.showAll();
    changed();
    if (line.hidden) button.focus();
  });

  return {
    /** @param {string | null} chosen key of a step that is always shown */
    visible: (chosen) => filter.visible(steps(), chosen),
    render,
    /** Starts with another conversation. */
    begin() {
      filter.forgetActors();
      rows.clear();
      for (const list of [kinds, actors]) list.replaceChildren();
      render();
    },
  };
}
