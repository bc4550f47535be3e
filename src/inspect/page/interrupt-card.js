/**
 * Shows one interrupt with the controls to respond: an approval, or the form or page of an MCP server. The caller sends
 * the response.
 */
import { element } from './element.js';
import { createForm } from './form.js';

/**
 * `content` is the arguments of a call, or the server's request. Null if it is not included.
 * @typedef {{ interrupt_id: string, kind: 'approval' | 'sampling' | 'form' | 'url', seq: number, name: string, tool_name: string,
 *   server: string, since_ms: number, until_ms: number, content: any }} Interrupt
 * @typedef {{ decision: string, reason?: string, arguments?: object, content?: object, remember?: boolean }} ResponsePayload
 */

/**
 * `answer` sends the response; it rejects with a message for the person. `why` is the reason why no response is possible.
 * @param {Interrupt} interrupt @param {string | null} why @param {(answer: ResponsePayload) => Promise<void>} answer
 */
export function createInterruptCard(interrupt, why, answer) {
  const problem = element('p', { class: 'problem', role: 'alert', hidden: '' });
  const ways = waysOf(
    interrupt,
    (text) => {
      problem.textContent = text;
      problem.hidden = text === '';
    },
    answer,
  );
  const times = element('p', { class: 'note' });
  const card = element(
    'form',
    {
      class: 'interrupt',
      'data-kind': interrupt.kind,
      'data-interrupt': interrupt.interrupt_id,
      'aria-label': cardTitle(interrupt),
    },
    element('h3', {}, cardTitle(interrupt)),
    times,
    ...contentOf(interrupt),
    ...(why === null ? [...ways, problem] : [element('p', { class: 'note why' }, why)]),
  );
  card.addEventListener('submit', (event) => event.preventDefault());
  return { card, times };
}

/** @param {Interrupt} interrupt */
export function cardTitle({ kind, name, server }) {
  if (kind === 'approval') return `Allow the call of ${name} on server ${server}?`;
  if (kind === 'sampling') return `Server ${server} wants to send a request to the model (${name})`;
  return kind === 'url'
    ? `Server ${server} asks you to open a page (${name})`
    : `Server ${server} requests input (${name})`;
}

/** @param {Interrupt} interrupt */
function contentOf({ kind, content }) {
  if (content === null || content === undefined)
    return [element('p', { class: 'note' }, 'The content is hidden: inspect.include_content is false for viewers.')];
  if (kind === 'form' || kind === 'url') return [element('p', { class: 'words' }, String(content.message ?? ''))];
  const shown = kind === 'sampling' ? (content.request ?? content) : content;
  return [
    element(
      'pre',
      {
        class: 'asked',
        tabindex: '0',
        'aria-label': kind === 'sampling' ? 'Request to the model' : 'Arguments',
      },
      JSON.stringify(shown, null, 2),
    ),
  ];
}

/** @param {Interrupt} interrupt @param {(text: string) => void} showProblem @param {(answer: ResponsePayload) => Promise<void>} answer @returns {HTMLElement[]} */
function waysOf(interrupt, showProblem, answer) {
  /** @type {HTMLButtonElement[]} */
  const buttons = [];
  /** @param {() => ResponsePayload} make throws with a message for the person */
  const send = async (make) => {
    showProblem('');
    try {
      const made = make();
      for (const button of buttons) button.disabled = true;
      await answer(made);
    } catch (error) {
      showProblem(error instanceof Error ? error.message : String(error));
      for (const button of buttons) button.disabled = false;
    }
  };
  /** @param {string} label @param {string} kind @param {() => ResponsePayload} make */
  const button = (label, kind, make) => {
    const made = element('button', { type: 'button', class: kind }, label);
    made.addEventListener('click', () => void send(make));
    buttons.push(made);
    return made;
  };
  if (interrupt.kind === 'form') {
    const form = createForm(interrupt.content?.schema ?? {});
    return [
      element('div', { class: 'fields' }, ...form.fields),
      element(
        'div',
        { class: 'ways' },
        button('Send', 'main', () => {
          const found = form.problem();
          if (found !== null) throw new Error(found);
          return { decision: 'answer', content: form.read() };
        }),
        button('Decline', 'bad', () => ({ decision: 'decline' })),
        button('Cancel', '', () => ({ decision: 'cancel' })),
      ),
    ];
  }
  if (interrupt.kind === 'url') {
    return [
      ...pageOf(String(interrupt.content?.url ?? '')),
      element(
        'div',
        { class: 'ways' },
        button('Done', 'main', () => ({ decision: 'answer' })),
        button('Decline', 'bad', () => ({ decision: 'decline' })),
        button('Cancel', '', () => ({ decision: 'cancel' })),
      ),
    ];
  }
  const reason = element('input', {
    type: 'text',
    name: 'reason',
    maxlength: '1000',
    autocomplete: 'off',
    placeholder: 'Reason for a denial, for the model',
    'aria-label': 'Reason for a denial',
  });
  const because = () => (reason.value.trim() === '' ? {} : { reason: reason.value.trim() });
  if (interrupt.kind === 'sampling') {
    return [
      element(
        'div',
        { class: 'ways' },
        button('Approve', 'main', () => ({ decision: 'approve' })),
        button('Deny', 'bad', () => ({ decision: 'deny', ...because() })),
        reason,
      ),
    ];
  }
  const remember = element('input', { type: 'checkbox', name: 'remember' });
  const edit = element('textarea', {
    name: 'arguments',
    rows: '5',
    spellcheck: 'false',
    'aria-label': 'Arguments as JSON',
  });
  edit.value = JSON.stringify(interrupt.content, null, 2);
  const kept = () => (remember.checked ? { remember: true } : {});
  const editing = element('details', { class: 'edit' }, element('summary', {}, 'Change the arguments'), edit);
  return [
    editing,
    element('label', { class: 'check' }, remember, element('span', {}, 'Remember for this conversation')),
    element(
      'div',
      { class: 'ways' },
      button('Approve', 'main', () => ({
        decision: 'approve',
        ...kept(),
        ...(editing.open ? { arguments: readObject(edit.value) } : {}),
      })),
      button('Deny', 'bad', () => ({ decision: 'deny', ...kept(), ...because() })),
      reason,
    ),
  ];
}

/** A link with its whole address as text. @param {string} url */
function pageOf(url) {
  const { protocol } = URL.parse(url) ?? {};
  // Only http and https become links: a javascript: URL would run in this page.
  if (protocol !== 'https:' && protocol !== 'http:')
    return [
      element('p', { class: 'problem' }, 'The address of the page is not valid: it must start with http or https.'),
    ];
  return [element('a', { class: 'page', href: url, target: '_blank', rel: 'noopener noreferrer' }, url)];
}

/** @param {string} text @returns {object} */
function readObject(text) {
  let value = null;
  try {
    value = JSON.parse(text);
  } catch {
    // Reported below.
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error('The arguments must be a JSON object.');
  return value;
}
