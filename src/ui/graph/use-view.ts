/** Which part of the mesh is drawn, and how: what the person chose on top of what is sensible at first. */
import { useEffect, useMemo, useState } from 'react';
import type { Choice } from '../../mesh/graph/choice.ts';
import type { LaidOutView, MeshSummary, NamespaceSummary } from '../worker/protocol.ts';
import type { WorkerClient } from '../worker-client.ts';

export interface ViewState {
  readonly view: LaidOutView | undefined;
  readonly shown: ReadonlySet<string>;
  readonly collapsed: ReadonlySet<string>;
  readonly only: 'all' | 'not-mtls';
  readonly observedOnly: boolean;
  readonly choice: Choice | undefined;
  /** How many lines are drawn when more are asked for; `undefined` at the most. */
  readonly nextLimit: number | undefined;
  readonly drawMore: () => void;
  readonly show: (namespace: string, shown: boolean) => void;
  readonly collapse: (namespace: string, collapsed: boolean) => void;
  readonly collapseAll: (collapsed: boolean) => void;
  readonly setOnly: (only: 'all' | 'not-mtls') => void;
  readonly setObservedOnly: (observedOnly: boolean) => void;
  readonly setChoice: (choice: Choice | undefined) => void;
}

/** So many lines can be read; so many can be drawn and stay smooth; so many can be drawn at all. */
const limits = [400, 2_000, 5_000] as const;

/** More workloads than these are too many to be read at once: their namespaces begin collapsed. */
const readable = 60;

export function useView(
  worker: WorkerClient,
  mesh: MeshSummary,
  asked: readonly string[] | undefined,
): ViewState {
  const [shownBy, setShownBy] = useState<ReadonlyMap<string, boolean>>(new Map());
  const [collapsedBy, setCollapsedBy] = useState<ReadonlyMap<string, boolean>>(new Map());
  const [only, setOnly] = useState<'all' | 'not-mtls'>('all');
  const [observedOnly, setObservedOnly] = useState(false);
  const [step, setStep] = useState(0);
  const limit = limits[step] ?? limits[0];
  const [choice, setChoice] = useState<Choice>();
  const [view, setView] = useState<LaidOutView>();
  const { namespaces, revision } = mesh;

  const shown = useMemo(
    () =>
      namesWhere(
        namespaces,
        ({ name, system }) => shownBy.get(name) ?? (!system || asked?.includes(name) === true),
      ),
    [namespaces, shownBy, asked],
  );
  const collapsed = useMemo(() => {
    const total = namespaces.reduce((sum, { name, workloads }) => sum + (shown.has(name) ? workloads : 0), 0);
    return namesWhere(
      namespaces,
      ({ name }) => collapsedBy.get(name) ?? (total > readable && asked?.includes(name) !== true),
    );
  }, [namespaces, shown, collapsedBy, asked]);

  useEffect(() => {
    let stale = false;
    const request = {
      revision,
      collapsed: [...collapsed],
      shown: [...shown],
      only,
      observedOnly,
      limit,
      ...(choice === undefined ? {} : { choice }),
    };
    void worker.ask('view', request).then((answer) => {
      if (!stale) setView(answer);
    });
    return () => {
      stale = true;
    };
  }, [worker, revision, shown, collapsed, only, observedOnly, limit, choice]);

  return {
    view,
    shown,
    collapsed,
    only,
    observedOnly,
    choice,
    nextLimit: limits[step + 1],
    drawMore: () => setStep((before) => Math.min(before + 1, limits.length - 1)),
    show: (namespace, value) => setShownBy((before) => new Map(before).set(namespace, value)),
    collapse: (namespace, value) => setCollapsedBy((before) => new Map(before).set(namespace, value)),
    collapseAll: (value) => setCollapsedBy(new Map(namespaces.map(({ name }) => [name, value]))),
    setOnly,
    setObservedOnly,
    setChoice,
  };
}

function namesWhere(
  namespaces: readonly NamespaceSummary[],
  wanted: (namespace: NamespaceSummary) => boolean,
): ReadonlySet<string> {
  return new Set(namespaces.filter(wanted).map(({ name }) => name));
}
