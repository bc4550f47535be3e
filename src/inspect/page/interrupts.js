/**
 * Shows the conversation's open interrupts, and sends responses over the chat protocol. It reads the interrupts again
 * after each row that may open or close one.
 */
import { chatRequest } from './chat-request.js';
import { byId } from './element.js';
import { createInterruptCard } from './interrupt-card.js';
import { callApi, Fault } from './api.js';
import { clock, duration } from './times.js';

/** Types of rows that open or close interrupts. */
const CHANGES = new Set([
  'approval_request',
  'elicitation_request',
  'sampling_request',
  'response',
  'tool_result',
  'turn_end',
]);
const TICK_MS = 1000;

/**
 * @typedef {import('./conversations.js').Ref} Ref
 * @typedef {import('./interrupt-card.js').Interrupt} Interrupt
 */

/** @param {{ endpoint(): string }} given path of the chat protocol's WebSocket */
export function createInterrupts({ endpoint }) {
  const place = byId('waiting', HTMLElement);
  /** @type {Ref | null} */
  let looking = null;
  /** Cards by interrupt. Each is created once, so that typed text is kept. @type {Map<string, { card: HTMLElement, times: HTMLElement, interrupt: Interrupt }>} */
  const cards = new Map();
  /** Counts requests: a response is dropped if a newer request exists. */
  let requests = 0;

  const tick = () => {
    for (const { times, interrupt } of cards.values()) {
      const now = Date.now();
      times.textContent = `Since ${clock(interrupt.since_ms)} (${duration(now - interrupt.since_ms)}), until ${clock(interrupt.until_ms)} (${interrupt.until_ms > now ? `${duration(interrupt.until_ms - now)} left` : 'time is up'})`;
    }
  };
  setInterval(tick, TICK_MS);

  /** @param {Ref} ref @param {Interrupt} interrupt @param {boolean} mayRespond @param {string} owner */
  const show = async (ref, interrupt, mayRespond, owner) => {
    // The owner reads the row with its own rights: the copy for viewers may be shortened or redacted.
    let whole = interrupt;
    let why = mayRespond
      ? null
      : `Only its owner, ${owner}, can respond. Sign in with a token of ${owner}, or respond in a chat client.`;
    try {
      if (mayRespond) whole = await readOwnInterrupt(endpoint(), ref, interrupt);
    } catch (error) {
      why = `A response from here is not possible. ${error instanceof Error ? error.message : String(error)}`;
    }
    const made = createInterruptCard(whole, why, async (answer) => {
      const { accepted, already } = await chatRequest(endpoint(), 'respond', {
        conversation_id: ref.id,
        interrupt_id: interrupt.interrupt_id,
        ...answer,
      });
      await refresh();
      if (!accepted) throw new Error(`Another response came first: ${already?.decision}.`);
    });
    return { ...made, interrupt: whole };
  };

  const refresh = async () => {
    const ref = looking;
    if (!ref) return;
    requests += 1;
    const mine = requests;
    try {
      /** @type {{ subject: string, may_answer: boolean, interrupts: Interrupt[] }} */
      const current = await callApi('interrupts', { conversation: ref.id, owner: ref.owner });
      if (mine !== requests) return;
      const open = new Set(current.interrupts.map(({ interrupt_id: id }) => id));
      for (const [id, { card }] of cards) {
        if (open.has(id)) continue;
        card.remove();
        cards.delete(id);
      }
      for (const interrupt of current.interrupts) {
        if (cards.has(interrupt.interrupt_id)) continue;
        const made = await show(ref, interrupt, current.may_answer, ref.owner ?? current.subject);
        if (mine !== requests) return;
        cards.set(interrupt.interrupt_id, made);
        place.append(made.card);
      }
      place.hidden = cards.size === 0;
      tick();
    } catch (error) {
      // The list of conversations reports the lost connection; the interrupts are read again after a reconnect.
      if (!(error instanceof Fault)) return;
    }
  };

  return {
    /** @param {Ref} ref */
    begin(ref) {
      looking = ref;
      cards.clear();
      place.replaceChildren();
      place.hidden = true;
      void refresh();
    },
    refresh,
    /** @param {readonly import('./record.js').Row[]} rows */
    onNews(rows) {
      if (rows.some(({ type }) => CHANGES.has(type))) void refresh();
    },
  };
}

/** Reads the interrupt's whole content from its row. @param {string} endpoint @param {Ref} ref @param {Interrupt} interrupt @returns {Promise<Interrupt>} */
async function readOwnInterrupt(endpoint, ref, interrupt) {
  const { events } = await chatRequest(endpoint, 'history', {
    conversation_id: ref.id,
    before_seq: interrupt.seq + 1,
    limit: 1,
  });
  const extra = events[0]?.extra ?? {};
  return { ...interrupt, content: interrupt.kind === 'approval' ? extra.arguments : extra.ask };
}
