/**
 * What a client's sidecar sends, in istiod's two stages: the cluster carries TLS settings, and each endpoint says
 * whether they apply to it (pilot/pkg/networking/core/cluster_tls.go, pilot/pkg/xds/endpoints/mtls_checker.go).
 */
import type { ClientTls, ClientTlsMode, TrafficPolicy } from '../../../istio/destination-rule.ts';
import type { MeshModel } from '../model/mesh-model.ts';
import type { MeshService, MeshServicePort } from '../model/mesh-service.ts';
import { endpointsOf, type MeshEndpoint } from '../model/service-endpoints.ts';
import type { ConsolidatedRule } from './destination-rule-index.ts';
import { modeForPort, namespaceMode, serverMode } from './server-mode.ts';

/** What the cluster stage comes to. */
export type ClusterTls =
  | { readonly kind: 'none' }
  /** Mutual TLS with mesh certificates: `auto` where nobody asked for it, by a DestinationRule otherwise. */
  | {
      readonly kind: 'istio';
      readonly auto: boolean;
      readonly sni: string | undefined;
      readonly subjectAltNames: readonly string[];
    }
  /** TLS of the user's own. */
  | { readonly kind: 'user'; readonly tls: ClientTls };

/** The traffic policy that holds for a port: the fields that matter here, after port level and subset. */
interface PortPolicy {
  readonly tls: ClientTls | undefined;
  readonly passthrough: boolean;
}

export interface ClusterQuestion {
  readonly model: MeshModel;
  readonly service: MeshService;
  readonly port: MeshServicePort;
  readonly subset: string | undefined;
  readonly rule: ConsolidatedRule | undefined;
}

/** Settings of one port replace those of the whole policy, `tls` among them, even where they name none. */
function policyAt(base: PortPolicy | undefined, policy: TrafficPolicy | undefined, port: number): PortPolicy {
  const inherited: PortPolicy = base ?? { tls: undefined, passthrough: false };
  if (policy === undefined) return inherited;
  const own = policy.ports.find((entry) => entry.port === port);
  if (own !== undefined) return { tls: own.tls, passthrough: own.passthrough === true };
  return { tls: policy.tls ?? inherited.tls, passthrough: policy.passthrough ?? inherited.passthrough };
}

function effectivePolicy({ rule, subset, port }: ClusterQuestion): PortPolicy {
  const whole = policyAt(undefined, rule?.trafficPolicy, port.port);
  if (subset === undefined) return whole;
  const found = rule?.subsets.find(({ name }) => name === subset);
  return policyAt(whole, found?.trafficPolicy, port.port);
}

/** Whether the cluster sends to wherever the client wanted to go instead of choosing an endpoint. */
export function usesOriginalDestination(question: ClusterQuestion): boolean {
  const { resolution } = question.service;
  return resolution === 'headless' || resolution === 'passthrough' || effectivePolicy(question).passthrough;
}

export function clusterTls(question: ClusterQuestion): ClusterTls {
  const { tls } = effectivePolicy(question);
  if (tls === undefined) return automaticTls(question);
  switch (tls.mode) {
    case 'DISABLE':
      return { kind: 'none' };
    case 'ISTIO_MUTUAL':
      return {
        kind: 'istio',
        auto: false,
        sni: tls.sni === '' ? undefined : tls.sni,
        subjectAltNames: tls.subjectAltNames,
      };
    case 'SIMPLE':
    case 'MUTUAL':
      return userTls(tls, question.rule);
  }
}

/** Istio sends plaintext, without an error, where the credentials cannot be had. */
function userTls(tls: ClientTls, rule: ConsolidatedRule | undefined): ClusterTls {
  const named = tls.credentialName !== '';
  if (named && !tls.credentialName.startsWith('configmap://') && rule?.selector === undefined)
    return { kind: 'none' };
  if (tls.mode === 'MUTUAL' && !named && (tls.clientCertificate === '' || tls.privateKey === ''))
    return { kind: 'none' };
  return { kind: 'user', tls };
}

function automaticTls(question: ClusterQuestion): ClusterTls {
  const { model, service } = question;
  if (service.meshExternal || !model.config.enableAutoMtls) return { kind: 'none' };
  if (usesOriginalDestination(question) && !allEndpointsSpeakMtls(question)) return { kind: 'none' };
  if (namespaceMode(model, service.namespace) === 'DISABLE') return { kind: 'none' };
  return { kind: 'istio', auto: true, sni: undefined, subjectAltNames: [] };
}

/** Where the endpoint is the client's choice, one that cannot do mutual TLS decides for all. */
function allEndpointsSpeakMtls({ model, service, port }: ClusterQuestion): boolean {
  const endpoints = endpointsOf(model, service, port);
  return endpoints.length > 0 && endpoints.every(({ tlsMode }) => tlsMode !== 'disabled');
}

/** @returns the `tlsMode` that the endpoint's metadata carries; undefined for none. */
export function endpointTlsMode(question: ClusterQuestion, endpoint: MeshEndpoint): string | undefined {
  const { model, rule, subset, port } = question;
  const declared = ruleTlsMode(rule, subset, port.port);
  let enabled: boolean;
  if (declared !== undefined) enabled = declared === 'ISTIO_MUTUAL';
  else {
    const mode = serverMode(model, endpoint.namespace, endpoint.labels);
    enabled = endpoint.tlsMode === 'istio' && modeForPort(mode, endpoint.port) !== 'DISABLE';
  }
  return enabled && endpoint.tlsMode !== '' && endpoint.tlsMode !== 'disabled' ? endpoint.tlsMode : undefined;
}

/** The endpoint stage reads the rule in its own way: a port without `tls` falls back to the whole, a subset to the rule. */
function ruleTlsMode(
  rule: ConsolidatedRule | undefined,
  subset: string | undefined,
  port: number,
): ClientTlsMode | undefined {
  const of = (policy: TrafficPolicy | undefined): ClientTlsMode | undefined =>
    policy?.ports.find((entry) => entry.port === port && entry.tls !== undefined)?.tls?.mode ??
    policy?.tls?.mode;
  const found = subset === undefined ? undefined : rule?.subsets.find(({ name }) => name === subset);
  return of(found?.trafficPolicy) ?? of(rule?.trafficPolicy);
}
