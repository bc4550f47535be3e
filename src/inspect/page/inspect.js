/**
 * Starts the page: connects its parts, and shows the chosen conversation from its past in the log to its live events.
 */
import { createAddress, placeOf, seqOfKey } from './address.js';
import { createConversations } from './conversations.js';
import { createDetail } from './detail.js';
import { announceChosen, byId } from './element.js';
import { createEvents, readable } from './events.js';
import { createFilterPanel } from './filter-panel.js';
import { onKeys } from './keys.js';
import { createRecord } from './record.js';
import { callApi, follow, Fault } from './api.js';
import { createSignIn } from './sign-in.js';
import { createSplitters } from './splitters.js';
import { createStage } from './stage.js';
import { createTheme } from './theme.js';
import { createStepList, rowKey } from './steps.js';
import { createTrace } from './trace.js';
import { createInterrupts } from './interrupts.js';
import { createViews } from './views.js';

/** @typedef {import('./conversations.js').Ref} Ref */

const link = byId('link', HTMLParagraphElement);
const stately = byId('stately', HTMLButtonElement);
const [earlier, newest] = [byId('earlier', HTMLButtonElement), byId('newest', HTMLButtonElement)];
const help = byId('help', HTMLDialogElement);
const signIn = createSignIn();
const START_AGAIN_MS = 1000;

createTheme(byId('theme', HTMLButtonElement));
createSplitters();
announceChosen(byId('conversations', HTMLUListElement));
announceChosen(byId('steps', HTMLOListElement));

/** @param {string} state @param {string} why */
function showLink(state, why) {
  const texts = { live: 'connected', away: 'reconnecting', rejected: 'access denied' };
  link.textContent = texts[/** @type {keyof typeof texts} */ (state)] ?? state;
  link.title = why;
  link.className = `pill ${state}`;
}

/** @param {Fault} fault */
function onFault(fault) {
  showLink('rejected', fault.message);
  signIn(fault);
}

const stepList = createStepList();
/** @type {ReturnType<typeof createStage> | null} */
let stage = null;
/** @type {(() => void) | null} */
let unfollow = null;
/** The chosen conversation. @type {{ ref: Ref, record: ReturnType<typeof createRecord> } | null} */
let looking = null;

/** Why the chosen conversation cannot be shown; empty if it can. */
let trouble = '';

const rows = () => looking?.record.rows() ?? [];
const detail = createDetail({
  readable,
  async readRow(seq) {
    const { row } = await callApi('row', {
      conversation: looking?.ref.id ?? null,
      owner: looking?.ref.owner ?? null,
      seq: String(seq),
    });
    return row;
  },
});
const filter = createFilterPanel({ steps: stepList.steps, onChange: () => events.update() });
const events = createEvents({
  steps: filter.visible,
  onShow(step, chosen) {
    // The charts show the newest state even if the filter hides its event.
    const shown = chosen === null ? stepList.steps().at(-1) : step;
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
  steps: stepList.steps,
  hasEarlier: () => looking?.record.hasEarlier() ?? false,
  onEarlier: () => void earlierRows(),
  onPick(seq) {
    // A narrow screen shows one panel at a time.
    views.show('events');
    pick(seq);
  },
});
const views = createViews({ onShow: () => events.update(), onTimeline: trace.show });
const conversations = createConversations({
  onChoose: (ref, seq) => look(ref, null, seq),
  onLink: (state, why) => !looking && showLink(state, why),
  onFault,
});
const interrupts = createInterrupts({ endpoint: conversations.endpoint });
const address = createAddress((place) => {
  if (!place) return location.reload();
  const isSame = looking?.ref.id === place.ref.id && looking.ref.owner === place.ref.owner;
  if (isSame) void goTo(place.at);
  else look(place.ref, place.at);
});

/** Chosen before the charts were loaded. @type {import('./address.js').Place & { seq: number | null } | null} */
let pending = null;

/** @param {Ref} ref @param {string | null} [at] key of a step; null for the newest @param {number | null} [seq] row of a search result */
function look(ref, at = null, seq = null) {
  const isOther = looking?.ref.id !== ref.id || looking.ref.owner !== ref.owner;
  if (!isOther && seq !== null) {
    views.show(views.isTimeline() ? 'chart' : 'events');
    return pick(seq);
  }
  const place = at ?? (seq === null ? null : rowKey(`log/${ref.id}`, seq));
  address.visit({ ref, at: place });
  document.title = `${ref.id} · Parley inspector`;
  byId('name', HTMLHeadingElement).textContent = ref.id;
  if (!stage) {
    pending = { ref, at, seq };
    byId('sentence', HTMLParagraphElement).textContent = 'Loading the charts…';
    return conversations.mark(ref);
  }
  unfollow?.();
  const record = createRecord({
    conversationId: ref.id,
    stepList,
    readPiece: (query) => callApi('replay', { conversation: ref.id, owner: ref.owner, ...query }),
    readRows: (after) =>
      callApi('rows', { conversation: ref.id, owner: ref.owner, after: String(after) }).catch((error) => {
        if (error instanceof Fault && error.status === 404) return { rows: [], head_seq: 0 };
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
      interrupts.onNews(news);
    },
    onFailure(error) {
      if (looking?.record === record) onFailure(error);
    },
  });
  looking = { ref, record };
  trouble = '';
  conversations.mark(ref);
  stately.disabled = false;
  stepList.clear();
  stage.begin(isOther);
  detail.begin();
  trace.begin();
  interrupts.begin(ref);
  notice('');
  filter.begin();
  showEnds(record);
  events.begin(true, place);
  views.show(seq === null ? 'chart' : 'events');
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
      if (state === 'rejected') onFault(new Fault(403, why));
      // One mark for each lost connection, not for each attempt to reconnect.
      if (state === 'away' && !wasAway) record.breakAt('disconnected from the server', Date.now());
      if (state === 'live' && wasAway) {
        record.breakAt('connected again', Date.now());
        // Reads the rows that were committed meanwhile, and the open interrupts.
        void record.catchUp();
        void interrupts.refresh();
      }
      wasAway = state === 'away';
    },
  });
}

/** Shows a notice above the events. @param {string} text empty to hide it */
function notice(text) {
  const line = byId('notice', HTMLParagraphElement);
  line.textContent = text;
  line.hidden = text === '';
}

/** @param {ReturnType<typeof createRecord>} record */
function showEnds(record) {
  earlier.hidden = !record.hasEarlier();
  newest.hidden = !record.isDetached();
}

/** @param {unknown} error */
function onFailure(error) {
  if (error instanceof Fault && error.status < 500 && error.status !== 404) return onFault(error);
  trouble =
    error instanceof Fault && error.status === 404
      ? 'The log has no conversation with this id.'
      : 'The server does not respond.';
  events.update();
}

let isReadingEarlier = false;
async function earlierRows() {
  if (!looking || isReadingEarlier) return;
  isReadingEarlier = true;
  const top = stepList.steps().find(({ seq }) => seq !== null)?.key ?? null;
  const before = stepList.steps().length;
  await looking.record.earlier();
  isReadingEarlier = false;
  // The list stays where the person was.
  if (stepList.steps().length !== before) events.choose(top);
}

/** Chooses a step; reads the log if the step is a row that is not in the list. @param {string | null} key null for the newest */
async function goTo(key) {
  const seq = seqOfKey(key);
  if (!looking || key === null || stepList.steps().some((step) => step.key === key)) return events.choose(key);
  const { record } = looking;
  if (seq !== null) await record.goTo(seq);
  if (looking.record !== record) return;
  const found =
    stepList.steps().find((step) => step.key === key) ??
    (seq === null ? undefined : stepList.steps().find((step) => step.seq === seq));
  if (!found && seq !== null) notice('The event of this link was not found. The newest event is shown.');
  events.choose(found?.key ?? (seq === null ? key : null));
}

/** @param {number} seq */
function pick(seq) {
  if (looking) void goTo(rowKey(`log/${looking.ref.id}`, seq));
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
stately.addEventListener('click', () => {
  // The address has the same fields as this page's. The new tab gets the token with the session storage.
  window.open(`/inspect/stately${location.hash}${looking?.record.isInMemory() ? '' : '&from=log'}`);
});
byId('help-open', HTMLButtonElement).addEventListener('click', () => help.showModal());

/** @param {string} id */
const clicks = (id) => () => byId(id, HTMLButtonElement).click();
onKeys(
  {
    '/': () => {
      views.show('list');
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
    t: views.toggle,
    '?': () => help.showModal(),
  },
  byId('conversations', HTMLUListElement),
);

async function begin() {
  const { charts } = await callApi('charts');
  stage = createStage(charts);
  if (pending) look(pending.ref, pending.at, pending.seq);
}
function start() {
  begin().catch((error) => {
    if (error instanceof Fault && error.status < 500) return onFault(error);
    showLink('away', String(error));
    setTimeout(start, START_AGAIN_MS);
  });
}
views.show('list');
void conversations.refresh();
const linked = placeOf(location.hash);
if (linked) look(linked.ref, linked.at);
start();
