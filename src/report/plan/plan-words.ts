/** The words in which every format of a plan speaks. */
import {
  amount,
  type Counts,
  type Observation,
  type Sender,
  type Window,
} from '../../evidence/observed/observation.ts';
import { formatRef } from '../../istio/kubernetes.ts';
import type { Breaker, BreakerKind, Certainty } from '../../plan/breaker.ts';
import type { Answer, NamespacePlan, RefusedSender } from '../../plan/namespace-plan.ts';

export const kindTitles = {
  'destination-rule': 'DestinationRules',
  probe: 'Probes',
  webhook: 'Webhooks',
  'api-service': 'Aggregated APIs',
  monitor: 'Monitors',
  scrape: 'Scrape annotations',
  ingress: 'Ingress controllers',
  'exposed-service': 'Services open to the outside',
  headless: 'Headless services and peers',
  'client-bypass': 'Clients that bypass their sidecar',
  job: 'Jobs',
  'init-container': 'Init containers',
  'host-network': 'Pods on the host network',
  'no-sidecar': 'Workloads without a sidecar',
  'server-first': 'Server-first protocols',
  'excluded-port': 'Ports that STRICT does not reach',
  policy: 'Policies',
} as const satisfies Record<BreakerKind, string>;

export const certaintyWords = {
  breaks: 'BREAKS',
  'may-break': 'MAY BREAK',
  unprotected: 'UNPROTECTED',
} as const satisfies Record<Certainty, string>;

export function answerSentence(plan: NamespacePlan): string {
  const { answer, target, senders, breakers, quiet, unseen } = plan;
  const certain = breakers.filter(({ certainty }) => certainty === 'breaks').length;
  const possible = breakers.filter(({ certainty }) => certainty === 'may-break').length;
  const seen = `${senders.length} plaintext ${plural(senders.length, 'sender')} seen, ${certain} ${plural(certain, 'breaker')} in the configuration`;
  const sentences: Record<Answer, string> = {
    'would-break': `NOT READY: ${target} would refuse callers (${seen})`,
    inconclusive: `INCONCLUSIVE: nobody was found whom ${target} would refuse, but ${inconclusiveWhy(unseen.length, quiet.length, possible)}`,
    ready: plan.closesPorts
      ? `READY: nobody was found whom ${target} would refuse, and everything was looked at`
      : `READY: ${target} changes nothing, every port that it closes refuses plaintext already`,
  };
  return sentences[answer];
}

function inconclusiveWhy(unseen: number, quiet: number, possible: number): string {
  const parts = [
    ...(unseen > 0 ? [`${unseen} ${plural(unseen, 'thing')} could not be seen`] : []),
    ...(quiet > 0 ? [`nothing came to ${quiet} ${plural(quiet, 'port')}`] : []),
    ...(possible > 0 ? [`${possible} ${plural(possible, 'caller')} may call`] : []),
  ];
  return parts.join(', ');
}

export function plural(count: number, noun: string): string {
  return count === 1 ? noun : `${noun}s`;
}

/** `12 requests, 1 connection (1 open)`. */
export function countText({ requests, connections, open }: Counts): string {
  const parts = [
    ...(requests > 0 ? [`${requests} ${plural(requests, 'request')}`] : []),
    ...(connections > 0 ? [`${connections} ${plural(connections, 'connection')}`] : []),
    ...(open > 0 ? [`${open} open ${plural(open, 'connection')}`] : []),
  ];
  return parts.length === 0 ? 'nothing' : parts.join(', ');
}

export function senderName({ name, namespace }: Sender): string {
  return namespace === undefined ? name : `${name} (${namespace})`;
}

export function placeText({ workload, port }: RefusedSender): string {
  return `${workload.kind}/${workload.name} ${port === undefined ? 'some port' : `:${port}`}`;
}

/** `60 s, 22:00:10 to 22:01:10 UTC`. */
export function windowText({ from, to }: Window): string {
  const seconds = Math.round((Date.parse(to) - Date.parse(from)) / 1000);
  const length = seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
  return `${length}, ${from.slice(11, 19)} to ${to.slice(11, 19)} UTC`;
}

export function shownBy({ resource, field, origin }: Breaker): string {
  const place = origin?.line === undefined ? '' : ` (${origin.source}:${origin.line})`;
  return `${formatRef(resource)}${field === undefined ? '' : ` ${field}`}${place}`;
}

/** All mutual TLS and plaintext that came, as the best source of each port counted it. */
export function totals(observation: Observation): { readonly mtls: number; readonly plaintext: number } {
  let mtls = 0;
  let plaintext = 0;
  for (const row of observation.ports) {
    mtls += amount(row.mtls);
    plaintext += amount(row.plaintext) + amount(row.otherTls);
  }
  return { mtls, plaintext };
}

/** What the dry run of STRICT counted, a line a port: `Deployment/web :80 would have refused 3 requests, let through 5`. */
export function rehearsalLines(observation: Observation): readonly string[] {
  return observation.ports.flatMap((row) => {
    const tally = row.tallies.find(({ source }) => source === 'dry run');
    if (
      tally === undefined ||
      (row.port === undefined && amount(tally.plaintext) + amount(tally.mtls) === 0)
    ) {
      return [];
    }
    const port = row.port === undefined ? ' (TCP or undeclared ports)' : ` :${row.port}`;
    const refused = `would have refused ${countText(tally.plaintext)}, let through ${countText(tally.mtls)}`;
    return [`${row.workload}${port} ${refused}`];
  });
}
