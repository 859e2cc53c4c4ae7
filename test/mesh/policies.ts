/** PeerAuthentications and DestinationRules as objects. */
export function policyObjects(
  policies: Readonly<Record<string, object>>,
  rules: Readonly<Record<string, object>> = {},
): readonly object[] {
  return [
    ...Object.entries(policies).map(([key, spec]) =>
      objectOf('security.istio.io/v1', 'PeerAuthentication', key, spec),
    ),
    ...Object.entries(rules).map(([key, spec]) =>
      objectOf('networking.istio.io/v1', 'DestinationRule', key, spec),
    ),
  ];
}

/** @param key `NAMESPACE/NAME` */
function objectOf(apiVersion: string, kind: string, key: string, spec: object): object {
  const [namespace = '', name = ''] = key.split('/');
  return { apiVersion, kind, metadata: { namespace, name }, spec };
}
