/** The chain from mesh to port, in sentences: which policy decided a workload port's mode and which ones were beaten. */
import type { AmbientDecision } from '../istio/ambient.ts';
import { inboundCapture, proxyPorts } from '../istio/capture.ts';
import { type ComposedMode, type Level, modeOfPort } from '../istio/effective-mode.ts';
import { formatRef } from '../istio/kubernetes.ts';
import type { PeerAuthentication } from '../istio/peer-authentication.ts';
import type { Read } from './mesh.ts';
import type { Reason } from './reason.ts';
import type { Workload } from './workload.ts';

type Policy = Read<PeerAuthentication>;

const levelWords = { mesh: 'the mesh', namespace: 'the namespace', workload: 'this workload' } as const;

function about(
  policy: PeerAuthentication & Partial<Pick<Policy, 'origin'>>,
): Pick<Reason, 'resource' | 'origin'> {
  return { resource: policy.ref, ...(policy.origin === undefined ? {} : { origin: policy.origin }) };
}

/** Mesh -> namespace -> workload -> port; the step that decided is the last one that is not `beaten`. */
export function modeReasons(composed: ComposedMode<Policy>, port: number): readonly Reason[] {
  const reasons: Reason[] = composed.voided.map((policy) => ({
    text: `${formatRef(policy.ref)} has a selector and stands in the root namespace: there it selects nothing`,
    ...about(policy),
    field: 'spec.selector',
    beaten: true,
  }));
  const { scope } = modeOfPort(composed, port);
  if (scope === 'default') {
    const text =
      composed.levels.length === 0
        ? 'no PeerAuthentication applies: the default is PERMISSIVE'
        : 'every policy that applies leaves the mode open: the default is PERMISSIVE';
    reasons.push({ text, value: 'PERMISSIVE' });
  }
  for (const level of composed.levels) {
    reasons.push(levelReason(level, scope === level.scope));
    for (const younger of level.beaten) {
      reasons.push({
        text: `${formatRef(younger.ref)} is ignored: ${level.policy.name} holds this level because ${whyFirst(level.policy, younger)}; several policies of one level do not merge`,
        ...about(younger),
        beaten: true,
      });
    }
  }
  const own = composed.ports.get(port);
  const workload = composed.levels.find((level) => level.scope === 'workload');
  if (own !== undefined && workload !== undefined) {
    const field = `spec.portLevelMtls.${port}.mode`;
    const text =
      own.declared === 'UNSET'
        ? `${formatRef(workload.policy.ref)} names port ${port} and leaves its mode open: it inherits ${own.mode}`
        : `${formatRef(workload.policy.ref)} sets ${own.declared} for port ${port}`;
    reasons.push({ text, ...about(workload.policy), field, value: own.declared });
  }
  return reasons;
}

function levelReason(level: Level<Policy>, decides: boolean): Reason {
  const { policy, mode, scope } = level;
  const name = formatRef(policy.ref);
  const base = { ...about(policy), field: 'spec.mtls.mode', value: mode };
  if (mode === 'UNSET')
    return { text: `${name} stands for ${levelWords[scope]} and leaves the mode open`, ...base };
  const text = `${name} sets ${mode} for ${levelWords[scope]}`;
  return decides
    ? { text, ...base }
    : { text: `${text}; a closer level says otherwise`, ...base, beaten: true };
}

/** Why one policy comes before another of its level. */
function whyFirst(first: PeerAuthentication, second: PeerAuthentication): string {
  if (first.createdAt === undefined && second.createdAt === undefined) {
    return 'its name comes first (neither has a creation time)';
  }
  return (first.createdAt ?? 0) < (second.createdAt ?? 0)
    ? 'it is older'
    : 'its name comes first (both were created in the same second)';
}

/** ztunnel's answer, from the oldest policy of each level. */
export function ambientReasons(decision: AmbientDecision, port: number, strict: boolean): readonly Reason[] {
  const reasons: Reason[] = [
    {
      text: 'ztunnel takes mutual TLS whatever the policies say; they only decide whether plaintext is refused',
    },
  ];
  const levels = [
    ['mesh', decision.mesh],
    ['namespace', decision.namespace],
    ['workload', decision.workload],
  ] as const;
  for (const [scope, policy] of levels) {
    if (policy === undefined) continue;
    const disabled = policy.mode === 'DISABLE' ? ' (which ztunnel reads as PERMISSIVE)' : '';
    reasons.push({
      text: `${formatRef(policy.ref)} says ${policy.mode}${disabled} for ${levelWords[scope]}`,
      resource: policy.ref,
      field: 'spec.mtls.mode',
      value: policy.mode,
    });
  }
  if (decision.mesh === undefined && decision.namespace === undefined && decision.workload === undefined) {
    reasons.push({ text: 'no PeerAuthentication applies: plaintext is accepted', value: 'PERMISSIVE' });
  }
  const own = decision.workload?.portLevel.get(port);
  if (own !== undefined && decision.workload !== undefined) {
    const counts = decision.exceptions.has(port) || (own === 'STRICT') === strict;
    reasons.push({
      text: counts
        ? `${formatRef(decision.workload.ref)} says ${own} for port ${port}`
        : `${formatRef(decision.workload.ref)} says ${own} for port ${port}, which istiod does not hand on to ztunnel here`,
      resource: decision.workload.ref,
      field: `spec.portLevelMtls.${port}.mode`,
      value: own,
      ...(counts ? {} : { beaten: true }),
    });
  }
  if (decision.note === 'whole-workload-open' && decision.workload !== undefined) {
    reasons.push({
      text: `the port-level exception of ${formatRef(decision.workload.ref)} opens the whole workload: istiod drops the mesh's STRICT for it and sends no rule of its own, because the namespace has a policy that does not say STRICT`,
      resource: decision.workload.ref,
      field: 'spec.portLevelMtls',
    });
  }
  return reasons;
}

const noProxyTexts = {
  gateway:
    'the pod is a gateway: its listeners follow Gateway resources, PeerAuthentication does not apply to them',
  waypoint:
    'the pod is a waypoint: traffic comes to it through ambient tunnels, PeerAuthentication does not apply to it',
  none: 'no proxy stands before this workload: policies have no effect on it',
} as const;

/** Why the port is or is not behind a proxy; empty where it is, as usual. */
export function captureReasons(workload: Workload, port: number, captured: boolean): readonly Reason[] {
  if (
    workload.dataplane === 'gateway' ||
    workload.dataplane === 'waypoint' ||
    workload.dataplane === 'none'
  ) {
    return [...workload.dataplaneBecause, { text: noProxyTexts[workload.dataplane] }];
  }
  const template = workload.from === 'template' ? workload.dataplaneBecause : [];
  if (captured) return template;
  if (proxyPorts.has(port)) {
    return [...template, { text: `port ${port} is the proxy's own and always plaintext` }];
  }
  const capture = inboundCapture(workload.annotations, port);
  if (capture.captured) return template;
  const why = {
    excluded: `port ${port} is excluded from the sidecar: no policy is held there, and clients do not know it`,
    'not-included': `port ${port} is not among the ports that the sidecar captures: no policy is held there, and clients do not know it`,
    'no-interception':
      'the pod runs without traffic interception: the sidecar listens on no port that no Sidecar resource names',
    'proxy-port': `port ${port} is the proxy's own and always plaintext`,
  } as const;
  const annotation =
    capture.annotation === undefined
      ? {}
      : { field: `metadata.annotations["${capture.annotation}"]`, value: capture.value ?? '' };
  const resource = { kind: workload.kind, namespace: workload.namespace, name: workload.name };
  return [...template, { text: why[capture.cause], resource, origin: workload.origin, ...annotation }];
}
