/** Explains the status of a failed request: what is wrong where, and what an operator can do. Pure. */
import { isPage } from './provider-error.ts';

/** For a request that a repetition does not help. Continues a sentence after the provider's name. */
export function explainRequest(block: string, status: number | null, message: string): string {
  // OpenAI, for tools of its models from GPT-5.4 on.
  if (/\/v1\/responses\b/.test(message))
    return `takes tools for this model only in its Responses API; set ${block}.api to responses`;
  if (
    status === 402 ||
    (!isPage(message) && /\bbalance|\bcredits?\b|\bbilling|exceeded your current quota/i.test(message))
  )
    return 'asks for a payment; check the balance of the account';
  switch (status) {
    case 404:
    case 405:
    case 410:
      return `does not know the address of the request; check ${block}.base_url`;
    case 407:
      return 'is behind a proxy that asks for a user and password; check HTTP_PROXY and HTTPS_PROXY';
  }
  if (isPage(message))
    return `answered with a web page, perhaps of a firewall that blocks the request; check the network and ${block}.base_url`;
  return status === 403 || status === 451
    ? 'does not allow the request; check the account, its region and its permissions'
    : `rejected the request; check ${block} and the account`;
}

/** For a request that may succeed later. Statuses above 519 are Cloudflare's, but for 529, which is Anthropic's. */
export function explainFailure(status: number | null): string {
  switch (status) {
    case 408:
    case 504:
    case 522:
    case 524:
      return 'did not answer its gateway in time; try again';
    case 502:
    case 520:
    case 521:
    case 523:
    case 525:
    case 526:
    case 530:
      return 'cannot be reached by its gateway; try again';
    case 409:
      return 'is busy with another request; try again';
    case 503:
    case 529:
      return 'is overloaded or down; try again';
    default:
      return 'had an internal error; try again';
  }
}
