/** The proxy's secrets as SDS delivers them: `default`, its own certificate, and `ROOTCA`, the roots that it trusts. */
import { X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import type { WorkloadCertificate } from '../../ca/mesh-ca.ts';
import type { CommonTlsContext } from '../config/tls.ts';
import { readRoots, type TrustedRoots } from './peer-verification.ts';

export interface LoadedSecret<T> {
  readonly value: T;
  readonly version: string;
  /** Milliseconds since the epoch. */
  readonly loadedAt: number;
}

export interface OwnCertificate extends WorkloadCertificate {
  readonly leaf: X509Certificate;
}

export interface RootBundle extends TrustedRoots {
  readonly pem: string;
}

/** New connections use what was put last; connections that are open keep what they were made with. */
export class Secrets {
  readonly #now: () => number;
  readonly #contexts = new Map<string, SecureContext>();
  #certificate: LoadedSecret<OwnCertificate> | undefined;
  #roots: LoadedSecret<RootBundle> | undefined;
  #version = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  get certificate(): LoadedSecret<OwnCertificate> | undefined {
    return this.#certificate;
  }

  get roots(): LoadedSecret<RootBundle> | undefined {
    return this.#roots;
  }

  putCertificate(certificate: WorkloadCertificate): void {
    this.#certificate = this.#loaded({ ...certificate, leaf: new X509Certificate(certificate.chain) });
  }

  putRoots(pem: string): void {
    this.#roots = this.#loaded({ ...readRoots(pem), pem });
  }

  /** Node's context for one of Envoy's TLS contexts with the proxy's own certificate; made once for each renewal. */
  context(tls: CommonTlsContext, withCertificate: boolean): SecureContext {
    const { tls_minimum_protocol_version: minimum, cipher_suites: suites } = tls.tls_params;
    const key = `${minimum} ${suites?.join(':') ?? ''} ${withCertificate}`;
    let context = this.#contexts.get(key);
    if (context === undefined) {
      const own = withCertificate ? this.#certificate?.value : undefined;
      context = createSecureContext({
        ...(own === undefined ? {} : { cert: own.chain, key: own.privateKey }),
        minVersion: minimum === 'TLSv1_3' ? 'TLSv1.3' : 'TLSv1.2',
        maxVersion: 'TLSv1.3',
        ciphers: [...tls13Suites, ...(suites ?? defaultSuites)].join(':'),
      });
      this.#contexts.set(key, context);
    }
    return context;
  }

  #loaded<T>(value: T): LoadedSecret<T> {
    this.#version += 1;
    this.#contexts.clear();
    const loadedAt = this.#now();
    const second = new Date(loadedAt).toISOString().replace(/\.\d+Z$/, 'Z');
    return { value, version: `${second}/${this.#version}`, loadedAt };
  }
}

/** BoringSSL's preference on machines with AES hardware; `cipher_suites` speaks of TLS 1.2 only. */
const tls13Suites = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'];
const defaultSuites = [
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
];
