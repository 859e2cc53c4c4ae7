/**
 * PL018: clients of a headless Service keep the address that was called, so their proxy decides once for all endpoints: mutual TLS for all, or plaintext for
 * all when one of them has no sidecar. An endpoint that is different is called in the wrong way.
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
import { restart } from '../template-patch.ts';
import { list, workloadRef, workloadRefs } from '../wording.ts';

interface Contradiction {
  readonly host: MeshHost;
  readonly server: Workload;
  readonly port: number;
  /** mtls: mutual TLS goes where it is off. plaintext: plaintext goes where it is refused. */
  readonly sent: 'mtls' | 'plaintext';
  readonly servicePort: number;
  readonly clients: ClientCount;
}

export function headlessException(mesh: Mesh): readonly Finding[] {
  const found = new Map<string, Contradiction>();
  for (const call of troubledCalls(mesh)) {
    const { server, targetPort, outcome, port, cluster } = call;
    if (server === undefined || outcome !== 'refused') continue;
    const { cause } = cluster.decision;
    const mtls = cause === 'auto-all-endpoints';
    if (!mtls && !(cause === 'hint-disable' && cluster.namespaceMode !== 'DISABLE')) continue;
    const key = `${cluster.host.host} ${server.id}:${targetPort}`;
    let entry = found.get(key);
    if (entry === undefined) {
      entry = {
        host: cluster.host,
        server,
        port: targetPort,
        sent: mtls ? 'mtls' : 'plaintext',
        servicePort: port,
        clients: new ClientCount(),
      };
      found.set(key, entry);
    }
    entry.clients.add(call);
  }
  return [...found.values()].flatMap((entry) =>
    entry.sent === 'mtls' ? unseenException(mesh, entry) : bareSibling(mesh, entry),
  );
}

function unseenException(mesh: Mesh, { host, server, port, clients }: Contradiction): readonly Finding[] {
  // Without a proxy at the endpoint the label tlsMode lies, which PL028 tells.
  if (!inbound(mesh, server, port).captured) return [];
  const own = composedMode(mesh, server).levels.find(({ scope }) => scope === 'workload')?.policy;
  const level = composedMode(mesh, server).ports.get(port)?.declared === 'DISABLE' ? port : undefined;
  const subject = own ?? { ref: host.ref, origin: host.origin };
  const patch =
    level === undefined
      ? { spec: { mtls: { mode: 'PERMISSIVE' } } }
      : { spec: { portLevelMtls: { [String(level)]: { mode: 'PERMISSIVE' } } } };
  return [
    finding('PL018', subject, {
      message: `Clients of the headless ${formatRef(host.ref)} do not see that ${formatRef(workloadRef(server))} is at DISABLE on port ${port}: they send it mutual TLS.`,
      ...(own === undefined
        ? {}
        : { field: level === undefined ? 'spec.mtls.mode' : `spec.portLevelMtls.${level}.mode` }),
      why: `Calls from ${clients.words()} go to the pod's own address, for which their proxies know the mode of the namespace only; they fail.`,
      fix:
        own === undefined
          ? { text: 'Use PERMISSIVE in place of DISABLE: it takes both.', changes: [] }
          : {
              text: 'Use PERMISSIVE in place of DISABLE: it takes both.',
              changes: [{ kind: 'merge-patch', target: own.ref, patch }],
            },
      related: [related({ ref: host.ref, origin: host.origin }, 'is headless')],
      affected: [workloadRef(server)],
    }),
  ];
}

function bareSibling(
  mesh: Mesh,
  { host, server, port, servicePort, clients }: Contradiction,
): readonly Finding[] {
  const bare = endpointsOf(mesh, host.host, servicePort).filter(({ tlsMode }) => tlsMode === 'disabled');
  const names = bare.flatMap(({ workload, address }) => workload?.name ?? address ?? []);
  const workloads = bare.flatMap(({ workload }) => workload ?? []);
  return [
    finding(
      'PL018',
      { ref: host.ref, origin: host.origin },
      {
        message: `Clients of the headless ${formatRef(host.ref)} send plaintext to all its endpoints, because ${list(names)} ${names.length === 1 ? 'has' : 'have'} no sidecar; ${formatRef(workloadRef(server))} is STRICT on port ${port} and refuses it.`,
        field: 'spec.clusterIP',
        why: `Calls from ${clients.words()} to the endpoints with a sidecar fail. During a rolling injection that is so until the last pod has its sidecar.`,
        fix: fixForBare(workloads, names),
        affected: workloadRefs([server]),
      },
    ),
  ];
}

function fixForBare(workloads: readonly Workload[], names: readonly string[]): Fix {
  return {
    text: `Give ${list(names)} a sidecar, or keep it out of the Service; keep the Service PERMISSIVE while it is being injected.`,
    changes: workloads.flatMap((workload) => (workload.from === 'pods' ? restart(workload) : [])),
  };
}
