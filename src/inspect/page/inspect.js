/**
 * The page: puts its parts together, and shows a conversation from its past in the log to what happens now.
 */
import { createAddress, placeOf, seqOfKey } from './address.js';
import { createConversations } from './conversations.js';
import { createDetail } from './detail.js';
import { byId, press, tellChosen } from './element.js';
import { createEvents, readable } from './events.js';
import { createFilterPanel } from './filter-panel.js';
import { onKeys } from './keys.js';
import { createRecord } from './record.js';
import { ask, follow, Refused } from './api.js';
import { createSignIn } from './sign-in.js';
import { createSplitters } from './splitters.js';
import { createStage } from './stage.js';
import { createTheme } from './theme.js';
import { createTimeline } from './steps.js';
import { createTrace } from './trace.js';
import { createWaiting } from './interrupts.js';

/** @typedef {import('./conversations.js').Ref} Ref */

const link = byId('link', HTMLParagraphElement);
const [paneChart, paneTrace, stately] = [
  byId('pane-chart', HTMLButtonElement),
  byId('pane-trace', HTMLButtonElement),
  byId('stately', HTMLButtonElement),
];
const [earlier, newest] = [byId('earlier', HTMLButtonElement), byId('newest', HTMLButtonElement)];
const help = byId('help', HTMLDialogElement);
const signIn = createSignIn();
const START_AGAIN_MS = 1000;

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
  for (const button of document.querySelectorAll('[data-show]'))
    button.setAttribute('aria-current', String(button.getAttribute('data-show') === view));
  // What was hidden had no place to scroll to.
  events.update();
}
for (const button of document.querySelectorAll('[data-show]'))
  button.addEventListener('click', () => show(button.getAttribute('data-show') ?? 'list'));

const timeline = createTimeline();
/** @type {ReturnType<typeof createStage> | null} */
let stage = null;
/** @type {(() => void) | null} */
let unfollow = null;
/** What is looked at. @type {{ ref: Ref, record: ReturnType<typeof createRecord> } | null} */
let looking = null;

/** Why there is nothing of the conversation that is looked at. */
let trouble = '';

const rows = () => looking?.record.rows() ?? [];
const detail = createDetail({
  readable,
  async askRow(seq) {
    const { row } = await ask('row', {
      conversation: looking?.ref.id ?? null,
      owner: looking?.ref.owner ?? null,
      seq: String(seq),
    });
    return row;
  },
});
const filter = createFilterPanel({ steps: timeline.steps, onChange: () => events.update() });
const events = createEvents({
  steps: filter.visible,
  onShow(step, chosen) {
    // What the filter hides has happened all the same.
    const shown = chosen === null ? timeline.steps().at(-1) : step;
    stage?.show(shown?.actors ?? new Map());
    if (trouble !== '') byId('sentence', HTMLParagraphElement).textContent = trouble;
    filter.render();
    if (looking) address.note({ ref: looking.ref, at: chosen });
  },
  onDetail: detail.show,
  textOf(seq) {
    const row = rows().find((each) => each.seq === seq);
    return row ? [row.text ?? row.name, row.outcome].filter((words) => words !== null).join(' · ') || null : null;
  },
  onTop: () => void earlierRows(),
});
const trace = createTrace({
  rows,
  steps: timeline.steps,
  hasEarlier: () => looking?.record.hasEarlier() ?? false,
  onEarlier: () => void earlierRows(),
  onPick(seq) {
    // On a narrow screen one panel is in view at a time.
    show('events');
    pick(seq);
  },
});
const conversations = createConversations({
  onChoose: (ref, seq) => look(ref, null, seq),
  onLink: (state, why) => !looking && showLink(state, why),
  onRefused,
});
const waiting = createWaiting({ endpoint: conversations.endpoint });
const address = createAddress((place) => {
  if (!place) return location.reload();
  const isSame = looking?.ref.id === place.ref.id && looking.ref.owner === place.ref.owner;
  if (isSame) void goTo(place.at);
  else look(place.ref, place.at);
});

/** Chosen before the charts were there. @type {import('./address.js').Place & { seq: number | null } | null} */
let wish = null;

/** @param {Ref} ref @param {string | null} [at] the key of a step; null for the newest @param {number | null} [seq] a row that a search has found */
function look(ref, at = null, seq = null) {
  const isOther = looking?.ref.id !== ref.id || looking.ref.owner !== ref.owner;
  if (!isOther && seq !== null) {
    show(document.body.classList.contains('tracing') ? 'chart' : 'events');
    return pick(seq);
  }
  const place = at ?? (seq === null ? null : keyOf(ref, seq));
  address.visit({ ref, at: place });
  document.title = `${ref.id} · Parley inspector`;
  byId('name', HTMLHeadingElement).textContent = ref.id;
  if (!stage) {
    wish = { ref, at, seq };
    byId('sentence', HTMLParagraphElement).textContent = 'The charts are being drawn.';
    return conversations.mark(ref);
  }
  unfollow?.();
  const record = createRecord({
    conversationId: ref.id,
    timeline,
    ask: (query) => ask('replay', { conversation: ref.id, owner: ref.owner, ...query }),
    askRows: (after) =>
      ask('rows', { conversation: ref.id, owner: ref.owner, after: String(after) }).catch((error) => {
        if (error instanceof Refused && error.status === 404) return { rows: [], head_seq: 0 };
        throw error;
      }),
    onChange() {
      if (looking?.record !== record) return;
      showEnds(record);
      events.update();
      trace.update();
    },
    onNews(news) {
      if (looking?.record !== record) return;
      trouble = '';
      waiting.onNews(news);
    },
    onFailure(error) {
      if (looking?.record === record) onFailure(error);
    },
  });
  looking = { ref, record };
  trouble = '';
  conversations.mark(ref);
  stately.disabled = false;
  timeline.clear();
  stage.begin(isOther);
  detail.begin();
  trace.begin();
  waiting.begin(ref);
  notice('');
  filter.begin();
  showEnds(record);
  events.begin(true, place);
  show(seq === null ? 'chart' : 'events');
  unfollow = followLive(ref, record);
  void record.begin().then(() => (looking?.record === record && place !== null ? goTo(place) : undefined));
}

/** @param {Ref} ref @param {ReturnType<typeof createRecord>} record */
function followLive(ref, record) {
  let wasAway = false;
  return follow(ref, {
    onMessage: record.live,
    onLink(state, why) {
      showLink(state, why);
      if (state === 'refused') onRefused(new Refused(403, why));
      // One mark for an absence, however many times it tries to come back.
      if (state === 'away' && !wasAway) record.breakAt('the server is away', Date.now());
      if (state === 'live' && wasAway) {
        record.breakAt('the server is back', Date.now());
        // What was committed meanwhile, and what is asked now.
        void record.catchUp();
        void waiting.refresh();
      }
      wasAway = state === 'away';
    },
  });
}

/** Above the events. @param {string} words none hide it */
function notice(words) {
  const line = byId('notice', HTMLParagraphElement);
  line.textContent = words;
  line.hidden = words === '';
}

/** @param {ReturnType<typeof createRecord>} record */
function showEnds(record) {
  earlier.hidden = !record.hasEarlier();
  newest.hidden = !record.isDetached();
}

/** @param {unknown} error */
function onFailure(error) {
  if (error instanceof Refused && error.status < 500 && error.status !== 404) return onRefused(error);
  trouble =
    error instanceof Refused && error.status === 404
      ? 'The log knows no conversation of this id.'
      : 'The server does not answer.';
  events.update();
}

let isReadingEarlier = false;
async function earlierRows() {
  if (!looking || isReadingEarlier) return;
  isReadingEarlier = true;
  const top = timeline.steps().find(({ seq }) => seq !== null)?.key ?? null;
  const before = timeline.steps().length;
  await looking.record.earlier();
  isReadingEarlier = false;
  // Stays at the place from which a person goes back.
  if (timeline.steps().length !== before) events.choose(top);
}

/** Looks at a step, a row of the log wherever it is. @param {string | null} key null for the newest */
async function goTo(key) {
  const seq = seqOfKey(key);
  if (!looking || key === null || timeline.steps().some((step) => step.key === key)) return events.choose(key);
  const { record } = looking;
  if (seq !== null) await record.goTo(seq);
  if (looking.record !== record) return;
  const found =
    timeline.steps().find((step) => step.key === key) ??
    (seq === null ? undefined : timeline.steps().find((step) => step.seq === seq));
  if (!found && seq !== null) notice('The event of this link is not among these rows; the newest is shown.');
  events.choose(found?.key ?? (seq === null ? key : null));
}

/** @param {Ref} ref @param {number} seq */
const keyOf = (ref, seq) => `log/${ref.id} ${seq}.0`;

/** @param {number} seq */
function pick(seq) {
  if (looking) void goTo(keyOf(looking.ref, seq));
}

earlier.addEventListener('click', () => {
  notice('');
  void earlierRows();
});
newest.addEventListener('click', () => {
  notice('');
  events.choose(null);
  void looking?.record.begin();
});
/** @param {boolean} isTrace */
function showPane(isTrace) {
  press(paneChart, !isTrace);
  press(paneTrace, isTrace);
  document.body.classList.toggle('tracing', isTrace);
  trace.show(isTrace);
}
paneChart.addEventListener('click', () => showPane(false));
paneTrace.addEventListener('click', () => showPane(true));
stately.addEventListener('click', () => {
  // In the same words as this page's own address; the new tab gets the token with the session.
  window.open(`/inspect/stately${location.hash}${looking?.record.isInMemory() ? '' : '&from=log'}`);
});
byId('help-open', HTMLButtonElement).addEventListener('click', () => help.showModal());

/** @param {string} id */
const clicks = (id) => () => byId(id, HTMLButtonElement).click();
onKeys(
  {
    '/': () => {
      show('list');
      byId('search', HTMLInputElement).select();
    },
    ArrowLeft: () => events.move(-1),
    ArrowRight: () => events.move(1),
    Home: () => events.jump('first'),
    End: () => events.jump('now'),
    ' ': events.toggle,
    l: clicks('labels'),
    w: clicks('fit'),
    f: clicks('follow'),
    '+': clicks('zoom-in'),
    '=': clicks('zoom-in'),
    '-': clicks('zoom-out'),
    'Shift+ArrowLeft': () => stage?.moveBy(-1, 0),
    'Shift+ArrowRight': () => stage?.moveBy(1, 0),
    'Shift+ArrowUp': () => stage?.moveBy(0, -1),
    'Shift+ArrowDown': () => stage?.moveBy(0, 1),
    t: () => showPane(!document.body.classList.contains('tracing')),
    '?': () => help.showModal(),
  },
  byId('conversations', HTMLUListElement),
);

async function begin() {
  const { charts } = await ask('charts');
  stage = createStage(charts);
  if (wish) look(wish.ref, wish.at, wish.seq);
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
if (linked) look(linked.ref, linked.at);
start();
