/** Who Padlock is to the API server: the headers and the client certificate that a kubeconfig user entry asks for. */
import { PadlockError } from '../../errors.ts';
import { asText, isObject, type JsonObject } from '../json-value.ts';
import { credentialFile, fileOrData } from './credential-files.ts';
import { type ExecCredentials, runExecPlugin } from './exec-plugin.ts';
import { OidcLogin } from './oidc.ts';

export interface ClientIdentity {
  readonly headers: Readonly<Record<string, string>>;
  /** PEM. */
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
}

export interface CredentialSource {
  /** What to present now: tokens that ran out have been renewed. */
  current(): Promise<ClientIdentity>;
  /**
   * The API server answered 401 to this Authorization header: the login behind it is thrown away.
   * @returns whether another try can end otherwise
   */
  refuse(authorization: string | undefined): boolean;
}

export interface CredentialEnvironment {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Milliseconds since the epoch. */
  now(): number;
  /** For exec plug-ins that ask for it (`provideClusterInfo`). */
  readonly cluster: JsonObject;
  /** A person can answer a plug-in's questions. */
  readonly isTerminal: boolean;
}

/** Renew this long before a credential runs out, so that it cannot run out on its way. */
const earlyMs = 10_000;

/**
 * @param user a kubeconfig user entry with absolute paths
 * @throws PadlockError `KUBECONFIG_INVALID` where it asks for something that does not exist any more
 */
export function credentialsFor(user: JsonObject, effects: CredentialEnvironment): CredentialSource {
  const provider = user['auth-provider'];
  if (isObject(user.exec)) return new PluginCredentials(user, user.exec, effects);
  if (isObject(provider)) {
    const name = asText(provider.name) ?? '';
    if (name !== 'oidc') {
      throw new PadlockError('KUBECONFIG_INVALID', `the auth-provider "${name}" is gone from Kubernetes`, {
        hint: 'write the kubeconfig anew with your provider’s tool; it will use an exec plug-in',
      });
    }
    const login = new OidcLogin(provider);
    return {
      current: async () => withCertificate(user, { authorization: await login.header() }),
      refuse: () => false,
    };
  }
  return { current: async () => withCertificate(user, await staticHeaders(user)), refuse: () => false };
}

async function staticHeaders(user: JsonObject): Promise<Readonly<Record<string, string>>> {
  const tokenFile = asText(user.tokenFile);
  // Read each time: the kubelet renews a pod's token in place.
  if (tokenFile)
    return { authorization: `Bearer ${(await credentialFile(tokenFile)).toString('utf8').trim()}` };
  const token = asText(user.token);
  if (token) return { authorization: `Bearer ${token}` };
  const name = asText(user.username);
  if (name) {
    const basic = Buffer.from(`${name}:${asText(user.password) ?? ''}`).toString('base64');
    return { authorization: `Basic ${basic}` };
  }
  return {};
}

async function withCertificate(
  user: JsonObject,
  headers: Readonly<Record<string, string>>,
): Promise<ClientIdentity> {
  const cert = await fileOrData(user, 'client-certificate');
  const key = await fileOrData(user, 'client-key');
  return { headers, ...(cert === undefined ? {} : { cert }), ...(key === undefined ? {} : { key }) };
}

class PluginCredentials implements CredentialSource {
  readonly #user: JsonObject;
  readonly #exec: JsonObject;
  readonly #effects: CredentialEnvironment;
  #running: Promise<ExecCredentials> | undefined;
  #authorization: string | undefined;

  constructor(user: JsonObject, exec: JsonObject, effects: CredentialEnvironment) {
    this.#user = user;
    this.#exec = exec;
    this.#effects = effects;
  }

  async current(): Promise<ClientIdentity> {
    const run = this.#running ?? this.#run();
    let credentials = await run;
    const { expiresAt } = credentials;
    if (expiresAt !== undefined && this.#effects.now() > expiresAt - earlyMs) {
      // Requests that wait together see the same end together; one of them runs the plug-in for all.
      const newer = this.#running === run ? undefined : this.#running;
      credentials = await (newer ?? this.#run());
    }
    const authorization = credentials.token === undefined ? undefined : `Bearer ${credentials.token}`;
    this.#authorization = authorization;
    const headers: Readonly<Record<string, string>> = authorization === undefined ? {} : { authorization };
    if (credentials.cert !== undefined && credentials.key !== undefined) {
      return { headers, cert: credentials.cert, key: credentials.key };
    }
    return withCertificate(this.#user, headers);
  }

  refuse(authorization: string | undefined): boolean {
    // Requests that were under way together are refused together; only the first one throws the login away.
    if (authorization === this.#authorization) {
      this.#running = undefined;
      this.#authorization = undefined;
    }
    return true;
  }

  /** One run for all requests that wait for it; a failed run is not remembered. */
  #run(): Promise<ExecCredentials> {
    const run = runExecPlugin(this.#exec, this.#effects);
    this.#running = run;
    run.catch(() => {
      if (this.#running === run) this.#running = undefined;
    });
    return run;
  }
}
