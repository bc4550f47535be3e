/**
 * Reads the lists of conversations page by page: in memory, in the log, waiting for a person, and search results. Each
 * source returns all entries that it has read so far. Uses no elements.
 */
import { ago } from './times.js';

/**
 * @typedef {import('./list.js').Entry} Entry
 * @typedef {{ entries: Entry[], hasMore: boolean, note: string }} Page
 * @typedef {(name: string, query?: Record<string, string | null>) => Promise<any>} CallApi rejects as `callApi` of api.js does
 */

/** Conversations in memory that "More" adds. */
const STEP = 200;
/** Most search steps in a row while fewer than ENOUGH_HITS are found. */
const STEPS_AT_ONCE = 20;
const ENOUGH_HITS = 20;

const nothing = { seq: null, needsPerson: false, place: null, kind: '' };

/** @param {CallApi} callApi @param {(state: string) => string} moodOf */
export function createLive(callApi, moodOf) {
  let limit = STEP;
  return {
    more: () => void (limit += STEP),
    /** @param {string} search @param {string} state */
    async read(search, state) {
      const list = await callApi('conversations', { search, state, limit: String(limit) });
      const all = Object.values(list.states).reduce(
        (/** @type {number} */ sum, /** @type {number} */ each) => sum + each,
        0,
      );
      /** @type {Entry[]} */
      const entries = list.conversations.map(
        (
          /** @type {{ owner: string, conversation_id: string, title: string | null, state: string, idle_ms: number, has_open_interrupt: boolean }} */ each,
        ) => ({
          ...nothing,
          owner: each.owner,
          id: each.conversation_id,
          mood: each.has_open_interrupt ? 'wait' : moodOf(each.state),
          title: each.title,
          second:
            each.has_open_interrupt && moodOf(each.state) !== 'wait' ? `waits for a person, ${each.state}` : each.state,
          ago: ago(each.idle_ms),
          needsPerson: each.has_open_interrupt,
        }),
      );
      const fitting =
        state === ''
          ? all
          : Object.entries(list.states).reduce(
              (sum, [name, each]) => (name === state || name.startsWith(`${state}.`) ? sum + each : sum),
              0,
            );
      return {
        list,
        all,
        page: {
          entries,
          hasMore: entries.length < fitting && entries.length === limit,
          note:
            all === 0
              ? 'No conversation in memory. See the log, or start a chat.'
              : `${entries.length} of ${all} in memory`,
        },
      };
    },
  };
}

/** @param {CallApi} callApi */
export function createStored(callApi) {
  /** By id. Entries of older pages stay when the newest page is read again. @type {Map<string, Entry & { updatedAt: string }>} */
  const known = new Map();
  /** Cursor of the next older page; undefined before the first. @type {string | null | undefined} */
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
      needsPerson: each.activity === 'waiting',
      updatedAt: each.updated_at,
    };
  };

  return {
    more: () => void (isMoreWanted = true),
    /** @param {string | null} owner @param {string} search @returns {Promise<Page>} */
    async read(owner, search) {
      const newest = await callApi('stored', { owner });
      const oldest = newest.conversations.at(-1)?.updated_at ?? '';
      // An entry that belongs on the newest page but is missing there was deleted.
      for (const [id, { updatedAt }] of known) if (updatedAt >= oldest || newest.next_cursor === null) known.delete(id);
      for (const each of newest.conversations) known.set(each.conversation_id, entryOf(each, owner));
      if (cursor === undefined || newest.next_cursor === null) cursor = newest.next_cursor;
      if (isMoreWanted && typeof cursor === 'string') {
        const next = await callApi('stored', { owner, cursor });
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
        note: cursor === null ? `${entries.length} in the log` : `The ${entries.length} newest in the log`,
      };
    },
  };
}

/** @param {CallApi} callApi */
export function createWaitingList(callApi) {
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
        const list = await callApi('waiting', { offset: String(offset) });
        total = list.total;
        for (const each of list.busy)
          entries.push({
            ...nothing,
            owner: each.owner,
            id: each.conversation_id,
            mood: 'wait',
            title: each.title,
            second: each.state,
            ago: ago(each.idle_ms),
            needsPerson: true,
          });
        for (const each of list.conversations) {
          const left = each.until_ms - Date.now();
          entries.push({
            ...nothing,
            owner: each.owner,
            id: each.conversation_id,
            mood: 'wait',
            title: each.title,
            second: left > 0 ? `waiting, ${ago(left)} left` : 'waiting, time is up',
            ago: ago(Date.now() - Date.parse(each.updated_at)),
            needsPerson: true,
          });
        }
        offset = list.next_offset;
      }
      const wanted = search.toLowerCase();
      const fitting = entries.filter(({ id, title }) => `${id} ${title ?? ''}`.toLowerCase().includes(wanted));
      return {
        entries: fitting,
        hasMore: offset !== null,
        note:
          total === 0 ? 'No conversation waits for a person.' : `${fitting.length} of ${total} waiting for a person`,
      };
    },
  };
}

/** @param {CallApi} callApi @param {string} text @param {string | null} owner */
export function createSearch(callApi, text, owner) {
  /** @type {Entry[]} */
  const entries = [];
  /** @type {string | null} */
  let cursor = null;
  let note = '';
  let hasMore = false;
  return {
    /** Reads until enough hits are found, or STEPS_AT_ONCE steps are done. @param {() => boolean} isWanted @returns {Promise<Page>} */
    async read(isWanted) {
      const before = entries.length;
      for (let step = 0; step < STEPS_AT_ONCE && isWanted(); step += 1) {
        const found = await callApi('search', { text, owner, cursor });
        if (!found.include_content)
          return { entries: [], hasMore: false, note: 'Search is off: inspect.include_content is false.' };
        for (const hit of found.hits) {
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
        cursor = found.next_cursor;
        hasMore = cursor !== null;
        note =
          cursor === null
            ? 'the whole log was searched'
            : found.read_back_to === null
              ? 'only titles searched so far'
              : `searched back to ${ago(Date.now() - Date.parse(found.read_back_to))} ago`;
        if (!hasMore || entries.length - before >= ENOUGH_HITS) break;
      }
      // The text may be the id of a conversation that no list contains.
      const asId = /\s/.test(text)
        ? []
        : [{ ...nothing, owner, id: text, mood: 'rest', title: null, second: 'open by this id', ago: '' }];
      return {
        entries: [...entries, ...asId],
        hasMore,
        note: `${entries.length} ${entries.length === 1 ? 'match' : 'matches'}; ${note}`,
      };
    },
  };
}
