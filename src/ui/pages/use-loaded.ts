/** Loads something whenever its key changes; the last answer stays while the next is on its way. */
import { useEffect, useState } from 'react';
import { ApiError } from '../api.ts';

export interface Loaded<Type> {
  readonly value: Type | undefined;
  readonly loading: boolean;
  readonly error: { readonly message: string; readonly hint?: string } | undefined;
}

export function useLoaded<Type>(load: (signal: AbortSignal) => Promise<Type>, key: string): Loaded<Type> {
  const [state, setState] = useState<Loaded<Type>>({ value: undefined, loading: true, error: undefined });
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key says when to load again; the function is new each time
  useEffect(() => {
    const gone = new AbortController();
    setState((before) => ({ ...before, loading: true }));
    load(gone.signal).then(
      (value) => setState({ value, loading: false, error: undefined }),
      (error: unknown) => {
        if (gone.signal.aborted) return;
        const hint = error instanceof ApiError ? error.hint : undefined;
        const message = error instanceof Error ? error.message : String(error);
        setState((before) => ({
          ...before,
          loading: false,
          error: { message, ...(hint === undefined ? {} : { hint }) },
        }));
      },
    );
    return () => gone.abort();
  }, [key]);
  return state;
}
