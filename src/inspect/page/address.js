/**
 * Keeps in the page's address which conversation and which event is looked at, so that Back, Forward and links work.
 * Another conversation is a new entry of the history; another event changes the entry.
 */

/** Browsers refuse addresses that change more often than about 6 times a second. */
const SETTLE_MS = 250;

/** @typedef {{ ref: import('./conversations.js').Ref, at: string | null }} Place `at` is a step's key; null is the newest */

/** The row that a step stands for, by its key; null for another step. @param {string | null} key */
export function seqOfKey(key) {
  const found = key === null ? null : /^log\/.* (\d+)\.\d+$/s.exec(key);
  return found ? Number(found[1]) : null;
}

/** Null where the address names no conversation. @param {string} hash @returns {Place | null} */
export function placeOf(hash) {
  const words = new URLSearchParams(hash.replace(/^#/, ''));
  const id = words.get('conversation');
  if (!id) return null;
  const at = words.get('at');
  return {
    ref: { owner: words.get('owner'), id },
    at: at !== null && /^\d+\.\d+$|^0$/.test(at) ? `log/${id} ${at}` : at,
  };
}

/** @param {Place} place */
export function hashOf({ ref, at }) {
  const words = { conversation: ref.id, ...(ref.owner === null ? {} : { owner: ref.owner }) };
  // A row of the log goes by its number.
  return `#${new URLSearchParams({ ...words, ...(at === null ? {} : { at: at.replace(`log/${ref.id} `, '') }) })}`;
}

/** @param {(place: Place | null) => void} onPlace Back, Forward, or an address that was typed */
export function createAddress(onPlace) {
  /** @type {number | undefined} */
  let timer;
  /** Not written yet. @type {Place | null} */
  let pending = null;

  const write = () => {
    clearTimeout(timer);
    if (pending && hashOf(pending) !== location.hash) history.replaceState(null, '', hashOf(pending));
    pending = null;
  };
  addEventListener('popstate', () => {
    clearTimeout(timer);
    pending = null;
    onPlace(placeOf(location.hash));
  });

  return {
    /** A conversation was chosen. @param {Place} place */
    visit(place) {
      write();
      const now = placeOf(location.hash);
      const isSame = now !== null && hashOf({ ...now, at: null }) === hashOf({ ...place, at: null });
      if (!isSame) history.pushState(null, '', hashOf(place));
    },
    /** An event of it was chosen. @param {Place} place */
    note(place) {
      pending = place;
      clearTimeout(timer);
      timer = setTimeout(write, SETTLE_MS);
    },
  };
}
