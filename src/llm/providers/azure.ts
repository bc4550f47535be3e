/**
 * Defines the endpoint of Azure OpenAI: the resource is in the host, the deployment in the path, the version of the API in
 * the query, and the key in its own header.
 * Source: https://learn.microsoft.com/azure/ai-foundry/openai/reference (chat completions)
 */
import type { Endpoint } from './provider.ts';

/** The last dated version that is not a preview. */
export const azureApiVersion = '2024-10-21';

/** Microsoft's own clouds. The key of the default variable is sent only to them. */
const azureHosts = /\.azure\.(com|us|cn)$/;

/** True for an address of Azure OpenAI. False for an address that is no URL. */
export function isAzureHost(baseUrl: string): boolean {
  return azureHosts.test(URL.parse(baseUrl)?.hostname ?? '');
}

/** `deployment` and `api_version` are keys of this block only. The others are parameters, as in every block. */
export function azureEndpoint({
  deployment,
  api_version = azureApiVersion,
  ...parameters
}: Readonly<Record<string, unknown>>): Endpoint {
  return {
    // A chat that names a model means another deployment of the same resource.
    chatPath: '/openai/deployments/{model}/chat/completions',
    query: { 'api-version': String(api_version) },
    keyHeader: 'api-key',
    model: typeof deployment === 'string' ? deployment : null,
    modelKey: 'deployment',
    parameters,
  };
}
