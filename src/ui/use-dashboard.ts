/** The page's memory: what the server said, what the worker made of it, and what happens. */
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import type { DashboardEvent, DashboardState, ObservedView } from '../server/wire.ts';
import { ApiError, getJson } from './api.ts';
import { listen } from './event-feed.ts';
import { pageKey } from './page-key.ts';
import type { MeshSummary } from './worker/protocol.ts';
import { WorkerClient, WorkerError } from './worker-client.ts';

export type Connection = 'loading' | 'live' | 'reconnecting' | 'signed-out' | 'failed';

export interface Dashboard {
  readonly state: DashboardState | undefined;
  readonly mesh: MeshSummary | undefined;
  readonly connection: Connection;
  readonly problem: string | undefined;
  /** Newest first. */
  readonly events: readonly NumberedEvent[];
  /** Counts up with every word about a rollout. */
  readonly rolloutTick: number;
  readonly worker: WorkerClient;
  readonly observing: Observing;
}

export interface Observing {
  readonly on: boolean;
  readonly view: ObservedView | undefined;
  readonly error: string | undefined;
  readonly turn: (on: boolean) => void;
}

export type NumberedEvent = DashboardEvent & { readonly number: number };

const keptEvents = 400;

export function useDashboard(): Dashboard {
  const worker = useMemo(() => new WorkerClient(), []);
  const [state, setState] = useState<DashboardState>();
  const [mesh, setMesh] = useState<MeshSummary>();
  const [connection, setConnection] = useState<Connection>('loading');
  const [problem, setProblem] = useState<string>();
  const [events, setEvents] = useState<readonly NumberedEvent[]>([]);
  const [rolloutTick, setRolloutTick] = useState(0);
  const numbers = useRef(0);

  const fail = useCallback((error: unknown) => {
    const status = error instanceof ApiError || error instanceof WorkerError ? error.status : 0;
    if (status === 401) setConnection('signed-out');
    else {
      setConnection((before) => (before === 'loading' ? 'failed' : 'reconnecting'));
      setProblem(error instanceof Error ? error.message : String(error));
    }
  }, []);

  const refresh = useSerial(async () => {
    try {
      const next = await getJson<DashboardState>('/api/state');
      const summary = await worker.ask('load', {
        key: pageKey(),
        ...(next.namespaces === undefined ? {} : { asked: next.namespaces }),
      });
      setState(next);
      setMesh(summary);
      setProblem(next.problem);
      setConnection('live');
    } catch (error) {
      fail(error);
    }
  });

  const hear = useCallback(
    (event: DashboardEvent) => {
      if (event.kind === 'snapshot') {
        refresh();
        return;
      }
      if (event.kind === 'rollout') setRolloutTick((tick) => tick + 1);
      if (event.kind === 'connection') setProblem(event.state === 'lost' ? event.says : undefined);
      if (event.kind === 'rollout' && event.says === '') return;
      numbers.current++;
      const numbered = { ...event, number: numbers.current };
      setEvents((before) => [numbered, ...before].slice(0, keptEvents));
    },
    [refresh],
  );

  useEffect(() => {
    refresh();
    return listen({
      hear,
      // Another boot is another server: what was heard before is kept, what was read is read again.
      hello: () => {
        refresh();
        setRolloutTick((tick) => tick + 1);
      },
      lost: () => setConnection((before) => (before === 'live' ? 'reconnecting' : before)),
      refused: async () => {
        try {
          await getJson<DashboardState>('/api/state');
        } catch (error) {
          fail(error);
        }
      },
    });
  }, [refresh, hear, fail]);

  const observing = useObserving(worker, setMesh);
  return { state, mesh, connection, problem, events, rolloutTick, worker, observing };
}

const observeEveryMs = 4_000;

/** While it is on, traffic is asked for every few seconds; what was seen stays in the picture until it is turned off. */
function useObserving(worker: WorkerClient, show: (mesh: MeshSummary) => void): Observing {
  const [on, turn] = useState(false);
  const [view, setView] = useState<ObservedView>();
  const [error, setError] = useState<string>();
  const last = useRef('[]');
  useEffect(() => {
    const ended = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const draw = async (next: ObservedView | undefined): Promise<void> => {
      const calls = next?.calls ?? [];
      const text = JSON.stringify(calls);
      setView(next);
      // The same traffic draws the same picture.
      if (text === last.current) return;
      last.current = text;
      show(await worker.ask('observe', { calls }));
    };
    const look = async (): Promise<void> => {
      const began = performance.now();
      try {
        await draw(await getJson<ObservedView>('/api/observed', ended.signal));
        setError(undefined);
      } catch (thrown) {
        if (ended.signal.aborted) return;
        setError(thrown instanceof Error ? thrown.message : String(thrown));
      }
      // A mesh that takes long to look at is looked at less often.
      const rest = Math.max(observeEveryMs, 3 * (performance.now() - began));
      if (!ended.signal.aborted) timer = setTimeout(() => void look(), rest);
    };
    if (on) void look();
    else if (last.current !== '[]') void draw(undefined);
    return () => {
      ended.abort();
      clearTimeout(timer);
    };
  }, [on, worker, show]);
  return { on, view, error, turn };
}

/** Runs a task one at a time; calls meanwhile lead to one more run. */
function useSerial(task: () => Promise<void>): () => void {
  const latest = useRef(task);
  useEffect(() => {
    latest.current = task;
  });
  const running = useRef(false);
  const again = useRef(false);
  return useCallback(() => {
    const run = async (): Promise<void> => {
      running.current = true;
      again.current = false;
      await latest.current();
      running.current = false;
      if (again.current) await run();
    };
    if (running.current) again.current = true;
    else void run();
  }, []);
}
