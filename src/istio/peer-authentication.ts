/** PeerAuthentication: what a server's sidecar demands of those who connect (security.istio.io/v1 and v1beta1). */
import { FieldReader, isFields, isPort } from './fields.ts';
import type { KubeObject } from './kubernetes.ts';
import { type Parsed, parseMetadata } from './metadata.ts';
import { parseWorkloadSelector, type WorkloadSelector } from './selector.ts';

/** A mode that holds; what UNSET comes to in the end. */
export type MtlsMode = 'STRICT' | 'PERMISSIVE' | 'DISABLE';

/** A mode as it is written. UNSET, like an absent one, inherits. */
export type DeclaredMode = MtlsMode | 'UNSET';

export interface PeerAuthentication extends Parsed {
  readonly selector: WorkloadSelector;
  /** `UNSET` when the field is absent: to Istio they are the same. */
  readonly mode: DeclaredMode;
  /** By workload (container) port, not Service port. */
  readonly portLevel: ReadonlyMap<number, DeclaredMode>;
}

const modes = ['STRICT', 'PERMISSIVE', 'DISABLE', 'UNSET'] as const;

/** Reads a PeerAuthentication. A mode that Istio does not know counts as UNSET and is noted as a problem. */
export function parsePeerAuthentication(object: KubeObject): PeerAuthentication {
  const reader = new FieldReader();
  const parsed = parseMetadata(object, reader);
  const spec = reader.fields(object.spec, 'spec');
  const mode = (value: unknown, field: string): DeclaredMode => {
    const mtls = reader.fields(value, field);
    return reader.word(mtls.mode, `${field}.mode`, modes) ?? 'UNSET';
  };
  const portLevel = new Map<number, DeclaredMode>();
  if (spec.portLevelMtls !== undefined && spec.portLevelMtls !== null) {
    if (!isFields(spec.portLevelMtls)) reader.fields(spec.portLevelMtls, 'spec.portLevelMtls');
    else {
      for (const [key, value] of Object.entries(spec.portLevelMtls)) {
        const field = `spec.portLevelMtls.${key}`;
        const port = Number(key);
        if (isPort(port)) portLevel.set(port, mode(value, field));
        else reader.note(field, 'is not under a port number (1 to 65535)');
      }
    }
  }
  return {
    ...parsed,
    selector: parseWorkloadSelector(spec.selector, 'spec.selector', reader),
    mode: mode(spec.mtls, 'spec.mtls'),
    portLevel,
  };
}
