/**
 * Forwards a conversation's messages to Stately's inspector in a frame, like `@statelyai/inspect`'s browser inspector. It
 * sends nothing before the frame has sent `@statelyai.connected`; then each message goes by postMessage. It ignores other
 * messages of the frame, and posts only to Stately's origin.
 */
import { byId } from './element.js';
import { callApi, follow } from './api.js';
import { createTheme } from './theme.js';

/** Most messages kept for a frame that connects late or reconnects; same limit as the package. */
const MOST_KEPT = 200;
/** The page reports a frame that has not connected in this time. Browsers do not report why a frame failed. */
const TIMEOUT_MS = 4000;

const frame = byId('inspector', HTMLIFrameElement);
const link = byId('link', HTMLParagraphElement);
const [missing, retry] = [byId('missing', HTMLElement), byId('retry', HTMLButtonElement)];
const address = frame.dataset['src'] ?? '';
const { origin } = new URL(address);
const wanted = new URLSearchParams(location.hash.slice(1));
const ref = { owner: wanted.get('owner'), id: wanted.get('conversation') ?? '' };

/** Actor messages are kept apart: without its actor an event has no meaning. @type {import('./steps.js').Message[]} */
let actors = [];
/** @type {import('./steps.js').Message[]} */
let kept = [];
let isConnected = false;
/** @type {number | undefined} */
let timer;

/** @param {string} text @param {string} state */
const showLink = (text, state) => {
  link.textContent = text;
  link.className = `pill ${state}`;
};

/** Loads the frame, and shows a notice if it does not connect. Messages are kept for it. */
const load = () => {
  isConnected = false;
  clearTimeout(timer);
  showLink('waiting for stately.ai', '');
  retry.disabled = true;
  retry.textContent = 'Trying…';
  timer = setTimeout(() => {
    showLink('no response from stately.ai', 'away');
    missing.hidden = false;
    retry.disabled = false;
    retry.textContent = 'Try again';
  }, TIMEOUT_MS);
  frame.src = address;
};
retry.addEventListener('click', load);
addEventListener('online', () => {
  if (!isConnected) load();
});

/** @param {import('./steps.js').Message} message */
const post = (message) => frame.contentWindow?.postMessage(message, origin);

/** @param {import('./steps.js').Message} message */
const forward = (message) => {
  if (message.type === '@xstate.actor') actors = [...actors, message].slice(-MOST_KEPT);
  else kept = [...kept, message].slice(-MOST_KEPT);
  if (isConnected) post(message);
};

addEventListener('message', ({ source, origin: from, data }) => {
  if (source !== frame.contentWindow || from !== origin || data?.type !== '@statelyai.connected') return;
  isConnected = true;
  clearTimeout(timer);
  missing.hidden = true;
  showLink('connected', 'live');
  for (const message of [...actors, ...kept]) post(message);
});

createTheme(byId('theme', HTMLButtonElement));
byId('own', HTMLAnchorElement).href = `/inspect${location.hash}`;
byId('what', HTMLSpanElement).textContent = `${ref.id} in Stately's inspector`;
if (wanted.get('from') === 'log') {
  callApi('replay', { conversation: ref.id, owner: ref.owner }).then(
    ({ messages }) => messages.forEach(forward),
    (error) => showLink(String(error.message), 'rejected'),
  );
} else {
  follow(ref, {
    onMessage: forward,
    onLink(state, why) {
      if (state !== 'live') showLink(why || 'disconnected from the server', state);
      else if (isConnected) showLink('connected', 'live');
    },
  });
}
load();
