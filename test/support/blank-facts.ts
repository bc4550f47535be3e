/** What the inspector's API says of a row that says nothing: a test adds what it is about. */
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
