/**
 * The page: puts its parts together, follows a conversation or replays it from the log.
 */
import { createAddress, placeOf } from './address.js';
import { createConversations } from './conversations.js';
import { byId, press } from './element.js';
import { createEvents } from './events.js';
import { createFilterPanel } from './filter-panel.js';
import { onKeys } from './keys.js';
import { tellChosen } from './listbox.js';
import { ask, follow, Refused } from './server.js';
import { createSignIn } from './sign-in.js';
import { createSplitters } from './splitters.js';
import { createStage } from './stage.js';
import { createTheme } from './theme.js';
import { createTimeline } from './timeline.js';

/** @typedef {import('./conversations.js').Ref} Ref */

const link = byId('link', HTMLParagraphElement);
const [modeLive, modeLog, stately] = [byId('mode-live', HTMLButtonElement), byId('mode-log', HTMLButtonElement), byId('stately', HTMLButtonElement)];
const earlier = byId('earlier', HTMLButtonElement);
const help = byId('help', HTMLDialogElement);
const signIn = createSignIn();
const START_AGAIN_MS = 1000;
/** Pieces of the log that are read for the event of a link. */
const MOST_PIECES = 4;

createTheme(byId('theme', HTMLButtonElement));
createSplitters();
tellChosen(byId('conversations', HTMLUListElement));
tellChosen(byId('steps', HTMLOListElement));

/** @param {string} state @param {string} why */
function showLink(state, why) {
  const words = { live: 'connected', away: 'reconnecting', refused: 'refused' };
  link.textContent = words[/** @type {keyof typeof words} */ (state)] ?? state;
  link.title = why;
  link.className = `pill ${state}`;
}

/** @param {Refused} refused */
function onRefused(refused) {
  showLink('refused', refused.message);
  signIn(refused);
}

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

const filter = createFilterPanel({ steps: timeline.steps, onChange: () => events.update() });
const events = createEvents({
  steps: filter.visible,
  onShow(step, chosen) {
    // What the filter hides has happened all the same.
    const shown = chosen === null ? timeline.steps().at(-1) : step;
    stage?.show(shown?.actors ?? new Map());
    filter.render();
    if (looking) address.note({ ...looking, at: chosen });
  },
});
const conversations = createConversations({
  onChoose: (ref, source) => look(ref, source),
  onLink: (state, why) => looking?.mode !== 'live' && showLink(state, why),
  onRefused,
});
const address = createAddress((place) => {
  if (!place) return location.reload();
  const isSame = looking?.mode === place.mode && looking.ref.id === place.ref.id && looking.ref.owner === place.ref.owner;
  if (isSame) events.choose(place.at);
  else look(place.ref, place.mode, place.at);
});

/** Chosen before the charts were there. @type {import('./address.js').Place | null} */
let wish = null;

/** @param {Ref} ref @param {'live' | 'log'} mode @param {string | null} [at] the key of a step; null for the newest */
function look(ref, mode, at = null) {
  address.visit({ ref, mode, at });
  document.title = `${ref.id}${mode === 'log' ? ' from the log' : ''} · Parley inspector`;
  byId('name', HTMLHeadingElement).textContent = ref.id;
  if (!stage) {
    wish = { ref, mode, at };
    byId('sentence', HTMLParagraphElement).textContent = 'The charts are being drawn.';
    return conversations.mark(ref);
  }
  unfollow?.();
  unfollow = null;
  const isOther = looking?.ref.id !== ref.id || looking.ref.owner !== ref.owner;
  looking = { ref, mode };
  conversations.mark(ref);
  for (const button of [modeLive, modeLog, stately]) button.disabled = false;
  press(modeLive, mode === 'live');
  press(modeLog, mode === 'log');
  earlier.hidden = true;
  timeline.clear();
  stage.begin(isOther);
  notice('');
  filter.begin();
  events.begin(true, at);
  show('chart');
  if (mode === 'live') followLive(ref);
  else void replay(ref, null, at);
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
      if (state === 'refused') onRefused(new Refused(403, why));
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

/** Above the events. @param {string} words none hide it */
function notice(words) {
  const line = byId('notice', HTMLParagraphElement);
  line.textContent = words;
  line.hidden = words === '';
}

/**
 * The newest rows, or those before the ones that are shown; with `at`, as far back as that step.
 * @param {Ref} ref @param {number | null} before @param {string | null} [at] @param {number} [pieces]
 */
async function replay(ref, before, at = null, pieces = MOST_PIECES) {
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
    const isMissing = at !== null && !timeline.steps().some(({ key }) => key === at);
    if (isMissing && piece.before !== null && pieces > 1) return replay(ref, piece.before, at, pieces - 1);
    if (isMissing) notice('The event of this link is not among these rows; the newest is shown.');
    events.begin(before === null || at !== null, isMissing ? null : at);
  } catch (error) {
    if (error instanceof Refused && error.status !== 404) return onRefused(error);
    sentence.textContent = error instanceof Refused ? 'The log knows no conversation of this id.' : 'The server does not answer.';
  }
}

earlier.addEventListener('click', () => {
  notice('');
  if (looking) void replay(looking.ref, piece.before);
});
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
  const { charts } = await ask('charts');
  stage = createStage(charts);
  if (wish) look(wish.ref, wish.mode, wish.at);
}
function start() {
  begin().catch((error) => {
    if (error instanceof Refused && error.status < 500) return onRefused(error);
    showLink('away', String(error));
    setTimeout(start, START_AGAIN_MS);
  });
}
show('list');
void conversations.refresh();
const linked = placeOf(location.hash);
if (linked) look(linked.ref, linked.mode, linked.at);
start();
