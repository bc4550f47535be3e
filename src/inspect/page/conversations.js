/**
 * The list of conversations: those in memory, asked for again and again, or those in the log, page by page. Tells
 * which one was chosen; knows nothing of what is shown of it.
 */
import { byId, element, onArrows, press } from './element.js';
import { ask, Refused } from './server.js';
import { ago } from './times.js';

const EVERY_MS = 1000;
/** The subject of a server without auth. */
const NOBODY = 'anonymous';

/**
 * @typedef {{ owner: string | null, id: string }} Ref
 * @typedef {{ onChoose(ref: Ref, source: 'live' | 'log'): void, onLink(state: string, why: string): void, onRefused(refused: Refused): void }} Listeners
 */

/** @param {Listeners} listeners */
export function createConversations({ onChoose, onLink, onRefused }) {
  const list = byId('conversations', HTMLUListElement);
  const [search, owner] = [byId('search', HTMLInputElement), byId('owner', HTMLInputElement)];
  const chips = byId('states', HTMLDivElement);
  const count = byId('count', HTMLParagraphElement);
  const [inMemory, inLog] = [byId('source-live', HTMLButtonElement), byId('source-log', HTMLButtonElement)];
  /** @type {'live' | 'log'} */
  let source = 'live';
  let state = '';
  let subject = '';
  /** @type {Ref | null} */
  let chosen = null;
  /** @type {number | undefined} */
  let timer;
  /** Answers that come after a newer question are dropped. */
  let asked = 0;

  /** @param {Ref} ref */
  const isChosen = (ref) => chosen !== null && chosen.id === ref.id && (chosen.owner ?? subject) === (ref.owner ?? subject);

  /** @param {Ref} ref @param {string} mood @param {string} first @param {string} second */
  const entry = (ref, mood, first, second) => {
    const item = element('li', { role: 'option', 'data-id': ref.id, 'data-owner': ref.owner ?? '', 'aria-selected': String(isChosen(ref)) },
      element('span', { class: `dot ${mood}`, 'aria-hidden': 'true' }),
      element('span', { class: 'id' }, ref.id, ...(ref.owner !== null && ref.owner !== subject ? [element('small', {}, ` of ${ref.owner}`)] : [])),
      element('span', { class: 'state' }, first),
      element('span', { class: 'ago' }, second));
    item.addEventListener('click', () => onChoose(ref, source));
    return item;
  };

  const showLive = async () => {
    const { conversations, states, ...told } = await ask('conversations', { search: search.value.trim(), state });
    subject = told.subject;
    /** @type {[string, number][]} */
    const known = Object.entries(states);
    const all = known.reduce((sum, [, each]) => sum + each, 0);
    list.replaceChildren(...conversations.map((/** @type {{ owner: string, conversation_id: string, state: string, idle_ms: number }} */ each) =>
      entry({ owner: each.owner, id: each.conversation_id }, moodOf(each.state), each.state, ago(each.idle_ms))));
    showChips(known.toSorted(([one], [other]) => one.localeCompare(other)), all);
    count.textContent = all === 0 ? 'None in memory. Chat with one, or look into the log.' : `${conversations.length} of ${all} in memory`;
  };

  const showStored = async () => {
    const whose = owner.value.trim() || null;
    const { conversations, next_cursor: next } = await ask('stored', { owner: whose });
    const wanted = search.value.trim().toLowerCase();
    const fitting = conversations.filter((/** @type {{ conversation_id: string, title: string | null }} */ each) => `${each.conversation_id} ${each.title ?? ''}`.toLowerCase().includes(wanted));
    list.replaceChildren(...fitting.map((/** @type {{ conversation_id: string, title: string | null, updated_at: string, message_count: number, activity: string }} */ each) =>
      entry({ owner: whose, id: each.conversation_id }, each.activity === 'idle' ? 'rest' : each.activity === 'waiting' ? 'wait' : 'busy', each.title ?? `${each.message_count} messages, ${each.activity}`, ago(Date.now() - Date.parse(each.updated_at)))));
    chips.replaceChildren();
    count.textContent = `${fitting.length} ${next === null ? 'in the log' : 'newest of the log; Enter opens any other id'}`;
  };

  /** @param {[string, number][]} known @param {number} all */
  const showChips = (known, all) => {
    const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset['state'] : undefined;
    chips.replaceChildren(...[/** @type {[string, number]} */ (['', all]), ...known].map(([name, each]) => {
      const chip = element('button', { type: 'button', 'data-state': name, 'aria-pressed': String(name === state) }, name === '' ? 'all' : name.replace('turn.', ''), element('small', {}, String(each)));
      chip.addEventListener('click', () => {
        state = name === state ? '' : name;
        void refresh();
      });
      return chip;
    }));
    const again = [...chips.children].find((chip) => chip instanceof HTMLElement && chip.dataset['state'] === focused);
    if (focused !== undefined && again instanceof HTMLElement) again.focus();
  };

  const refresh = async () => {
    clearTimeout(timer);
    asked += 1;
    const mine = asked;
    try {
      await (source === 'live' ? showLive() : showStored());
      onLink('live', '');
    } catch (error) {
      if (error instanceof Refused && error.status < 500) return onRefused(error);
      onLink('away', 'The server does not answer; trying again.');
    }
    if (mine === asked) timer = setTimeout(refresh, document.hidden ? 5 * EVERY_MS : EVERY_MS);
  };

  /** @param {'live' | 'log'} from */
  const choose = (from) => {
    source = from;
    press(inMemory, from === 'live');
    press(inLog, from === 'log');
    // Where nobody is asked who they are, there is one owner.
    owner.hidden = from === 'live' || subject === NOBODY;
    void refresh();
  };
  inMemory.addEventListener('click', () => choose('live'));
  inLog.addEventListener('click', () => choose('log'));
  for (const input of [search, owner]) input.addEventListener('input', () => void refresh());
  search.addEventListener('keydown', ({ key }) => {
    const id = search.value.trim();
    if (key !== 'Enter' || id === '') return;
    const fitting = [...list.children].filter((item) => item.getAttribute('data-id')?.includes(id));
    const found = fitting.find((item) => item.getAttribute('data-id') === id) ?? (fitting.length === 1 ? fitting[0] : undefined);
    onChoose(found ? refOf(found) : { owner: source === 'log' ? owner.value.trim() || null : null, id }, found ? source : 'log');
  });
  onArrows(list, (step) => {
    const items = [...list.children];
    const at = items.findIndex((item) => item.getAttribute('aria-selected') === 'true');
    const next = items[Math.min(items.length - 1, Math.max(0, at + step))];
    if (next) onChoose(refOf(next), source);
  });

  return {
    refresh,
    /** @param {Ref} ref */
    mark(ref) {
      chosen = ref;
      for (const item of list.children) item.setAttribute('aria-selected', String(isChosen(refOf(item))));
    },
  };
}

/** @param {Element} item @returns {Ref} */
function refOf(item) {
  return { owner: item.getAttribute('data-owner') || null, id: item.getAttribute('data-id') ?? '' };
}

/** What a state is like, for its colour. @param {string} state */
export function moodOf(state) {
  if (/(^|\.)(failed|error|timedOut|outcomeUnknown)$/.test(state)) return 'bad';
  if (/waiting|asking/.test(state)) return 'wait';
  if (/^(recovering|activating|backingOff)$|backingOff$|connecting$/.test(state)) return 'wake';
  if (/^(turn|running|cancelling|timingOut|deleting)/.test(state)) return 'busy';
  return /^(ok$|open\.ready)/.test(state) ? 'good' : 'rest';
}
