/** Reads the metrics page of a running server as numbers. */
import assert from 'node:assert/strict';

/** The URL of a page of the server with this WebSocket URL. */
export const pageOf = (url: string, path: string) => new URL(path, url.replace('ws:', 'http:'));

/**
 * Every sample by its name and labels as written, e.g. `parley_turns_total{end="stop"}`. `token` is the bearer token;
 * null sends none.
 */
export async function readMetrics(url: string, token: string | null = null): Promise<ReadonlyMap<string, number>> {
  const response = await fetch(pageOf(url, '/metrics'), {
    headers: token === null ? {} : { authorization: `Bearer ${token}` },
  });
  assert.equal(response.status, 200);
  assert.match(response.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
  const samples = [...(await response.text()).matchAll(/^([a-z0-9_]+(?:\{.*\})?) (\S+)$/gm)];
  return new Map(samples.map(([, name = '', value]) => [name, Number(value)]));
}
