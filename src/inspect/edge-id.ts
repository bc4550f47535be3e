/**
 * Names a transition of a machine, so that what was taken can be found on the chart. Source, event and place among
 * the source's transitions for that event make it unique.
 */
import type { AnyTransitionDefinition } from 'xstate';

/** Without a source (XState's own, of the initial state) there is no edge: null. */
export function edgeIdOf(transition: AnyTransitionDefinition): string | null {
  const { source, eventType } = transition;
  if (source === undefined) return null;
  const siblings: readonly AnyTransitionDefinition[] =
    eventType === '' ? (source.always ?? []) : (source.transitions.get(eventType) ?? []);
  const place = siblings.indexOf(transition);
  return place < 0 ? null : `${source.path.join('.')}|${eventType}|${place}`;
}
