/** Why a client sends what it sends, and what the server makes of it, in sentences. */

import { tlsModeLabel } from '../istio/auto-mtls.ts';
import type { OutboundCapture } from '../istio/capture.ts';
import { formatRef, type ObjectRef } from '../istio/kubernetes.ts';
import type { OutboundPolicy } from '../istio/mesh-config.ts';
import { type Cluster, endpointMode } from './cluster.ts';
import type { ControlPlane } from './control-plane.ts';
import type { Outcome, Sends } from './edge.ts';
import { inbound } from './inbound.ts';
import type { Mesh, ServicePortEndpoint } from './mesh.ts';
import type { Reason } from './reason.ts';
import type { Routed } from './routes.ts';
import type { Hidden } from './visibility.ts';
import type { Workload } from './workload.ts';

/** What settled the client's side. */
export type EdgeCause =
  | { readonly kind: 'no-proxy' }
  | { readonly kind: 'ambient-client'; readonly tunnel: boolean }
  | { readonly kind: 'hidden'; readonly hidden: Hidden; readonly policy: OutboundPolicy }
  | { readonly kind: 'not-captured'; readonly capture: Extract<OutboundCapture, { captured: false }> }
  | { readonly kind: 'tunnel'; readonly cluster: Cluster }
  | { readonly kind: 'cluster'; readonly cluster: Cluster; readonly plane: ControlPlane };

export interface EdgeFacts {
  readonly client: Workload;
  readonly endpoint: ServicePortEndpoint;
  readonly sends: Sends;
  readonly outcome: Outcome;
  readonly cause: EdgeCause;
  readonly routed: Routed | undefined;
}

/** The client's side first, then the server's, then what comes of both. */
export function edgeReasons(mesh: Mesh, facts: EdgeFacts): readonly Reason[] {
  const { endpoint } = facts;
  const server =
    endpoint.workload === undefined
      ? [{ text: 'nobody who was read has this address: what answers there is not known' }]
      : inbound(mesh, endpoint.workload, endpoint.targetPort).because;
  return [...routeReasons(facts), ...clientReasons(mesh, facts), ...server, { text: verdict(facts) }];
}

function routeReasons({ routed }: EdgeFacts): readonly Reason[] {
  if (routed?.by === undefined) return [];
  const { service, field } = routed.by;
  const where = routed.subset === undefined ? routed.host : `subset ${routed.subset} of ${routed.host}`;
  return [
    {
      text: `${formatRef(service.ref)} sends the call to ${where}`,
      resource: service.ref,
      origin: service.origin,
      field,
    },
  ];
}

function refOf(workload: Workload): ObjectRef {
  return { kind: workload.kind, namespace: workload.namespace, name: workload.name };
}

function clientReasons(mesh: Mesh, facts: EdgeFacts): readonly Reason[] {
  const { client, cause } = facts;
  switch (cause.kind) {
    case 'no-proxy':
      return [
        {
          text: 'the client has no sidecar, so it sends what the application sends: plaintext, as far as the mesh knows',
          resource: refOf(client),
          origin: client.origin,
        },
      ];
    case 'ambient-client':
      return [
        {
          text: cause.tunnel
            ? "the client's node proxy tunnels to ambient workloads in mutual TLS, whatever the policies say"
            : "the server is not in ambient mode, so the client's node proxy passes plaintext on: it does not speak the sidecars' mutual TLS",
          resource: refOf(client),
          origin: client.origin,
        },
      ];
    case 'hidden':
      return [hiddenReason(cause.hidden, cause.policy)];
    case 'not-captured':
      return [
        {
          text: "the call passes by the client's sidecar: nothing wraps it in mutual TLS",
          resource: refOf(client),
          origin: client.origin,
          field: `metadata.annotations["${cause.capture.annotation}"]`,
          value: cause.capture.value,
        },
      ];
    case 'tunnel':
      return [
        {
          text: "the endpoint is in ambient mode: the client's proxy tunnels to it in mutual TLS, whatever a DestinationRule or PeerAuthentication says",
        },
      ];
    case 'cluster':
      return clusterReasons(mesh, cause.cluster, cause.plane, facts);
  }
}

function hiddenReason(hidden: Hidden, policy: OutboundPolicy): Reason {
  const then =
    policy === 'REGISTRY_ONLY'
      ? 'and calls to unknown hosts are dropped (REGISTRY_ONLY)'
      : 'and calls to unknown hosts are passed through as plaintext';
  if (hidden.cause === 'not-discovered') {
    return {
      text: `the client's proxy does not know the host (the mesh's discoverySelectors leave namespace ${hidden.namespace} out), ${then}`,
    };
  }
  if (hidden.cause === 'not-exported') {
    return {
      text: `the client's proxy does not know the host (it is exported to ${hidden.exportTo.join(', ')} only), ${then}`,
    };
  }
  const { sidecar } = hidden;
  return {
    text: `the client's proxy does not know the host (${formatRef(sidecar.ref)} does not import it), ${then}`,
    resource: sidecar.ref,
    origin: sidecar.origin,
    field: 'spec.egress',
  };
}

function clusterReasons(
  mesh: Mesh,
  cluster: Cluster,
  plane: ControlPlane,
  facts: EdgeFacts,
): readonly Reason[] {
  const reasons: Reason[] = [...ruleReasons(cluster)];
  const block = cluster.policy.tls;
  const rule =
    block === undefined
      ? {}
      : {
          resource: block.rule.ref,
          origin: block.rule.origin,
          field: `${block.tls.field}.mode`,
          value: block.tls.modeOmitted ? '' : block.tls.mode,
        };
  const config = plane.config.ref === undefined ? {} : { resource: plane.config.ref };
  switch (cluster.decision.cause) {
    case 'rule':
      reasons.push({
        text: `the client's DestinationRule sets TLS mode ${block?.tls.mode ?? ''} for every endpoint`,
        ...rule,
      });
      break;
    case 'rule-no-mode':
      reasons.push({
        text: "the TLS block of the client's DestinationRule names no mode, which means DISABLE",
        ...rule,
      });
      break;
    case 'rule-credential-ignored':
      reasons.push({
        text: 'the TLS block names a secret (credentialName), which sidecars ignore in a rule without a workloadSelector: they send plaintext',
        ...rule,
      });
      break;
    case 'rule-no-certificate':
      reasons.push({
        text: 'the TLS block asks for MUTUAL and names no certificate: the proxy sends plaintext',
        ...rule,
      });
      break;
    case 'external':
      reasons.push({
        text: `${formatRef(cluster.host.ref)} is declared outside the mesh: no automatic mutual TLS`,
        resource: cluster.host.ref,
        origin: cluster.host.origin,
        field: 'spec.location',
        value: 'MESH_EXTERNAL',
      });
      break;
    case 'auto-off':
      reasons.push({
        text: 'automatic mutual TLS is off in the mesh config: without a DestinationRule proxies send plaintext',
        ...config,
        field: 'enableAutoMtls',
        value: 'false',
      });
      break;
    case 'hint-disable':
      reasons.push(hintReason(cluster));
      break;
    case 'auto-all-endpoints':
      reasons.push({
        text: "automatic mutual TLS, one decision for all endpoints: the call goes to the endpoint's own address, and the client cannot see that endpoint's mode",
      });
      break;
    case 'auto':
      reasons.push(autoReason(mesh, cluster, plane, facts));
  }
  return reasons;
}

/** Which rule was found, and what in it did not count. */
function ruleReasons(cluster: Cluster): readonly Reason[] {
  const { rule, ruleScope, policy } = cluster;
  if (rule === undefined || ruleScope === undefined) return [];
  const [first] = rule.from;
  const names = rule.from.map((part) => formatRef(part.ref)).join(' and ');
  const where = {
    client: "the client's namespace",
    service: "the service's namespace",
    root: 'the root namespace',
  }[ruleScope];
  const reasons: Reason[] = [
    {
      text: `${names} (host ${rule.host}), found in ${where}, is the rule that counts for this client`,
      ...(first === undefined ? {} : { resource: first.ref, origin: first.origin }),
      field: 'spec.host',
      value: first?.host ?? rule.host,
    },
  ];
  if (policy.dropped !== undefined) {
    reasons.push({
      text: `its entry for port ${cluster.port} has no TLS block and replaces the whole top level, whose ${policy.dropped.tls.mode} no longer counts for the connection`,
      resource: policy.dropped.rule.ref,
      origin: policy.dropped.rule.origin,
      field: policy.dropped.tls.field,
      value: policy.dropped.tls.mode,
      beaten: true,
    });
  } else if (policy.tls === undefined) {
    reasons.push({ text: 'it has no TLS block for this port: automatic mutual TLS decides' });
  }
  return reasons;
}

function hintReason(cluster: Cluster): Reason {
  if (cluster.namespaceMode === 'DISABLE') {
    return {
      text: `namespace ${cluster.host.namespace} is at DISABLE by its own or the mesh's policy: clients send plaintext there, whatever a workload's policy says`,
    };
  }
  return {
    text: "the call goes to the endpoint's own address, and not every endpoint has a sidecar: clients send plaintext to all of them",
  };
}

function autoReason(
  mesh: Mesh,
  cluster: Cluster,
  plane: ControlPlane,
  { endpoint, sends }: EdgeFacts,
): Reason {
  const block = cluster.endpointTls;
  if (block !== undefined) {
    return {
      text:
        block.tls.mode === 'ISTIO_MUTUAL'
          ? 'each endpoint is still marked by the TLS block above: ISTIO_MUTUAL for those with a sidecar, whatever their own mode is'
          : `each endpoint is still marked by the TLS block above: ${block.tls.mode}, so no mutual TLS`,
      resource: block.rule.ref,
      origin: block.rule.origin,
      field: `${block.tls.field}.mode`,
      value: block.tls.mode,
    };
  }
  if (sends === 'istio-mtls') {
    return { text: 'automatic mutual TLS: the endpoint has a sidecar and its port is not at DISABLE' };
  }
  const server =
    endpoint.workload === undefined
      ? {}
      : { resource: refOf(endpoint.workload), origin: endpoint.workload.origin };
  if (endpoint.tlsMode !== 'istio') {
    return {
      text: `automatic mutual TLS: the endpoint is not marked as having a sidecar (label ${tlsModeLabel}), so it is sent plaintext`,
      ...server,
      field: `metadata.labels["${tlsModeLabel}"]`,
      value: endpoint.tlsMode,
    };
  }
  const mode = endpointMode(mesh, plane, endpoint);
  return {
    text: `automatic mutual TLS: the endpoint's port ${endpoint.targetPort} is at ${mode}, so it is sent plaintext`,
    ...server,
  };
}

function verdict({ sends, outcome, endpoint }: EdgeFacts): string {
  const sent = { 'istio-mtls': 'Istio mutual TLS', plaintext: 'plaintext', tls: "TLS that is not Istio's" }[
    sends
  ];
  switch (outcome) {
    case 'mtls':
      return `${sent} is sent and ended by the server's proxy: it works`;
    case 'plaintext':
      return `${sent} is sent and reaches the application`;
    case 'tls':
      return `${sent} is sent and reaches the application unopened`;
    case 'refused':
      return sends === 'istio-mtls'
        ? `${sent} is sent to port ${endpoint.targetPort}, where nobody ends it: the application gets bytes that it cannot read`
        : `${sent} is sent and refused`;
  }
}
