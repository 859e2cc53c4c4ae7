/**
 * Sidecars that do wrong on purpose, so that a proof can be shown to notice. A pod asks for one by annotation; with
 * the second annotation its admin interface shows what a good sidecar would, and only its traffic tells.
 */
import { createMeshCa, type MeshCa, type MeshCaOptions } from '../ca/mesh-ca.ts';
import type { SidecarHost } from '../sidecar/sidecar.ts';

export const faultAnnotation = 'lab.padlock.dev/fault';
export const hideAnnotation = 'lab.padlock.dev/hides-fault';

export const faults = [
  /** Takes plaintext whatever the policies say. */
  'ignores-policy',
  /** Serves a certificate that ended an hour ago. */
  'expired-certificate',
  /** Serves a certificate of an authority that nobody trusts. */
  'foreign-root',
  /** Serves a certificate of the service account `impostor`. */
  'wrong-identity',
  /** Hears of nothing after its first configuration. */
  'stale',
] as const;

export type FaultName = (typeof faults)[number];

export interface Fault {
  readonly name: FaultName;
  readonly hidden: boolean;
}

/** What a pod's annotations ask for; a name that is not known asks for nothing. */
export function faultOf(host: SidecarHost): Fault | undefined {
  const { annotations = {} } = host.pod.metadata;
  const name = faults.find((one) => one === annotations[faultAnnotation]);
  return name === undefined ? undefined : { name, hidden: annotations[hideAnnotation] === 'true' };
}

/** An authority that the mesh does not trust, made when the first certificate is asked of it. */
export function strangerCa(options: MeshCaOptions): Pick<MeshCa, 'issue'> {
  let made: Promise<MeshCa> | undefined;
  return {
    issue: async (request) => {
      made ??= createMeshCa(options);
      return (await made).issue(request);
    },
  };
}

const hourMs = 3_600_000;

export interface CertificateSource {
  readonly ca: Pick<MeshCa, 'issue'>;
  readonly spiffeId: string;
}

/** Where a sidecar with this fault gets the certificate that it serves; the good one without a fault of this kind. */
export function servedCertificate(
  fault: FaultName | undefined,
  good: CertificateSource,
  stranger: Pick<MeshCa, 'issue'>,
  now: () => number,
): CertificateSource {
  switch (fault) {
    case 'foreign-root':
      return { ...good, ca: stranger };
    case 'wrong-identity':
      return { ...good, spiffeId: good.spiffeId.replace(/\/sa\/.*$/, '/sa/impostor') };
    case 'expired-certificate': {
      const { ca } = good;
      return {
        ...good,
        ca: {
          issue: async (request) => {
            const issuedAt = now() - hourMs - request.ttlSeconds * 1000;
            const old = await ca.issue({ ...request, issuedAt });
            // Its keeper must not ask for the next one at once, and for ever.
            return { ...old, notAfter: new Date(now() + request.ttlSeconds * 1000) };
          },
        },
      };
    }
    default:
      return good;
  }
}
