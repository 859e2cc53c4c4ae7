/** Find by name: what is typed lights up, Enter goes there. */
import { useEffect, useRef } from 'react';
import { Icon } from '../icons.tsx';
import type { MeshSummary } from '../worker/protocol.ts';

export interface FindProps {
  readonly text: string;
  readonly matches: number;
  readonly mesh: MeshSummary;
  readonly change: (text: string) => void;
  readonly go: () => void;
}

export function Find({ text, matches, mesh, change, go }: FindProps) {
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const pressed = (event: KeyboardEvent): void => {
      const typing =
        event.target instanceof HTMLElement && /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
      if (event.key !== '/' || typing) return;
      event.preventDefault();
      input.current?.focus();
    };
    addEventListener('keydown', pressed);
    return () => removeEventListener('keydown', pressed);
  }, []);
  return (
    <form
      className="find"
      onSubmit={(event) => {
        event.preventDefault();
        go();
      }}
    >
      <Icon name="find" size={16} />
      <input
        ref={input}
        type="search"
        aria-label="Find a workload or namespace"
        placeholder="Find  ( / )"
        list="workload-names"
        value={text}
        onChange={({ target }) => change(target.value)}
      />
      <datalist id="workload-names">
        {mesh.workloads.slice(0, 500).map(({ id, namespace, name }) => (
          <option key={id} value={`${namespace}/${name}`} />
        ))}
      </datalist>
      {text === '' ? null : <output>{matches === 0 ? 'none' : matches}</output>}
    </form>
  );
}

/** Ids of the workloads whose `NAMESPACE/NAME` holds every word. */
export function findIds(mesh: MeshSummary, text: string): readonly string[] {
  const words = text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  if (words.length === 0) return [];
  const hits = mesh.workloads.filter(({ namespace, name }) => {
    const full = `${namespace}/${name}`.toLowerCase();
    return words.every((word) => full.includes(word));
  });
  const exact = (one: { readonly namespace: string; readonly name: string }): boolean =>
    one.name === text || `${one.namespace}/${one.name}` === text;
  return hits.toSorted((a, b) => Number(exact(b)) - Number(exact(a))).map(({ id }) => id);
}
