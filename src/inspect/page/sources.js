/**
 * Reads the lists of conversations page by page: those in memory, those of the log, those that wait for a person, and
 * what a search finds. Each source gives all entries that it has read so far. Knows no element of the page.
 */
import { ago } from './times.js';

/**
 * @typedef {import('./list.js').Entry} Entry
 * @typedef {{ entries: Entry[], hasMore: boolean, note: string }} Page
 * @typedef {(name: string, query?: Record<string, string | null>) => Promise<any>} Ask rejects as `ask` of server.js does
 */

/** Conversations in memory that one press of "More" adds. */
const STEP = 200;
/** Steps of a search that follow each other by themselves while too little was found. */
const STEPS_AT_ONCE = 20;
const ENOUGH_HITS = 20;

const nothing = { seq: null, asks: false, place: null, kind: '' };

/** @param {Ask} ask @param {(state: string) => string} moodOf */
export function createLive(ask, moodOf) {
  let limit = STEP;
  return {
    more: () => void (limit += STEP),
    /** @param {string} search @param {string} state */
    async read(search, state) {
      const told = await ask('conversations', { search, state, limit: String(limit) });
      const all = Object.values(told.states).reduce(
        (/** @type {number} */ sum, /** @type {number} */ each) => sum + each,
        0,
      );
      /** @type {Entry[]} */
      const entries = told.conversations.map(
        (
          /** @type {{ owner: string, conversation_id: string, title: string | null, state: string, idle_ms: number, asks: boolean }} */ each,
        ) => ({
          ...nothing,
          owner: each.owner,
          id: each.conversation_id,
          mood: each.asks ? 'wait' : moodOf(each.state),
          title: each.title,
          second: each.asks && moodOf(each.state) !== 'wait' ? `asks a person, ${each.state}` : each.state,
          ago: ago(each.idle_ms),
          asks: each.asks,
        }),
      );
      const fitting =
        state === ''
          ? all
          : Object.entries(told.states).reduce(
              (sum, [name, each]) => (name === state || name.startsWith(`${state}.`) ? sum + each : sum),
              0,
            );
      return {
        told,
        all,
        page: {
          entries,
          hasMore: entries.length < fitting && entries.length === limit,
          note:
            all === 0
              ? 'None in memory. Chat with one, or look into the log.'
              : `${entries.length} of ${all} in memory`,
        },
      };
    },
  };
}

/** @param {Ask} ask */
export function createStored(ask) {
  /** By id; what was read of other pages stays when the newest page is read again. @type {Map<string, Entry & { updatedAt: string }>} */
  const known = new Map();
  /** Below what was read; undefined before the first page. @type {string | null | undefined} */
  let cursor;
  let isMoreWanted = false;

  /** @param {any} each @param {string | null} owner */
  const entryOf = (each, owner) => {
    const mood = each.activity === 'idle' ? 'rest' : each.activity === 'waiting' ? 'wait' : 'busy';
    const second = `${each.message_count} messages${each.activity === 'idle' ? '' : `, ${each.activity}`}`;
    return {
      ...nothing,
      owner,
      id: each.conversation_id,
      mood,
      title: each.title,
      second,
      ago: ago(Date.now() - Date.parse(each.updated_at)),
      asks: each.activity === 'waiting',
      updatedAt: each.updated_at,
    };
  };

  return {
    more: () => void (isMoreWanted = true),
    /** @param {string | null} owner @param {string} search @returns {Promise<Page>} */
    async read(owner, search) {
      const newest = await ask('stored', { owner });
      const oldest = newest.conversations.at(-1)?.updated_at ?? '';
      // What the newest page no longer has, although it would belong there, is deleted.
      for (const [id, { updatedAt }] of known) if (updatedAt >= oldest || newest.next_cursor === null) known.delete(id);
      for (const each of newest.conversations) known.set(each.conversation_id, entryOf(each, owner));
      if (cursor === undefined || newest.next_cursor === null) cursor = newest.next_cursor;
      if (isMoreWanted && typeof cursor === 'string') {
        const next = await ask('stored', { owner, cursor });
        for (const each of next.conversations) known.set(each.conversation_id, entryOf(each, owner));
        cursor = next.next_cursor;
      }
      isMoreWanted = false;
      const wanted = search.toLowerCase();
      const entries = [...known.values()]
        .filter(({ id, title }) => `${id} ${title ?? ''}`.toLowerCase().includes(wanted))
        .toSorted((one, other) => (one.updatedAt < other.updatedAt ? 1 : -1));
      return {
        entries: entries.map(({ updatedAt, ...entry }) => ({ ...entry, ago: ago(Date.now() - Date.parse(updatedAt)) })),
        hasMore: typeof cursor === 'string',
        note: `${entries.length} ${cursor === null ? 'in the log' : 'newest of the log'}`,
      };
    },
  };
}

/** @param {Ask} ask */
export function createWaitingList(ask) {
  let pages = 1;
  return {
    more: () => void (pages += 1),
    /** @param {string} search @returns {Promise<Page>} */
    async read(search) {
      /** @type {Entry[]} */
      const entries = [];
      /** @type {number | null} */
      let offset = 0;
      let total = 0;
      for (let page = 0; page < pages && offset !== null; page += 1) {
        /** @type {any} */
        const told = await ask('waiting', { offset: String(offset) });
        total = told.total;
        for (const each of told.asking)
          entries.push({
            ...nothing,
            owner: each.owner,
            id: each.conversation_id,
            mood: 'wait',
            title: each.title,
            second: each.state,
            ago: ago(each.idle_ms),
            asks: true,
          });
        for (const each of told.conversations) {
          const left = each.until_ms - Date.now();
          entries.push({
            ...nothing,
            owner: each.owner,
            id: each.conversation_id,
            mood: 'wait',
            title: each.title,
            second: left > 0 ? `waits, ${ago(left)} left` : 'waits, time is over',
            ago: ago(Date.now() - Date.parse(each.updated_at)),
            asks: true,
          });
        }
        offset = told.next_offset;
      }
      const wanted = search.toLowerCase();
      const fitting = entries.filter(({ id, title }) => `${id} ${title ?? ''}`.toLowerCase().includes(wanted));
      return {
        entries: fitting,
        hasMore: offset !== null,
        note: total === 0 ? 'None waits for a person.' : `${fitting.length} of ${total} that wait for a person`,
      };
    },
  };
}

/** @param {Ask} ask @param {string} text @param {string | null} owner */
export function createSearch(ask, text, owner) {
  /** @type {Entry[]} */
  const entries = [];
  /** @type {string | null} */
  let cursor = null;
  let note = '';
  let hasMore = false;
  return {
    /** Reads on until something is found, or for a while. @param {() => boolean} isWanted @returns {Promise<Page>} */
    async read(isWanted) {
      const before = entries.length;
      for (let step = 0; step < STEPS_AT_ONCE && isWanted(); step += 1) {
        const told = await ask('search', { text, owner, cursor });
        if (!told.texts)
          return { entries: [], hasMore: false, note: 'Texts cannot be searched: inspect.include_content is off.' };
        for (const hit of told.hits) {
          entries.push({
            ...nothing,
            owner: hit.owner,
            id: hit.conversation_id,
            seq: hit.seq,
            mood: 'rest',
            title: hit.title,
            second: hit.excerpt,
            kind: hit.type.replaceAll('_', ' '),
            ago: hit.timestamp === null ? '' : ago(Date.now() - Date.parse(hit.timestamp)),
            place: [hit.at, hit.at + text.length],
          });
        }
        cursor = told.next_cursor;
        hasMore = cursor !== null;
        note =
          cursor === null
            ? 'all of the log was searched'
            : told.read_back_to === null
              ? 'titles searched so far'
              : `searched back to ${ago(Date.now() - Date.parse(told.read_back_to))} ago`;
        if (!hasMore || entries.length - before >= ENOUGH_HITS) break;
      }
      // The id of a conversation that was found nowhere can be opened all the same.
      const asId = /\s/.test(text)
        ? []
        : [{ ...nothing, owner, id: text, mood: 'rest', title: null, second: 'open as an id', ago: '' }];
      return {
        entries: [...entries, ...asId],
        hasMore,
        note: `${entries.length} ${entries.length === 1 ? 'place' : 'places'} found; ${note}`,
      };
    },
  };
}
