/** RBAC objects as data, for `padlock rbac`: Roles and their bindings, or one ClusterRole for all namespaces. */

export interface RoleRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

export interface Subject {
  readonly kind: 'User' | 'Group' | 'ServiceAccount';
  readonly name: string;
  readonly namespace?: string;
}

type Manifest = Readonly<Record<string, unknown>>;

const apiVersion = 'rbac.authorization.k8s.io/v1';
const apiGroup = 'rbac.authorization.k8s.io';

/** A Role in a namespace, or a ClusterRole without one, followed by its binding where there is a subject. */
export function roleManifests(
  name: string,
  namespace: string | undefined,
  rules: readonly RoleRule[],
  subject: Subject | undefined,
): readonly Manifest[] {
  if (rules.length === 0) return [];
  const kind = namespace === undefined ? 'ClusterRole' : 'Role';
  const metadata = { name, ...(namespace === undefined ? {} : { namespace }) };
  const role = { apiVersion, kind, metadata, rules };
  if (subject === undefined) return [role];
  const subjects = [subject.kind === 'ServiceAccount' ? subject : { ...subject, apiGroup }];
  return [
    role,
    { apiVersion, kind: `${kind}Binding`, metadata, roleRef: { apiGroup, kind, name }, subjects },
  ];
}
