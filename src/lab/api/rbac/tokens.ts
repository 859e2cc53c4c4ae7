/** Service account tokens: JSON Web Tokens that the API server signs (ES256) and takes back as bearer tokens. */
import { createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import type { KubeObject } from '../../../istio/kubernetes.ts';
import type { Store } from '../../store/store.ts';
import { isObject, type JsonObject, numberAt, objectAt, stringAt, stringsAt } from '../json.ts';
import { serviceAccountUser } from './authorizer.ts';
import type { User } from './user.ts';

export const defaultAudience = 'https://kubernetes.default.svc.cluster.local';

export interface TokenClaims {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly audiences: readonly string[];
  readonly expirationSeconds: number;
  readonly pod?: { readonly name: string; readonly uid: string };
}

export class TokenIssuer {
  readonly #store: Store<KubeObject>;
  readonly #now: () => Date;
  readonly #privateKey: KeyObject;
  readonly #publicKey: KeyObject;

  constructor(store: Store<KubeObject>, now: () => Date) {
    this.#store = store;
    this.#now = now;
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.#privateKey = privateKey;
    this.#publicKey = createPublicKey(privateKey);
  }

  /** @returns a signed token for a service account. */
  issue(claims: TokenClaims): string {
    const now = Math.trunc(this.#now().getTime() / 1000);
    const payload = {
      aud: claims.audiences,
      exp: now + claims.expirationSeconds,
      iat: now,
      nbf: now,
      iss: defaultAudience,
      sub: serviceAccountUser(claims.namespace, claims.name),
      'kubernetes.io': {
        namespace: claims.namespace,
        serviceaccount: { name: claims.name, uid: claims.uid },
        ...(claims.pod === undefined ? {} : { pod: claims.pod }),
      },
    };
    const text = `${encode({ alg: 'ES256', typ: 'JWT' })}.${encode(payload)}`;
    const signature = sign('sha256', Buffer.from(text), { key: this.#privateKey, dsaEncoding: 'ieee-p1363' });
    return `${text}.${signature.toString('base64url')}`;
  }

  /** @returns the user of a bearer token, or undefined where it is none of ours, has expired, or its account is gone. */
  authenticate(token: string, audience = defaultAudience): User | undefined {
    const payload = this.#verified(token);
    if (payload === undefined) return undefined;
    const seconds = this.#now().getTime() / 1000;
    const isNow =
      (numberAt(payload, 'nbf') ?? 0) <= seconds + 60 && (numberAt(payload, 'exp') ?? 0) > seconds;
    if (!isNow || !stringsAt(payload, 'aud').includes(audience)) return undefined;
    const claims = objectAt(payload, 'kubernetes.io');
    const namespace = stringAt(claims, 'namespace') ?? '';
    const account = objectAt(claims, 'serviceaccount');
    const name = stringAt(account, 'name') ?? '';
    const stored = this.#store.get('serviceaccounts', `${namespace}/${name}`);
    if (stored === undefined || stored.metadata.uid !== stringAt(account, 'uid')) return undefined;
    return {
      name: serviceAccountUser(namespace, name),
      uid: stored.metadata.uid ?? '',
      groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
    };
  }

  #verified(token: string): JsonObject | undefined {
    const [header = '', payload = '', signature = '', ...rest] = token.split('.');
    if (rest.length > 0 || signature === '') return undefined;
    const isSigned = verify(
      'sha256',
      Buffer.from(`${header}.${payload}`),
      { key: this.#publicKey, dsaEncoding: 'ieee-p1363' },
      Buffer.from(signature, 'base64url'),
    );
    // What is signed by this server was written by it: it parses.
    const parsed: unknown = isSigned
      ? JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'))
      : undefined;
    return isObject(parsed) ? parsed : undefined;
  }
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
