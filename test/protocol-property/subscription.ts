/**
 * A subscription as its client sees it, from its `result` on: the rows one after the other, and nothing about a row
 * before the row itself.
 */
import type { Incoming } from '../../src/client/frames.ts';
import { excerpt, type ReportViolation } from './violation.ts';
import { resetTo, lastSeq, textOf, type ExpectedState, type Place, type Row } from './expected-state.ts';

export interface Subscription {
  /** The last state that it was told; null before. */
  readonly state: string | null;
  /** True until it was shown what was there when it began. */
  isBehind(): boolean;
  /** Of a frame that comes live. */
  receiveLive(frame: Incoming): void;
  /** Of a frame about the row `seq`, if it is about one. */
  receiveOf(seq: number | undefined, frame: Incoming): void;
  receiveRow(row: Row): void;
  receiveState(value: string): void;
  /** Some message was taken back. */
  receiveReset(): void;
}

/** `own`: the messages that the same client holds of turns of its own. */
export function subscribe(
  expected: ExpectedState,
  place: Place,
  result: Record<string, unknown>,
  own: ReadonlySet<string>,
  report: ReportViolation,
): Subscription {
  const { head_seq: head, oldest_seq: oldest, reset, truncated } = result;
  if (truncated === true) report('gap', 'rows are said to be gone that nobody took away');
  resetTo(expected, place, reset === true ? Number(oldest) - 1 : place.cursor.after_seq, own);
  let state: string | null = null;
  /** A message that nobody knows is taken back before anything is shown. */
  let owesReset = place.cursor.message_id !== undefined && place.held === null;
  const isBehind = () => lastSeq(expected) < Number(head);

  return {
    get state() {
      return state;
    },
    isBehind,
    receiveLive(frame) {
      if (isBehind())
        report('early', `row ${lastSeq(expected)} of ${String(head)} was shown, and there came ${excerpt(frame)}`);
    },
    receiveOf(seq, frame) {
      if (seq !== undefined && seq > lastSeq(expected))
        report('order', `row ${lastSeq(expected)} is the last that was shown, and there came ${excerpt(frame)}`);
    },
    receiveRow(row) {
      const last = lastSeq(expected);
      if (owesReset) report('reset', `row ${row.seq} came before the message was taken back that nobody knows`);
      if (row.seq !== last + 1)
        return report(row.seq > last ? 'gap' : 'repeat', `row ${last} was shown, and there came row ${row.seq}`);
      expected.rows.push(row);
      if (row.type !== 'assistant_message') return undefined;
      const held = expected.texts.get(row.id);
      const written = textOf(row);
      const continues =
        held === undefined || (written.text.startsWith(held.text) && written.reasoning.startsWith(held.reasoning));
      if (!continues) report('text', `${excerpt(held)} is held of what row ${row.seq} has as ${excerpt(written)}`);
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
