/** Describes why no connection to a provider came about, from the error codes of Node. */
import { isObject, ownValue, textOf } from '../../json.ts';

/** The end of a sentence about the connection. `reason`: an error code, '' if unknown. */
export function explainConnection(reason: string): string {
  const cause =
    ownValue(connectionErrors, reason) ??
    (reason === '' ? 'the connection failed' : `the connection failed (${reason})`);
  return untrustedCertificates.has(reason)
    ? `${cause}. If a private CA issued it, set NODE_EXTRA_CA_CERTS to the file of that CA's certificate and restart`
    : cause;
}

/** Descriptions of Node's error codes. */
const connectionErrors: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'no server listens there',
  ENOTFOUND: 'the host name is unknown',
  EAI_AGAIN: 'the host name could not be looked up',
  ECONNRESET: 'the connection was closed',
  EPIPE: 'the connection was closed',
  EHOSTUNREACH: 'the host has no route',
  ENETUNREACH: 'the network is unreachable',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is self-signed',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate cannot be verified',
  UNABLE_TO_GET_ISSUER_CERT: 'the issuer of its certificate is unknown',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'the issuer of its certificate is unknown',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another host',
  ERR_PROXY_TUNNEL: 'the proxy did not connect to it',
  EPROTO: 'the server does not use TLS',
  ERR_SSL_WRONG_VERSION_NUMBER: 'the server does not use TLS',
};

/** Codes of certificates that a further CA may make valid. */
const untrustedCertificates: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
]);

/** The innermost error code in a chain of causes, '' if none has a code. */
export function rootCode(error: unknown): string {
  let code = '';
  let cause = error;
  for (let depth = 0; depth < 5 && isObject(cause); depth += 1) {
    code = textOf(cause['code']) ?? code;
    cause = cause['cause'];
  }
  return code;
}
