/** Opens a page as a browser does: follows redirects and sends the cookies of each host. */

/** Resolves with the last page. `cookies` are those of one browser, by host. */
export async function visit(url: string, cookies = new Map<string, string[]>()): Promise<Response> {
  let next = url;
  for (;;) {
    const { hostname } = new URL(next);
    const page = await fetch(next, {
      redirect: 'manual',
      headers: { cookie: (cookies.get(hostname) ?? []).join('; ') },
    });
    const set = page.headers.getSetCookie().map((cookie) => cookie.split(';', 1)[0] ?? '');
    cookies.set(hostname, [...(cookies.get(hostname) ?? []), ...set]);
    const location = page.headers.get('location');
    if (page.status < 300 || page.status > 399 || location === null) return page;
    await page.body?.cancel();
    next = new URL(location, next).href;
  }
}
