/**
 * Checks a subscription from its `result` on: rows come one after another, and no frame about a row comes before the
 * row.
 */
import type { Incoming } from '../../src/client/frames.ts';
import { excerpt, type ReportViolation } from './violation.ts';
import { resetTo, lastSeq, textOf, type ExpectedState, type Place, type Row } from './expected-state.ts';

export interface Subscription {
  /** The last state received; null before the first one. */
  readonly state: string | null;
  /** True until all rows have come that existed when the subscription began. */
  isBehind(): boolean;
  /** Checks a live frame. */
  receiveLive(frame: Incoming): void;
  /** Checks a frame about the row `seq`; undefined for none. */
  receiveOf(seq: number | undefined, frame: Incoming): void;
  receiveRow(row: Row): void;
  receiveState(value: string): void;
  /** Called when a message was reset. */
  receiveReset(): void;
}

/** `own`: messages that the same client has of its own turns. */
export function subscribe(
  expected: ExpectedState,
  place: Place,
  result: Record<string, unknown>,
  own: ReadonlySet<string>,
  report: ReportViolation,
): Subscription {
  const { head_seq: head, oldest_seq: oldest, reset, truncated } = result;
  if (truncated === true) report('gap', 'rows are reported as removed, and none were');
  resetTo(expected, place, reset === true ? Number(oldest) - 1 : place.cursor.after_seq, own);
  let state: string | null = null;
  /** An unknown message is reset before any other frame. */
  let owesReset = place.cursor.message_id !== undefined && place.held === null;
  const isBehind = () => lastSeq(expected) < Number(head);

  return {
    get state() {
      return state;
    },
    isBehind,
    receiveLive(frame) {
      if (isBehind())
        report('early', `row ${lastSeq(expected)} of ${String(head)} was received, then ${excerpt(frame)}`);
    },
    receiveOf(seq, frame) {
      if (seq !== undefined && seq > lastSeq(expected))
        report('order', `row ${lastSeq(expected)} is the last one received, then came ${excerpt(frame)}`);
    },
    receiveRow(row) {
      const last = lastSeq(expected);
      if (owesReset) report('reset', `row ${row.seq} came before the unknown message was reset`);
      if (row.seq !== last + 1)
        return report(row.seq > last ? 'gap' : 'repeat', `row ${last} was received, then row ${row.seq}`);
      expected.rows.push(row);
      if (row.type !== 'assistant_message') return undefined;
      const held = expected.texts.get(row.id);
      const written = textOf(row);
      const continues =
        held === undefined || (written.text.startsWith(held.text) && written.reasoning.startsWith(held.reasoning));
      if (!continues) report('text', `the client has ${excerpt(held)} of row ${row.seq}, which is ${excerpt(written)}`);
      expected.texts.set(row.id, written);
      if (expected.writing === row.id) expected.writing = null;
      return undefined;
    },
    receiveState(value) {
      state = value;
    },
    receiveReset() {
      owesReset = false;
    },
  };
}
