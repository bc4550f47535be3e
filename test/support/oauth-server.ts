/**
 * Runs an OAuth 2.1 authorization server on a loopback port, and a gate for an MCP server: discovery, dynamic
 * registration, PKCE, single-use codes and refresh tokens. `browse` plays the person's browser. The server counts its
 * requests. It can expire and revoke tokens, grant less, and deny.
 */
import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';

import { visit } from './visit.ts';

interface Grant {
  clientId: string;
  scope: string;
}

interface Code extends Grant {
  challenge: string;
  redirectUri: string;
}

export interface OAuthServerOptions {
  /** True if the person allows the access. */
  consents?: boolean;
  /** The granted scope, independent of the requested one. */
  grants?: string;
  /** Known clients with their secrets. Dynamic registration is then off. */
  clients?: Record<string, string>;
  /** Announces support of client metadata documents instead of registration. */
  metadataDocuments?: boolean;
}

async function formOf(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request) body += String(chunk);
  return body;
}

export async function startOAuthServer({
  consents = true,
  grants,
  clients: known,
  metadataDocuments = false,
}: OAuthServerOptions = {}) {
  const counts = { registered: 0, redeemed: 0, refreshed: 0, refused: 0 };
  const clients = new Map<string, string | null>(Object.entries(known ?? {}));
  const redirects = new Map<string, string[]>();
  const codes = new Map<string, Code>();
  const refreshTokens = new Map<string, Grant>();
  const accessTokens = new Map<string, Grant>();
  const scopesAsked: string[] = [];
  const refreshScopes: (string | undefined)[] = [];
  const failures: ((response: ServerResponse) => void)[] = [];
  let origin = '';

  const send = (response: ServerResponse, status: number, body: object) =>
    void response
      .writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
      .end(JSON.stringify(body));
  const refuse = (response: ServerResponse, error: string) => {
    counts.refused += 1;
    send(response, 400, { error });
  };
  const grant = (response: ServerResponse, given: Grant) => {
    const [access, refresh] = [randomUUID(), randomUUID()];
    accessTokens.set(access, given);
    refreshTokens.set(refresh, given);
    send(response, 200, {
      access_token: access,
      refresh_token: refresh,
      token_type: 'Bearer',
      expires_in: 3600,
      scope: given.scope,
    });
  };

  const authorize = (params: URLSearchParams, response: ServerResponse) => {
    const {
      client_id: clientId = '',
      redirect_uri: redirectUri = '',
      scope = '',
      state = '',
      code_challenge: challenge = '',
      code_challenge_method: method,
    } = Object.fromEntries(params);
    const registered = redirects.get(clientId);
    const isDocument = metadataDocuments && clientId.startsWith('https://');
    if (
      (!clients.has(clientId) && !isDocument) ||
      (registered && !registered.includes(redirectUri)) ||
      method !== 'S256'
    )
      return refuse(response, 'invalid_request');
    scopesAsked.push(scope);
    const back = new URL(redirectUri);
    back.searchParams.set('state', state);
    back.searchParams.set('iss', origin);
    if (consents) {
      const code = randomUUID();
      codes.set(code, { clientId, scope, challenge, redirectUri });
      back.searchParams.set('code', code);
    } else {
      back.searchParams.set('error', 'access_denied');
    }
    response.writeHead(302, { location: back.href }).end();
  };

  const redeem = async (request: IncomingMessage, response: ServerResponse) => {
    const form = Object.fromEntries(new URLSearchParams(await formOf(request)));
    const fail = failures.shift();
    if (fail !== undefined) return fail(response);
    const [basicId, basicSecret] = Buffer.from((request.headers.authorization ?? '').replace('Basic ', ''), 'base64')
      .toString()
      .split(':');
    const clientId = basicId || form['client_id'] || '';
    const secret = clients.get(clientId);
    if (secret && secret !== (basicSecret ?? form['client_secret'])) return refuse(response, 'invalid_client');
    if (form['grant_type'] === 'refresh_token') {
      refreshScopes.push(form['scope']);
      const token = form['refresh_token'] ?? '';
      const given = refreshTokens.get(token);
      refreshTokens.delete(token);
      if (given?.clientId !== clientId) return refuse(response, 'invalid_grant');
      counts.refreshed += 1;
      return grant(response, given);
    }
    const code = codes.get(form['code'] ?? '');
    codes.delete(form['code'] ?? '');
    const challenge = createHash('sha256')
      .update(form['code_verifier'] ?? '')
      .digest('base64url');
    if (code?.clientId !== clientId || code.challenge !== challenge || code.redirectUri !== form['redirect_uri'])
      return refuse(response, 'invalid_grant');
    counts.redeemed += 1;
    return grant(response, { clientId, scope: grants ?? code.scope });
  };

  const register = async (request: IncomingMessage, response: ServerResponse) => {
    const metadata: unknown = JSON.parse(await formOf(request));
    if (
      typeof metadata !== 'object' ||
      metadata === null ||
      !('redirect_uris' in metadata) ||
      !Array.isArray(metadata.redirect_uris)
    )
      return refuse(response, 'invalid_client_metadata');
    const clientId = randomUUID();
    counts.registered += 1;
    clients.set(clientId, null);
    redirects.set(clientId, metadata.redirect_uris.map(String));
    send(response, 201, { ...metadata, client_id: clientId, token_endpoint_auth_method: 'none' });
  };

  const http = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', origin);
    if (pathname === '/.well-known/oauth-authorization-server') {
      return send(response, 200, {
        issuer: origin,
        authorization_endpoint: `${origin}/authorize`,
        token_endpoint: `${origin}/token`,
        ...(known === undefined && !metadataDocuments ? { registration_endpoint: `${origin}/register` } : {}),
        ...(metadataDocuments ? { client_id_metadata_document_supported: true } : {}),
        response_types_supported: ['code'],
        grant_types_supported: ['authorization_code', 'refresh_token'],
        code_challenge_methods_supported: ['S256'],
        token_endpoint_auth_methods_supported: ['none', 'client_secret_basic', 'client_secret_post'],
        authorization_response_iss_parameter_supported: true,
      });
    }
    if (pathname === '/authorize') return authorize(searchParams, response);
    if (pathname === '/token') return void redeem(request, response);
    if (pathname === '/register') return void register(request, response);
    return void response.writeHead(404).end();
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const address = http.address();
  origin = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;

  return {
    counts,
    /** The requested scope of each visit to the authorization page. */
    scopesAsked,
    /** The requested scope of each refresh that was answered. */
    refreshScopes,
    /** Answers the next requests of tokens with these functions, one each. */
    failNext: (...next: readonly ((response: ServerResponse) => void)[]) => void failures.push(...next),
    /** For an MCP server: accepts tokens with `scope`, or with the scope that `scopeFor` returns for a request. */
    gate(scope: string, scopeFor: (request: IncomingMessage) => string = () => scope) {
      return (request: IncomingMessage, response: ServerResponse): boolean => {
        const resource = `http://${request.headers.host}`;
        if (request.url?.startsWith('/.well-known/oauth-protected-resource') === true) {
          send(response, 200, { resource: `${resource}/mcp`, authorization_servers: [origin] });
          return true;
        }
        const metadata = `resource_metadata="${resource}/.well-known/oauth-protected-resource/mcp"`;
        const given = accessTokens.get((request.headers.authorization ?? '').replace('Bearer ', ''));
        const wanted = scopeFor(request);
        if (given === undefined)
          response.writeHead(401, { 'www-authenticate': `Bearer ${metadata}, scope="${scope}"` }).end();
        else if (!given.scope.split(' ').includes(wanted))
          response
            .writeHead(403, { 'www-authenticate': `Bearer error="insufficient_scope", scope="${wanted}", ${metadata}` })
            .end();
        else return false;
        return true;
      };
    },
    /** Plays the browser: opens the page and follows redirects. Resolves with the last page. */
    browse: async (url: string) => {
      const page = await visit(url);
      return { status: page.status, text: await page.text() };
    },
    expire: () => accessTokens.clear(),
    revoke() {
      accessTokens.clear();
      refreshTokens.clear();
    },
    async stop() {
      const closed = once(http, 'close');
      http.close();
      http.closeAllConnections();
      await closed;
    },
  };
}
