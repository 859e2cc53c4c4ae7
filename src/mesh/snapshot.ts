/**
 * A Snapshot is everything that Padlock read, as plain data: what the pure rooms evaluate, what `padlock
 * snapshot` saves, and what every command takes back with `-f`. It never holds secrets.
 */
import type { KubeObject } from '../istio/kubernetes.ts';

/** Where an object was read from: a file's document, or a cluster's context. */
export interface Origin {
  /** A file path, `-` for standard input, or `context NAME` for a cluster. */
  readonly source: string;
  /** 1-based line of the document's first line; only for files. Positions of fields are worked out when printing. */
  readonly line?: number;
}

export interface SnapshotObject {
  readonly object: KubeObject;
  readonly origin: Origin;
}

/** Something that could not be read, and why: it turns answers that rest on it into INCONCLUSIVE. */
export interface Unseen {
  /** What was asked for, in kubectl's notation: `peerauthentications.security.istio.io`. */
  readonly resource: string;
  /** Absent: in all namespaces. */
  readonly namespace?: string;
  readonly reason: string;
}

export interface Snapshot {
  /** What was read: the files' names, or `context NAME`. */
  readonly source: string;
  /** RFC 3339; absent for manifests, which have no moment. */
  readonly takenAt?: string;
  readonly objects: readonly SnapshotObject[];
  readonly unseen: readonly Unseen[];
}
