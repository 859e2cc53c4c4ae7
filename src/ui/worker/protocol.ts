/** What the page asks its worker, and what it hears back: types only. */
import type { ChangeKind } from '../../mesh/diff.ts';
import type { Choice } from '../../mesh/graph/choice.ts';
import type { EdgeDetail, PairDetail, WorkloadDetail } from '../../mesh/graph/details.ts';
import type { EdgeState } from '../../mesh/graph/edge-state.ts';
import type { ObservedCall } from '../../mesh/graph/observed.ts';
import type { GraphView, ViewEdge } from '../../mesh/graph/view.ts';

export interface NamespaceSummary {
  /** `''`: outside the mesh. */
  readonly name: string;
  readonly workloads: number;
  /** Kubernetes' and Istio's own: hidden at first unless it was asked about. */
  readonly system: boolean;
}

export interface MeshSummary {
  /** Counts up with each snapshot and each observation. */
  readonly revision: number;
  readonly namespaces: readonly NamespaceSummary[];
  readonly rootNamespace: string;
  readonly workloads: readonly {
    readonly id: string;
    readonly namespace: string;
    readonly name: string;
    readonly ports: readonly number[];
  }[];
  /** What could not be read. */
  readonly unseen: readonly string[];
  readonly observed: boolean;
}

/** Which revision of the mesh is asked about: another one is another question. */
export interface AtRevision {
  readonly revision: number;
}

export interface ViewRequest extends AtRevision {
  readonly collapsed: readonly string[];
  readonly shown: readonly string[];
  readonly only: 'all' | 'not-mtls';
  readonly observedOnly: boolean;
  /** So many lines are drawn, the seen and the worst first; the rest is counted. */
  readonly limit: number;
  /** Draw the mesh as it would be. */
  readonly choice?: Choice;
}

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface LaidOutView extends Omit<GraphView, 'edges'> {
  readonly edges: readonly (ViewEdge & { readonly before?: EdgeState })[];
  readonly boxes: Readonly<Record<string, Box>>;
  /** Frames of the namespaces that are open. */
  readonly frames: readonly (Box & { readonly namespace: string })[];
  readonly milliseconds: { readonly view: number; readonly layout: number };
}

export interface ChangeGroup {
  readonly change: ChangeKind;
  readonly clients: readonly string[];
  readonly host: string;
  readonly port: number;
  readonly server: string;
  readonly targetPort: number;
  readonly before: string;
  readonly after: string;
  /** The last reason of the chain: what comes of it. */
  readonly why: string;
}

export interface WhatIfAnswer {
  readonly yaml: string;
  readonly resource: string;
  /** The policy exists and would be changed. */
  readonly changes: boolean;
  readonly alsoSelects: readonly string[];
  readonly edges: readonly ChangeGroup[];
  readonly ports: readonly {
    readonly change: ChangeKind;
    readonly workload: string;
    readonly port: number;
  }[];
  /** Client workloads that would be refused. */
  readonly broken: readonly string[];
  readonly milliseconds: number;
}

export type EdgeAnswer =
  | { readonly kind: 'pair'; readonly detail: EdgeDetail }
  | {
      readonly kind: 'pairs';
      readonly source: string;
      readonly target: string;
      readonly pairs: readonly PairDetail[];
      readonly more: number;
    };

/** Each question with its answer. */
export interface Questions {
  /** A worker has no storage to read the key from. */
  readonly load: {
    readonly ask: { readonly key: string; readonly asked?: readonly string[] };
    readonly answer: MeshSummary;
  };
  /** Traffic that was seen; the graph is made anew with it. */
  readonly observe: {
    readonly ask: { readonly calls: readonly ObservedCall[] };
    readonly answer: MeshSummary;
  };
  readonly view: { readonly ask: ViewRequest; readonly answer: LaidOutView };
  readonly workload: {
    readonly ask: AtRevision & { readonly id: string };
    readonly answer: WorkloadDetail | undefined;
  };
  readonly edge: {
    readonly ask: AtRevision & { readonly source: string; readonly target: string };
    readonly answer: EdgeAnswer | undefined;
  };
  readonly whatIf: {
    readonly ask: AtRevision & { readonly choice: Choice };
    readonly answer: WhatIfAnswer | undefined;
  };
}

export type Topic = keyof Questions;

export type Question = {
  [Name in Topic]: { readonly number: number; readonly topic: Name; readonly ask: Questions[Name]['ask'] };
}[Topic];

export type Reply =
  | { readonly number: number; readonly answer: unknown }
  | { readonly number: number; readonly status: number; readonly error: string };
