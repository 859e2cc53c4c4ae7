/**
 * The arrow keys walk the graph: from a box to the calls it makes (right) or takes (left), up and down among these, and on to
 * the box at either end. An edge that is reached so becomes an element, of however many.
 */
import { type FocusEvent, type KeyboardEvent, type RefObject, useState } from 'react';
import type { DrawnEdge } from './elements.ts';

interface Walk {
  /** The edges among which up and down go. */
  readonly among: readonly string[];
  readonly at: string;
}

export interface EdgeKeys {
  /** The edge that the keyboard is on. */
  readonly focused: string | undefined;
  readonly onKeyDown: (event: KeyboardEvent) => void;
  readonly onBlur: (event: FocusEvent) => void;
}

export function useEdgeKeys(
  picture: RefObject<HTMLElement | null>,
  edges: readonly DrawnEdge[],
  show: (edge: DrawnEdge) => void,
): EdgeKeys {
  const [walk, setWalk] = useState<Walk>();
  const go = (among: readonly string[], at: string | undefined): boolean => {
    const edge = edges.find(({ id }) => id === at);
    if (edge === undefined) return false;
    show(edge);
    setWalk({ among, at: edge.id });
    return true;
  };
  const fromNode = (id: string, key: string): boolean => {
    if (key !== 'ArrowRight' && key !== 'ArrowLeft') return false;
    const among = edges
      .filter(({ source, target }) => (key === 'ArrowRight' ? source : target) === id)
      .map((edge) => edge.id);
    return go(among, among[0]);
  };
  const fromEdge = (id: string, key: string): boolean => {
    const edge = edges.find((one) => one.id === id);
    if (edge === undefined) return false;
    if (key === 'ArrowRight' || key === 'ArrowLeft') {
      const end = CSS.escape(key === 'ArrowRight' ? edge.target : edge.source);
      picture.current?.querySelector<HTMLElement>(`.react-flow__node[data-id="${end}"]`)?.focus();
      return true;
    }
    const among = walk?.among.includes(id) === true ? walk.among : edges.map((one) => one.id);
    const step = key === 'ArrowDown' ? 1 : key === 'ArrowUp' ? -1 : 0;
    return step !== 0 && go(among, among[(among.indexOf(id) + step + among.length) % among.length]);
  };
  return {
    focused: walk?.at,
    onKeyDown: (event) => {
      if (!(event.target instanceof Element)) return;
      const edge = event.target.closest('.call')?.getAttribute('data-id');
      const node = event.target.closest('.react-flow__node')?.getAttribute('data-id');
      const went =
        edge != null ? fromEdge(edge, event.key) : node != null ? fromNode(node, event.key) : false;
      if (went) event.preventDefault();
    },
    onBlur: ({ target, relatedTarget }) => {
      // From one edge to the next the focus is nowhere for a moment: only from an edge to something else is the walk over.
      const isEdge = (at: unknown): boolean => at instanceof Element && at.closest('.call') !== null;
      if (isEdge(target) && relatedTarget !== null && !isEdge(relatedTarget)) setWalk(undefined);
    },
  };
}
