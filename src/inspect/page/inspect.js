/**
 * The page: puts its parts together, remembers in the address what is looked at, and hears the keys.
 */
import { createConversations } from './conversations.js';
import { byId, press } from './element.js';
import { createEvents } from './events.js';
import { onKeys } from './keys.js';
import { ask, follow, Refused, token } from './server.js';
import { createSplitters } from './splitters.js';
import { createStage } from './stage.js';
import { createTheme } from './theme.js';
import { createTimeline } from './timeline.js';

/** @typedef {import('./conversations.js').Ref} Ref */

const link = byId('link', HTMLParagraphElement);
const [modeLive, modeLog, stately] = [byId('mode-live', HTMLButtonElement), byId('mode-log', HTMLButtonElement), byId('stately', HTMLButtonElement)];
const earlier = byId('earlier', HTMLButtonElement);
const [door, help] = [byId('door', HTMLDialogElement), byId('help', HTMLDialogElement)];

createTheme(byId('theme', HTMLButtonElement));
createSplitters();

/** @param {string} state @param {string} why */
function showLink(state, why) {
  const words = { live: 'connected', away: 'reconnecting', refused: 'refused' };
  link.textContent = words[/** @type {keyof typeof words} */ (state)] ?? state;
  link.title = why;
  link.className = `pill ${state}`;
}

/** Asks for a token; whoever has given one starts anew with it. @param {string} why */
function askWho(why) {
  showLink('refused', why);
  byId('door-why', HTMLParagraphElement).textContent = why;
  if (!door.open) door.showModal();
}
door.addEventListener('close', () => {
  token.set(byId('token', HTMLInputElement).value.trim());
  location.reload();
});

/** @param {string} view */
function show(view) {
  document.body.dataset['view'] = view;
  for (const button of document.querySelectorAll('[data-show]')) button.setAttribute('aria-current', String(button.getAttribute('data-show') === view));
  // What was hidden had no place to scroll to.
  events.update();
}
for (const button of document.querySelectorAll('[data-show]')) button.addEventListener('click', () => show(button.getAttribute('data-show') ?? 'list'));

const timeline = createTimeline();
/** @type {ReturnType<typeof createStage> | null} */
let stage = null;
/** @type {(() => void) | null} */
let unfollow = null;
/** What is looked at. @type {{ ref: Ref, mode: 'live' | 'log' } | null} */
let looking = null;

const events = createEvents({ steps: timeline.steps, onShow: (step) => stage?.show(step?.actors ?? new Map()) });
const conversations = createConversations({
  onChoose: (ref, source) => look(ref, source),
  onLink: (state, why) => looking?.mode !== 'live' && showLink(state, why),
  onRefused: askWho,
});

/** Chosen before the charts were there. @type {{ ref: Ref, mode: 'live' | 'log' } | null} */
let wish = null;

/** @param {Ref} ref @param {'live' | 'log'} mode */
function look(ref, mode) {
  if (!stage) {
    wish = { ref, mode };
    byId('sentence', HTMLParagraphElement).textContent = 'The charts are being drawn.';
    return conversations.mark(ref);
  }
  unfollow?.();
  unfollow = null;
  looking = { ref, mode };
  history.replaceState(null, '', `#${new URLSearchParams({ conversation: ref.id, ...(ref.owner === null ? {} : { owner: ref.owner }), ...(mode === 'log' ? { from: 'log' } : {}) })}`);
  byId('name', HTMLHeadingElement).textContent = ref.id;
  conversations.mark(ref);
  for (const button of [modeLive, modeLog, stately]) button.disabled = false;
  press(modeLive, mode === 'live');
  press(modeLog, mode === 'log');
  earlier.hidden = true;
  timeline.clear();
  stage.begin();
  events.begin(true);
  show('chart');
  if (mode === 'live') followLive(ref);
  else void replay(ref, null);
}

/** @param {Ref} ref */
function followLive(ref) {
  let wasAway = false;
  unfollow = follow(ref, {
    onMessage(message) {
      if (timeline.add(message)) events.update();
    },
    onLink(state, why) {
      showLink(state, why);
      if (state === 'refused') askWho(why);
      // One mark for an absence, however many times it tries to come back.
      if (state === 'away' && !wasAway) timeline.breakAt('the server is away', Date.now());
      if (state === 'live' && wasAway) timeline.breakAt('the server is back', Date.now());
      wasAway = state === 'away';
      events.update();
    },
  });
}

/** What of the log is shown, and what there is before it. @type {{ messages: import('./timeline.js').Message[], standing: string | null, before: number | null }} */
let piece = { messages: [], standing: null, before: null };

/** The newest rows, or those before the ones that are shown. @param {Ref} ref @param {number | null} before */
async function replay(ref, before) {
  const sentence = byId('sentence', HTMLParagraphElement);
  try {
    const told = await ask('replay', { conversation: ref.id, owner: ref.owner, before: before === null ? null : String(before) });
    if (looking?.ref !== ref) return;
    piece = { messages: [...told.messages, ...(before === null ? [] : piece.messages)], standing: before === null ? told.standing : piece.standing, before: told.before_seq };
    timeline.clear();
    for (const message of piece.messages) timeline.add(message);
    const last = timeline.steps().at(-1);
    if (last && piece.standing !== null && piece.standing !== 'idle') timeline.breakAt(`the log ends here: ${piece.standing}`, last.atMs);
    earlier.hidden = piece.before === null;
    events.begin(before === null);
  } catch (error) {
    if (error instanceof Refused && error.status !== 404) return askWho(error.message);
    sentence.textContent = error instanceof Refused ? 'The log knows no conversation of this id.' : 'The server does not answer.';
  }
}

earlier.addEventListener('click', () => looking && void replay(looking.ref, piece.before));
modeLive.addEventListener('click', () => looking && look(looking.ref, 'live'));
modeLog.addEventListener('click', () => looking && look(looking.ref, 'log'));
stately.addEventListener('click', () => {
  // In the same words as this page's own address; the new tab gets the token with the session.
  window.open(`/inspect/stately${location.hash}`);
});
byId('help-open', HTMLButtonElement).addEventListener('click', () => help.showModal());

/** @param {string} id */
const clicks = (id) => () => byId(id, HTMLButtonElement).click();
onKeys({
  '/': () => {
    show('list');
    byId('search', HTMLInputElement).select();
  },
  'ArrowLeft': () => events.move(-1),
  'ArrowRight': () => events.move(1),
  'Home': () => events.jump('first'),
  'End': () => events.jump('now'),
  ' ': events.toggle,
  'l': clicks('labels'),
  'w': clicks('fit'),
  'f': clicks('follow'),
  '+': clicks('zoom-in'),
  '=': clicks('zoom-in'),
  '-': clicks('zoom-out'),
  'Shift+ArrowLeft': () => stage?.moveBy(-1, 0),
  'Shift+ArrowRight': () => stage?.moveBy(1, 0),
  'Shift+ArrowUp': () => stage?.moveBy(0, -1),
  'Shift+ArrowDown': () => stage?.moveBy(0, 1),
  'r': () => (looking?.mode === 'live' ? modeLog : modeLive).click(),
  '?': () => help.showModal(),
}, byId('conversations', HTMLUListElement));

async function begin() {
  void conversations.refresh();
  const { charts } = await ask('charts');
  stage = createStage(charts);
  const wanted = new URLSearchParams(location.hash.slice(1));
  const id = wanted.get('conversation');
  if (wish) look(wish.ref, wish.mode);
  else if (id) look({ owner: wanted.get('owner'), id }, wanted.get('from') === 'log' ? 'log' : 'live');
}
show('list');
begin().catch((error) => {
  if (error instanceof Refused) askWho(error.message);
  else showLink('away', String(error));
});
