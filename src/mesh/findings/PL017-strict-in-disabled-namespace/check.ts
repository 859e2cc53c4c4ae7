/**
 * PL017: a STRICT workload or port in a namespace that is at DISABLE by its own or the mesh's policy. Clients go by the namespace, selectors left out, so they
 * send plaintext, and the workload refuses it (istio/istio issue 56084).
 */

import { formatRef } from '../../../istio/kubernetes.ts';
import { endpointsOf } from '../../endpoints.ts';
import type { MeshHost } from '../../host.ts';
import { composedMode, inbound } from '../../inbound.ts';
import type { Mesh } from '../../mesh.ts';
import type { Workload } from '../../workload.ts';
import { finding, related } from '../check.ts';
import { ClientCount, troubledCalls } from '../client-edges.ts';
import type { Finding, Fix } from '../finding.ts';
import { list, nameOf, workloadRef } from '../wording.ts';

interface Contradiction {
  readonly server: Workload;
  readonly port: number;
  readonly hosts: Set<MeshHost>;
  readonly clients: ClientCount;
}

export function strictInDisabledNamespace(mesh: Mesh): readonly Finding[] {
  const found = new Map<string, Contradiction>();
  for (const call of troubledCalls(mesh)) {
    const { server, targetPort, outcome, cluster } = call;
    // For headless Services the same cause may be an endpoint without a sidecar, which PL018 tells.
    if (cluster.decision.cause !== 'hint-disable' || cluster.namespaceMode !== 'DISABLE') continue;
    if (server === undefined || outcome !== 'refused') continue;
    const key = `${server.id}:${targetPort}`;
    let entry = found.get(key);
    if (entry === undefined) {
      entry = { server, port: targetPort, hosts: new Set(), clients: new ClientCount() };
      found.set(key, entry);
    }
    entry.hosts.add(cluster.host);
    entry.clients.add(call);
  }
  return [...found.values()].map((entry) => oneFinding(mesh, entry));
}

function oneFinding(mesh: Mesh, { server, port, hosts, clients }: Contradiction): Finding {
  const composed = composedMode(mesh, server);
  const strict = composed.levels.find(({ scope }) => scope === 'workload')?.policy;
  const disable = composed.levels.findLast(
    ({ scope, mode }) => scope !== 'workload' && mode === 'DISABLE',
  )?.policy;
  const subject = strict ?? { ref: workloadRef(server), origin: server.origin };
  const field =
    composed.ports.get(port)?.declared === 'STRICT' ? `spec.portLevelMtls.${port}.mode` : 'spec.mtls.mode';
  return finding('PL017', subject, {
    message: `Clients send plaintext to ${formatRef(workloadRef(server))}, port ${port}, which is STRICT: ${disable === undefined ? 'the namespace' : nameOf(disable.ref)} says DISABLE, and clients look no further.`,
    ...(strict === undefined ? {} : { field }),
    why: `Calls from ${clients.words()} fail, though both sides could speak mutual TLS: automatic mutual TLS leaves policies with a selector out.`,
    fix: fixFor(mesh, hosts),
    related: disable === undefined ? [] : [related(disable, 'says DISABLE for the namespace')],
    affected: [workloadRef(server)],
  });
}

/** A DestinationRule for the host is the narrow way, where all its endpoints take mutual TLS and no other rule is there. */
function fixFor(mesh: Mesh, hosts: ReadonlySet<MeshHost>): Fix {
  const all = [...hosts];
  const simple = all.every(
    (host) => host.service !== undefined && takesMtls(mesh, host) && !hasRule(mesh, host),
  );
  if (!simple) {
    return {
      text: 'Take the namespace out of DISABLE (`padlock secure` does it without losing requests), with DISABLE only for the workloads that need it.',
      changes: [],
    };
  }
  return {
    text: `Tell clients of ${list(
      all.map(({ host }) => host),
      2,
    )} to send mutual TLS with a DestinationRule, until the namespace is out of DISABLE.`,
    changes: all.map((host) => ({
      kind: 'apply',
      manifest: {
        apiVersion: 'networking.istio.io/v1',
        kind: 'DestinationRule',
        metadata: { name: host.ref.name, namespace: host.namespace },
        spec: { host: host.host, trafficPolicy: { tls: { mode: 'ISTIO_MUTUAL' } } },
      },
    })),
  };
}

function takesMtls(mesh: Mesh, host: MeshHost): boolean {
  return host.ports.every(({ port }) =>
    endpointsOf(mesh, host.host, port).every(
      ({ workload, targetPort }) => workload !== undefined && inbound(mesh, workload, targetPort).mtls,
    ),
  );
}

function hasRule(mesh: Mesh, host: MeshHost): boolean {
  return mesh.destinationRules.some(
    ({ namespace, name }) => namespace === host.namespace && name === host.ref.name,
  );
}
