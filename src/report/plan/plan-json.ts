/** `padlock plan -o json`: the whole plan, with each exception as the object to apply. */
import { formatRef } from '../../istio/kubernetes.ts';
import type { NamespacePlan } from '../../plan/namespace-plan.ts';

export function planJson(plan: NamespacePlan): unknown {
  const { breakers, exceptions, senders, quiet, ...rest } = plan;
  return {
    kind: 'NamespacePlan',
    ...rest,
    senders: senders.map(({ workload, port, sender }) => ({
      to: { workload: formatRef(workload), ...(port === undefined ? {} : { port }) },
      ...sender,
    })),
    breakers: breakers.map(({ resource, exceptions: ports, fix, ...breaker }) => ({
      ...breaker,
      resource: formatRef(resource),
      ...(fix === undefined ? {} : { fix }),
      exceptions: ports.map(({ workload, port }) => ({
        workload: formatRef({ kind: workload.kind, namespace: workload.namespace, name: workload.name }),
        port,
      })),
    })),
    exceptions: exceptions.map(({ workload, policy, ...exception }) => ({
      workload: formatRef(workload),
      policy: formatRef(policy),
      ...exception,
    })),
    quiet: quiet.map(({ workload, port }) => ({ workload: formatRef(workload), port })),
  };
}

export function renderPlanJson(plan: NamespacePlan): string {
  return `${JSON.stringify(planJson(plan), null, 2)}\n`;
}
