/** The services that a client's proxy knows: exported to its namespace and imported by its Sidecar resource. */
import type { StringMap } from '../../../istio/fields.ts';
import { hostMatches, visibleIn } from '../../../istio/hostname.ts';
import { matchesLabels } from '../../../istio/selector.ts';
import type { EgressListener, SidecarResource } from '../../../istio/sidecar-resource.ts';
import type { MeshModel } from '../model/mesh-model.ts';
import type { MeshService, MeshServicePort } from '../model/mesh-service.ts';

export interface Client {
  readonly namespace: string;
  readonly labels: StringMap;
}

export interface VisibleService {
  readonly service: MeshService;
  readonly ports: readonly MeshServicePort[];
}

/** The oldest that selects the pod, else the oldest for its namespace, else the root namespace's. */
export function sidecarResourceOf(model: MeshModel, client: Client): SidecarResource | undefined {
  const own = model.sidecars.get(client.namespace) ?? [];
  const wide = ({ selector }: SidecarResource): boolean => selector.labels === undefined;
  return (
    own.find(
      ({ selector }) => selector.labels !== undefined && matchesLabels(selector.labels, client.labels),
    ) ??
    own.find(wide) ??
    model.sidecars.get(model.config.rootNamespace)?.find(wide)
  );
}

export function visibleServices(
  model: MeshModel,
  client: Client,
  sidecar: SidecarResource | undefined,
): readonly VisibleService[] {
  const exported = model.services.filter((service) =>
    visibleIn(service.exportTo, service.namespace, client.namespace),
  );
  if (sidecar === undefined || sidecar.egress.length === 0) {
    return exported.map((service) => ({ service, ports: service.ports }));
  }
  return exported.flatMap((service) => {
    const ports = service.ports.filter((port) =>
      sidecar.egress.some(
        (listener) =>
          (listener.port === undefined || listener.port === port.port) && imports(listener, service, client),
      ),
    );
    return ports.length === 0 ? [] : [{ service, ports }];
  });
}

/** `NAMESPACE/HOST`: `.` the client's own namespace, `*` any, `~` none; a `~` in front excludes. */
function imports({ hosts }: EgressListener, service: MeshService, client: Client): boolean {
  const covers = (space: string, host: string): boolean => {
    const wanted = space === '.' ? client.namespace : space;
    return (wanted === '*' || wanted === service.namespace) && hostMatches(host, service.host);
  };
  let included = false;
  for (const entry of hosts) {
    const slash = entry.indexOf('/');
    if (slash === -1) continue;
    const space = entry.slice(0, slash);
    const host = entry.slice(slash + 1);
    if (space.startsWith('~')) {
      if (covers(space.slice(1) || '*', host)) return false;
    } else if (covers(space, host)) included = true;
  }
  return included;
}
