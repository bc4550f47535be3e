/**
 * Hands what is told of a conversation on to Stately's inspector, in a frame beside, as `@statelyai/inspect`'s
 * browser inspector does: nothing before the frame has said `@statelyai.connected`, then each message by postMessage.
 * What the frame says beside that is not heard, and nobody but Stately's own page is told anything.
 */
import { byId } from './element.js';
import { ask, follow } from './api.js';
import { createTheme } from './theme.js';

/** Kept for a frame that connects late or anew; the package keeps as many. */
const MOST_KEPT = 200;
/** A frame that has not connected by then is missing, as far as a person can tell. A browser does not report why. */
const PATIENCE_MS = 4000;

const frame = byId('inspector', HTMLIFrameElement);
const link = byId('link', HTMLParagraphElement);
const [missing, retry] = [byId('missing', HTMLElement), byId('retry', HTMLButtonElement)];
const address = frame.dataset['src'] ?? '';
const { origin } = new URL(address);
const wanted = new URLSearchParams(location.hash.slice(1));
const ref = { owner: wanted.get('owner'), id: wanted.get('conversation') ?? '' };

/** Births are kept for good: without an actor its events mean nothing. @type {import('./steps.js').Message[]} */
let births = [];
/** @type {import('./steps.js').Message[]} */
let kept = [];
let isConnected = false;
/** @type {number | undefined} */
let timer;

/** @param {string} words @param {string} state */
const tell = (words, state) => {
  link.textContent = words;
  link.className = `pill ${state}`;
};

/** Loads the frame, and says so if it does not connect. What it missed is kept for it. */
const load = () => {
  isConnected = false;
  clearTimeout(timer);
  tell('waiting for stately.ai', '');
  retry.disabled = true;
  retry.textContent = 'Trying';
  timer = setTimeout(() => {
    tell('no answer from stately.ai', 'away');
    missing.hidden = false;
    retry.disabled = false;
    retry.textContent = 'Try again';
  }, PATIENCE_MS);
  frame.src = address;
};
retry.addEventListener('click', load);
addEventListener('online', () => {
  if (!isConnected) load();
});

/** @param {import('./steps.js').Message} message */
const post = (message) => frame.contentWindow?.postMessage(message, origin);

/** @param {import('./steps.js').Message} message */
const hand = (message) => {
  if (message.type === '@xstate.actor') births = [...births, message].slice(-MOST_KEPT);
  else kept = [...kept, message].slice(-MOST_KEPT);
  if (isConnected) post(message);
};

addEventListener('message', ({ source, origin: from, data }) => {
  if (source !== frame.contentWindow || from !== origin || data?.type !== '@statelyai.connected') return;
  isConnected = true;
  clearTimeout(timer);
  missing.hidden = true;
  tell('connected', 'live');
  for (const message of [...births, ...kept]) post(message);
});

createTheme(byId('theme', HTMLButtonElement));
byId('own', HTMLAnchorElement).href = `/inspect${location.hash}`;
byId('what', HTMLSpanElement).textContent = `${ref.id} in Stately's inspector`;
if (wanted.get('from') === 'log') {
  ask('replay', { conversation: ref.id, owner: ref.owner }).then(
    ({ messages }) => messages.forEach(hand),
    (error) => tell(String(error.message), 'refused'),
  );
} else {
  follow(ref, {
    onMessage: hand,
    onLink(state, why) {
      if (state !== 'live') tell(why || 'the server is away', state);
      else if (isConnected) tell('connected', 'live');
    },
  });
}
load();
