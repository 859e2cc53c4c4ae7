/** Comparing what two PeerAuthentications demand, and writing it as a patch. */
import type { DeclaredMode, PeerAuthentication } from '../../istio/peer-authentication.ts';
import type { Json } from './finding.ts';

/** UNSET demands nothing by itself: it stands below every mode. */
const strength = { UNSET: 0, DISABLE: 1, PERMISSIVE: 2, STRICT: 3 } as const satisfies Record<
  DeclaredMode,
  number
>;

/** True when the first demands more than the second, for all ports or for one. */
export function isStricter(policy: PeerAuthentication, than: PeerAuthentication): boolean {
  if (strength[policy.mode] > strength[than.mode] && policy.mode !== 'DISABLE') return true;
  return [...policy.portLevel].some(
    ([port, mode]) => strength[mode] > strength[than.portLevel.get(port) ?? than.mode] && mode !== 'DISABLE',
  );
}

/** True when the policy asks for STRICT, for all ports or for one. */
export function demandsStrict(policy: PeerAuthentication): boolean {
  return policy.mode === 'STRICT' || [...policy.portLevel.values()].includes('STRICT');
}

/** True when both demand the same for every port. */
export function sameDemands(a: PeerAuthentication, b: PeerAuthentication): boolean {
  const ports = new Set([...a.portLevel.keys(), ...b.portLevel.keys()]);
  return a.mode === b.mode && [...ports].every((port) => a.portLevel.get(port) === b.portLevel.get(port));
}

/** The modes of a policy as a merge patch for another one's `spec`: what it sets, and nothing else. */
export function specOf(policy: PeerAuthentication): { readonly [key: string]: Json } {
  const ports = Object.fromEntries([...policy.portLevel].map(([port, mode]) => [String(port), { mode }]));
  return {
    ...(policy.mode === 'UNSET' ? {} : { mtls: { mode: policy.mode } }),
    ...(policy.portLevel.size === 0 ? {} : { portLevelMtls: ports }),
  };
}
