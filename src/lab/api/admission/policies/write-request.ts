/** A write as ValidatingAdmissionPolicies judge it: what stands, what is to stand, and who asks. */
import type { KubeObject } from '../../../../istio/kubernetes.ts';
import type { User } from '../../rbac/user.ts';
import type { Resource } from '../../registry/resource.ts';

export interface WriteRequest {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE';
  readonly resource: Resource;
  readonly subresource: string | undefined;
  /** The version of the request. */
  readonly version: string;
  readonly name: string;
  readonly namespace: string | undefined;
  /** Absent on DELETE. */
  readonly object?: KubeObject;
  /** Absent on CREATE. */
  readonly oldObject?: KubeObject;
  readonly dryRun: boolean;
  /** Absent for the lab's own parts. */
  readonly user?: User;
}
