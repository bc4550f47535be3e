/**
 * Keeps the chosen conversation and event in the page's address, so that Back, Forward and links work. A new conversation
 * adds an entry to the browser's history. A new event replaces the current entry.
 */

/** Browsers refuse addresses that change more often than about 6 times a second. */
const SETTLE_MS = 250;

/** @typedef {{ ref: import('./conversations.js').Ref, at: string | null }} Place `at` is a step's key; null is the newest */

/** The seq of a step that shows a row of the log; null for other steps. @param {string | null} key */
export function seqOfKey(key) {
  const found = key === null ? null : /^log\/.* (\d+)\.\d+$/s.exec(key);
  return found ? Number(found[1]) : null;
}

/** Null if the address names no conversation. @param {string} hash @returns {Place | null} */
export function placeOf(hash) {
  const fields = new URLSearchParams(hash.replace(/^#/, ''));
  const id = fields.get('conversation');
  if (!id) return null;
  const at = fields.get('at');
  return {
    ref: { owner: fields.get('owner'), id },
    at: at !== null && /^\d+\.\d+$|^0$/.test(at) ? `log/${id} ${at}` : at,
  };
}

/** @param {Place} place */
export function hashOf({ ref, at }) {
  const fields = { conversation: ref.id, ...(ref.owner === null ? {} : { owner: ref.owner }) };
  // A row of the log is written as its number.
  return `#${new URLSearchParams({ ...fields, ...(at === null ? {} : { at: at.replace(`log/${ref.id} `, '') }) })}`;
}

/** @param {(place: Place | null) => void} onPlace called for Back, Forward, and typed addresses */
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
