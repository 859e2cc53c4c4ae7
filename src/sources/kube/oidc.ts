/** The kubeconfig's `auth-provider: oidc`: deprecated, still in use. Its refresh is @kubernetes/client-node's. */
import type { RequestOptions } from 'node:https';
import { PadlockError } from '../../errors.ts';
import { asTextMap, type JsonObject } from '../json-value.ts';

/** Remembers a renewed token as long as the process lives; the kubeconfig file is never written. */
export class OidcLogin {
  readonly #entry: { readonly name: string; readonly authProvider: { name: string; config: object } };
  #authenticator:
    | Promise<{ applyAuthentication(user: object, options: RequestOptions): Promise<void> }>
    | undefined;

  /** @param provider the kubeconfig user's `auth-provider` */
  constructor(provider: JsonObject) {
    const config = { ...asTextMap(provider.config) };
    this.#entry = { name: 'oidc', authProvider: { name: 'oidc', config } };
  }

  /**
   * The Authorization header, the identity token renewed where it ran out.
   * @throws PadlockError `CLUSTER_UNAUTHORIZED` where there is none and none can be had
   */
  async header(): Promise<string> {
    const headers: Record<string, string> = {};
    try {
      this.#authenticator ??= loadAuthenticator();
      const authenticator = await this.#authenticator;
      await authenticator.applyAuthentication(this.#entry, { headers });
    } catch (cause) {
      throw loggedOut('could not be renewed', cause);
    }
    const header = headers.Authorization;
    if (header === undefined) throw loggedOut('has run out', undefined);
    return header;
  }
}

async function loadAuthenticator() {
  // Imported on need: it pulls in the generated client, some 0.6 s and 86 MB (docs/decisions/0001).
  const { OpenIDConnectAuth } = await import('@kubernetes/client-node/dist/oidc_auth.js');
  const authenticator = new OpenIDConnectAuth();
  return {
    applyAuthentication: (user: object, options: RequestOptions) =>
      authenticator.applyAuthentication({ name: 'oidc', ...user }, options),
  };
}

function loggedOut(what: string, cause: unknown): PadlockError {
  return new PadlockError('CLUSTER_UNAUTHORIZED', `the OpenID Connect login of the kubeconfig ${what}`, {
    cause,
    hint: 'log in again with your provider’s tool',
  });
}
