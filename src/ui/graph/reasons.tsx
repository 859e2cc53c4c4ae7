/** A chain of reasons: each decision with the resource and the field that made it, beaten ones struck through. */
import { formatRef } from '../../istio/kubernetes.ts';
import type { Reason } from '../../mesh/reason.ts';

export function Reasons({ reasons }: { readonly reasons: readonly Reason[] }) {
  return (
    <ol className="reasons">
      {reasons.map((reason) => (
        <li key={`${reason.text} ${reason.field ?? ''}`} className={reason.beaten === true ? 'beaten' : ''}>
          {reason.text}
          {reason.resource === undefined ? null : (
            <span className="source">
              {formatRef(reason.resource)}
              {reason.field === undefined ? '' : ` · ${reason.field}`}
              {reason.value === undefined ? '' : ` = ${reason.value}`}
              {reason.origin?.line === undefined ? '' : ` · ${reason.origin.source}:${reason.origin.line}`}
            </span>
          )}
        </li>
      ))}
    </ol>
  );
}
