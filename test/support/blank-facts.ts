/**
 * Gives the facts of a row that has none, in the format of the inspector's API. A test overrides those that matter to
 * it.
 */
export const blankFacts = {
  call_id: null,
  name: null,
  server: null,
  outcome: null,
  hop: null,
  duration_ms: null,
  first_token_ms: null,
  model: null,
  prompt_tokens: null,
  cached_tokens: null,
  completion_tokens: null,
  cost: null,
  text: null,
};
