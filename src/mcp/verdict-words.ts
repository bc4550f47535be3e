/**
 * What a verdict on arguments means for whoever wrote them: a person is refused what cannot be checked, for nobody has
 * looked at it; a model has written for the schema that it was shown, and the server will judge. Pure.
 */
import type { Breach, Verdict } from './argument-check.ts';

/** On arguments that a person has changed; null when they may be used. */
export function onChange(verdict: Verdict): Breach | null {
  return verdict.fits === null ? unchecked(verdict.unusable) : breachOf(verdict);
}

/** For changed arguments of which nobody can say whether they fit. */
export function unchecked(reason: string): Breach {
  return {
    path: [],
    message: `changed arguments cannot be checked, as ${reason}; approve the call as it was asked, or deny it`,
  };
}

/** On a form that a person has filled in; null when it may be sent. */
export function onAnswer(verdict: Verdict): Breach | null {
  return verdict.fits === null
    ? { path: [], message: `the answer cannot be checked, as ${verdict.unusable}; decline instead` }
    : breachOf(verdict);
}

/** On what a model has written, in words for it; null when the call may be made. */
export function onModels(verdict: Verdict): string | null {
  if (verdict.fits !== false) return null;
  const { path, message } = verdict.breach;
  return path.length === 0 ? message : `${path.join('.')}: ${message}`;
}

function breachOf(verdict: Verdict): Breach | null {
  return verdict.fits === false ? verdict.breach : null;
}
