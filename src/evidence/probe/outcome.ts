/** What a probe met. The words are the same for every way of probing; verdicts are drawn elsewhere. */

/** What came back, for the evidence: refusals whole, an application's answer as its size and SHA-256 only. */
export interface Raw {
  readonly raw?: string;
}

/** A plaintext caller's experience. Only `answered` shows that plaintext got through. */
export type PlaintextOutcome = Raw & PlaintextExperience;

type PlaintextExperience =
  /** `by`: bytes of the application came back, or of the proxy before it; either way plaintext was taken. */
  | { readonly kind: 'answered'; readonly by: 'application' | 'proxy'; readonly detail: string }
  /** Accepted and then reset: how a STRICT sidecar refuses plaintext; an application could do the same. */
  | { readonly kind: 'reset'; readonly detail: string }
  /** Accepted and then closed without a byte. */
  | { readonly kind: 'closed'; readonly detail: string }
  /** Connection refused: nothing listens, and no proxy stands before it. */
  | { readonly kind: 'nothing-listens'; readonly detail: string }
  /** The connection itself got no answer: dropped on the way, as network policies and firewalls do. */
  | { readonly kind: 'dropped'; readonly detail: string }
  /** Connected, and then no answer in time: a server that waits. */
  | { readonly kind: 'timeout'; readonly detail: string }
  | { readonly kind: 'unreachable'; readonly detail: string }
  | { readonly kind: 'not-allowed'; readonly right: string; readonly detail: string }
  /** The probe itself did not work. */
  | { readonly kind: 'not-run'; readonly detail: string };

/** What a caller outside the mesh shows of itself. */
export type ShownCertificate = 'none' | 'self-signed';

/** The experience of a caller who speaks TLS but is nobody to the mesh. STRICT refuses it. */
export type ForeignTlsOutcome = Raw & ForeignTlsExperience;

type ForeignTlsExperience =
  /** An HTTP answer came through that TLS: by whom it was ended, the application or its proxy, is not told. */
  | { readonly kind: 'answered'; readonly shown: ShownCertificate; readonly detail: string }
  | {
      readonly kind: 'refused';
      readonly shown: ShownCertificate;
      readonly detail: string;
      /** SPIFFE ids of the certificate that the server showed, where the handshake went so far. */
      readonly served?: readonly string[];
      /** The leaf's SHA-256, where it is not the one in the proxy's dump. */
      readonly otherCertificate?: string;
    }
  | { readonly kind: 'not-run'; readonly shown: ShownCertificate; readonly detail: string };

/** A mesh client's experience. Only `accepted` shows mutual TLS with the expected identities. */
export type MutualTlsOutcome = Raw & MutualTlsExperience;

type MutualTlsExperience =
  | {
      readonly kind: 'accepted';
      readonly client: string;
      readonly server: string;
      /** What shows it: the header that the application echoed, the server's access log, or its counters. */
      readonly shownBy: 'xfcc' | 'access-log' | 'metrics';
      readonly detail: string;
    }
  | { readonly kind: 'wrong-identity'; readonly detail: string }
  /** The request arrived, but not by mutual TLS. */
  | { readonly kind: 'plaintext'; readonly detail: string }
  /** The TLS handshake failed. */
  | { readonly kind: 'tls-failed'; readonly detail: string }
  /** The client's sidecar got no answer, for another or no stated reason. */
  | { readonly kind: 'unavailable'; readonly detail: string }
  /** An answer came, but nothing shows by which way. */
  | { readonly kind: 'unrecorded'; readonly detail: string }
  | { readonly kind: 'not-allowed'; readonly right: string; readonly detail: string }
  | { readonly kind: 'not-run'; readonly detail: string };

/** Where and how a probe was made; goes into the evidence. */
export interface ProbeRecord<Outcome> {
  /** `NAMESPACE/POD:PORT`, or a URL. */
  readonly target: string;
  /** `API server’s pod proxy`, `curl in shop/sleep-1 (istio-proxy)`. */
  readonly caller: string;
  /** RFC 3339. */
  readonly at: string;
  readonly outcome: Outcome;
}
