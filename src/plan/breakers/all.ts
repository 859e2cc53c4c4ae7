/** Every breaker check, run in order. */
import { formatRef } from '../../istio/kubernetes.ts';
import { type Breaker, type BreakerCheck, type BreakerInput, breakerKinds } from '../breaker.ts';
import { apiCallers } from './api-callers.ts';
import { bareWorkloads, initContainers, statefulPeers } from './bare-callers.ts';
import { fromFindings } from './findings.ts';
import { exposedServices, gatewayRoutes, ingresses } from './outside-callers.ts';
import { unrewrittenProbes } from './probes.ts';
import { monitors, scrapeAnnotations } from './scrapes.ts';
import { serverFirst } from './server-first.ts';

const all: readonly BreakerCheck[] = [
  fromFindings,
  unrewrittenProbes,
  apiCallers,
  monitors,
  scrapeAnnotations,
  ingresses,
  gatewayRoutes,
  exposedServices,
  statefulPeers,
  bareWorkloads,
  initContainers,
  serverFirst,
];

const certainties = ['breaks', 'may-break', 'unprotected'] as const;

/** Everything that the target would break in the namespace, the certain first, each once. */
export function findBreakers(input: BreakerInput): readonly Breaker[] {
  const found = new Map<string, Breaker>();
  for (const check of all) {
    for (const breaker of check(input)) {
      const key = `${breaker.kind} ${formatRef(breaker.resource)} ${breaker.field ?? ''} ${breaker.message}`;
      if (!found.has(key)) found.set(key, breaker);
    }
  }
  return [...found.values()].toSorted(
    (a, b) =>
      certainties.indexOf(a.certainty) - certainties.indexOf(b.certainty) ||
      breakerKinds.indexOf(a.kind) - breakerKinds.indexOf(b.kind) ||
      (a.message < b.message ? -1 : 1),
  );
}
