/**
 * Defines the endpoint of Azure OpenAI: the resource is in the host, the deployment in the path, the version of the API in
 * the query, and the key in its own header.
 * Source: https://learn.microsoft.com/azure/ai-foundry/openai/reference (chat completions)
 */
import type { WireApi } from '../api/wire-api.ts';
import type { Endpoint } from './provider.ts';

/** The last dated version that is not a preview. */
export const azureApiVersion = '2024-10-21';

/** Whether the address is Azure's without dated versions: `https://RESOURCE.openai.azure.com/openai/v1`. */
export function hasV1Path(baseUrl: string): boolean {
  return /\/openai\/v1\/?$/.test(URL.parse(baseUrl)?.pathname ?? '');
}

/** `deployment` and `api_version` are keys of this block only. The others are parameters, as in every block. */
export function azureEndpoint(
  { deployment, api_version = azureApiVersion, ...parameters }: Readonly<Record<string, unknown>>,
  baseUrl: string,
  api: WireApi,
): Endpoint {
  return {
    // A chat that names a model means another deployment of the same resource.
    ...(hasV1Path(baseUrl)
      ? { path: api.path, query: {} }
      : { path: `/openai/deployments/{model}${api.path}`, query: { 'api-version': String(api_version) } }),
    keyHeader: 'api-key',
    model: typeof deployment === 'string' ? deployment : null,
    modelKey: 'deployment',
    parameters,
  };
}
