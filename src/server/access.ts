/**
 * Who may talk to the dashboard. Loopback keeps other machines out; these checks keep out other users of this machine and
 * other pages in the user's browser:
 * - a random token, exchanged for a cookie that scripts cannot read (HttpOnly) and other sites cannot send (SameSite=Strict);
 * - the Host header must name loopback, so that a name that an attacker's DNS points at 127.0.0.1 does not get in;
 * - the Origin, where one is sent, must be the page's own. Ports are one "site" to cookies, so a page on another local port
 *   would be let in by SameSite alone;
 * - a key beside the cookie, which the page keeps in its origin's storage and sends in a header. Cookies know no ports:
 *   whatever else listens on 127.0.0.1 is handed the cookie by a browser that visits it, but never the key.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

const loopbackHosts: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '[::1]']);

/** It carries the key; a form or an image of another page cannot send it at all. */
export const keyHeader = 'x-padlock';

export interface AccessOptions {
  /** The token that the printed address carries; good for as long as the server runs. */
  readonly token: string;
  /** A token that is good for one exchange: for the address that is handed to the browser on a command line. */
  readonly once?: string;
  /** Part of the cookie's name: cookies are shared by all ports of a host. */
  readonly name: string;
}

export interface Admission {
  /** The `Set-Cookie` value. */
  readonly cookie: string;
  /** Where to go; the key is in the fragment, which no server and no Referer ever sees. */
  readonly location: string;
}

export class Access {
  readonly #token: string;
  #once: string | undefined;
  readonly #cookie: string;
  readonly #session: string;
  readonly #key: string;

  constructor({ token, once, name }: AccessOptions) {
    this.#token = token;
    this.#once = once;
    this.#cookie = `padlock-${name}`;
    // Not the token itself, and neither tells the other.
    this.#session = createHmac('sha256', token).update('session').digest('base64url');
    this.#key = createHmac('sha256', token).update('key').digest('base64url');
  }

  /** @returns what a right token is exchanged for; undefined for any other. */
  exchange(token: string): Admission | undefined {
    const once = this.#once !== undefined && same(token, this.#once);
    if (once) this.#once = undefined;
    if (!once && !same(token, this.#token)) return undefined;
    return {
      cookie: `${this.#cookie}=${this.#session}; HttpOnly; SameSite=Strict; Path=/`,
      location: `/#key=${this.#key}`,
    };
  }

  /** True where the request carries the cookie and the key. */
  mayAsk(request: Request): boolean {
    return this.hasCookie(request) && same(request.headers.get(keyHeader) ?? '', this.#key);
  }

  /** True where the request carries the cookie: enough for the page itself, which is the same for everybody. */
  hasCookie(request: Request): boolean {
    const cookies = (request.headers.get('cookie') ?? '').split(/;\s*/);
    return cookies.some((cookie) => {
      const [name, value = ''] = splitOnce(cookie, '=');
      return name === this.#cookie && same(value, this.#session);
    });
  }
}

/**
 * The reason why a request comes from the wrong place, or null.
 * @param changes it is not a mere read: then the Origin must be there
 */
export function wrongPlace(request: Request, changes: boolean): string | null {
  const host = request.headers.get('host') ?? '';
  if (!loopbackHosts.has(host.replace(/:\d+$/, ''))) {
    return `the dashboard answers on loopback only, not as "${host}"`;
  }
  const origin = request.headers.get('origin');
  if (origin !== null && origin !== `http://${host}`) return 'the request comes from another page';
  const site = request.headers.get('sec-fetch-site');
  if (site === 'cross-site' || site === 'same-site') {
    const opens = request.headers.get('sec-fetch-mode') === 'navigate' && !changes;
    if (!opens) return 'the request comes from another page';
  }
  if (changes && origin === null) return 'the request does not say which page it comes from';
  return null;
}

/** Compares without telling by time how much was right. */
function same(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

function splitOnce(text: string, separator: string): readonly [string, string?] {
  const at = text.indexOf(separator);
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}
