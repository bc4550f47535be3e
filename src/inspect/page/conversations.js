/**
 * Shows the lists of conversations: in memory, in the log, waiting for a person, and search results. Reports the chosen
 * conversation to the page.
 */
import { byId, element, onArrows, press } from './element.js';
import { createList } from './list.js';
import { callApi, Fault } from './api.js';
import { createLive, createSearch, createStored, createWaitingList } from './sources.js';

const EVERY_MS = 1000;
/** The subject of a server without auth. */
const ANONYMOUS = 'anonymous';
/** The list reads the next page when its end is this near, in pixels. */
const NEAR_END = 120;

/**
 * @typedef {{ owner: string | null, id: string }} Ref
 * @typedef {'live' | 'log' | 'waiting' | 'search'} Source
 * @typedef {import('./list.js').Entry} Entry
 * @typedef {{ onChoose(ref: Ref, seq: number | null): void, onLink(state: string, why: string): void, onFault(refused: Fault): void }} Listeners
 */

/** @param {Listeners} listeners `seq` is the row of a search result; else null */
export function createConversations({ onChoose, onLink, onFault }) {
  const list = byId('conversations', HTMLUListElement);
  const [search, owner] = [byId('search', HTMLInputElement), byId('owner', HTMLInputElement)];
  const [chips, count, more] = [
    byId('states', HTMLDivElement),
    byId('count', HTMLParagraphElement),
    byId('more', HTMLButtonElement),
  ];
  const tabs = {
    live: byId('source-live', HTMLButtonElement),
    log: byId('source-log', HTMLButtonElement),
    waiting: byId('source-waiting', HTMLButtonElement),
  };
  const find = byId('find', HTMLButtonElement);
  /** @type {Source} */
  let source = 'live';
  /** The list to show after a search. @type {Exclude<Source, 'search'>} */
  let home = 'live';
  let state = '';
  let subject = '';
  let endpoint = '';
  /** @type {{ ref: Ref, seq: number | null } | null} */
  let chosen = null;
  /** @type {number | undefined} */
  let timer;
  /** Counts requests: a response is dropped if a newer request exists. */
  let requests = 0;
  let [live, stored, waiting] = [createLive(callApi, moodOf), createStored(callApi), createWaitingList(callApi)];
  /** @type {ReturnType<typeof createSearch> | null} */
  let found = null;
  let isFirst = true;

  const wanted = () => search.value.trim();
  const chosenOwner = () => owner.value.trim() || null;
  const entries = createList(list, {
    isChosen: ({ owner: of, id, seq }) =>
      chosen !== null &&
      chosen.ref.id === id &&
      (chosen.ref.owner ?? subject) === (of ?? subject) &&
      (source !== 'search' || chosen.seq === seq),
    shownOwner: ({ owner: of }) => (of !== null && of !== subject ? of : null),
    onChoose: ({ owner: of, id, seq }) => choose({ owner: of, id }, seq),
  });

  /** @param {Ref} ref @param {number | null} seq */
  const choose = (ref, seq) => {
    chosen = { ref, seq };
    onChoose(ref, seq);
  };

  /** @param {{ entries: Entry[], hasMore: boolean, note: string }} page */
  const showPage = (page) => {
    entries.show(page.entries);
    count.textContent = page.note;
    more.hidden = !page.hasMore;
    more.textContent = source === 'search' ? 'Search older' : 'More';
  };

  /** @param {Record<string, number>} states @param {number} all */
  const showChips = (states, all) => {
    const known =
      source === 'live' ? Object.entries(states).toSorted(([one], [other]) => one.localeCompare(other)) : [];
    const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset['state'] : undefined;
    const shown = known.length === 0 ? [] : [/** @type {[string, number]} */ (['', all]), ...known];
    chips.replaceChildren(
      ...shown.map(([name, each]) => {
        const chip = element(
          'button',
          { type: 'button', 'data-state': name, 'aria-pressed': String(name === state) },
          name === '' ? 'all' : name.replace('turn.', ''),
          element('small', {}, String(each)),
        );
        chip.addEventListener('click', () => {
          state = name === state ? '' : name;
          void refresh();
        });
        return chip;
      }),
    );
    const again = [...chips.children].find((chip) => chip instanceof HTMLElement && chip.dataset['state'] === focused);
    if (focused !== undefined && again instanceof HTMLElement) again.focus();
  };

  /** @param {number} total */
  const showWaiting = (total) => {
    tabs.waiting.replaceChildren(
      'Waiting',
      ...(total > 0 ? [element('small', { class: 'badge' }, String(total))] : []),
    );
    tabs.waiting.setAttribute('aria-label', `Waiting for a person: ${total}`);
    byId('views-waiting', HTMLElement).textContent = total > 0 ? ` ${total} waiting` : '';
  };

  const refresh = async () => {
    clearTimeout(timer);
    requests += 1;
    const mine = requests;
    const isWanted = () => mine === requests;
    try {
      const {
        list: inMemory,
        all,
        page,
      } = await live.read(source === 'live' ? wanted() : '', source === 'live' ? state : '');
      if (!isWanted()) return;
      ({ subject, chat_endpoint: endpoint } = inMemory);
      showWaiting(inMemory.waiting);
      if (isFirst && all === 0) {
        home = 'log';
        if (source === 'live') show('log');
      }
      isFirst = false;
      if (!isWanted()) return;
      showChips(inMemory.states, all);
      const shown =
        source === 'live'
          ? page
          : source === 'log'
            ? await stored.read(chosenOwner(), wanted())
            : source === 'waiting'
              ? await waiting.read(wanted())
              : null;
      if (!isWanted()) return;
      if (shown) showPage(shown);
      onLink('live', '');
    } catch (error) {
      if (error instanceof Fault && error.status < 500) return onFault(error);
      onLink('away', 'The server does not respond. Retrying.');
    }
    if (isWanted()) timer = setTimeout(refresh, document.hidden ? 5 * EVERY_MS : EVERY_MS);
  };

  const searchOn = async () => {
    if (!found) return;
    const mine = found;
    more.disabled = true;
    count.textContent = 'Searching titles and content…';
    try {
      const page = await mine.read(() => found === mine);
      if (found === mine) showPage(page);
    } catch (error) {
      if (error instanceof Fault && error.status < 500) onFault(error);
      else count.textContent = 'The server does not respond. Press Enter to search again.';
    } finally {
      more.disabled = false;
    }
  };

  /** @param {Source} from */
  const show = (from) => {
    source = from;
    for (const [name, tab] of Object.entries(tabs)) press(tab, name === from);
    if (from !== 'search') {
      found = null;
      home = from;
    }
    // Without auth only one owner exists.
    owner.hidden = (from !== 'log' && from !== 'search') || subject === ANONYMOUS || subject === '';
    if (from !== 'live') chips.replaceChildren();
    void refresh();
  };
  const searchTexts = () => {
    if (wanted() === '') return;
    found = createSearch(callApi, wanted(), chosenOwner());
    entries.show([]);
    list.scrollTop = 0;
    show('search');
    void searchOn();
  };

  for (const [name, tab] of Object.entries(tabs))
    tab.addEventListener('click', () => show(/** @type {Source} */ (name)));
  find.addEventListener('click', searchTexts);
  more.addEventListener('click', () => {
    if (source === 'search') return void searchOn();
    (source === 'live' ? live : source === 'log' ? stored : waiting).more();
    void refresh();
  });
  list.addEventListener('scroll', () => {
    const isNearEnd = list.scrollTop + list.clientHeight > list.scrollHeight - NEAR_END;
    // A search continues only on request: older hits may be far back, or missing.
    if (isNearEnd && !more.hidden && !more.disabled && source !== 'search') more.click();
  });
  owner.addEventListener('input', () => {
    stored = createStored(callApi);
    if (source !== 'search') void refresh();
  });
  search.addEventListener('input', () => {
    find.hidden = wanted() === '';
    if (source === 'search') show(home);
    else void refresh();
  });
  search.addEventListener('keydown', ({ key }) => {
    const id = wanted();
    if (key !== 'Enter' || id === '') return;
    const exact = entries.entries().find((entry) => entry.id === id && entry.seq === null);
    if (exact) return choose({ owner: exact.owner, id }, null);
    searchTexts();
  });
  onArrows(list, (step) => {
    const all = entries.entries();
    const items = [...list.children];
    const at = items.findIndex((item) => item.getAttribute('aria-selected') === 'true');
    const index = Math.min(all.length - 1, Math.max(0, at + step));
    const next = all[index];
    if (!next) return;
    choose({ owner: next.owner, id: next.id }, next.seq);
    items[index]?.scrollIntoView({ block: 'nearest' });
  });

  return {
    refresh,
    /** Path of the chat protocol's WebSocket. */
    endpoint: () => endpoint,
    /** @param {Ref} ref */
    mark(ref) {
      if (chosen?.ref.id !== ref.id || chosen.ref.owner !== ref.owner) chosen = { ref, seq: null };
      entries.mark();
    },
  };
}

/** The class that gives a state its colour. @param {string} state */
export function moodOf(state) {
  if (/(^|\.)(failed|error|timedOut|outcomeUnknown)$/.test(state)) return 'bad';
  if (/waiting|asking/.test(state)) return 'wait';
  if (/^(recovering|activating|backingOff)$|backingOff$|connecting$/.test(state)) return 'wake';
  if (/^(turn|running|cancelling|timingOut|deleting)/.test(state)) return 'busy';
  return /^(ok$|open\.ready)/.test(state) ? 'good' : 'rest';
}
