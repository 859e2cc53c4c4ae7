/** What the API server's own plug-ins add to new pods: service account and its token, tolerations, priority. */
import type { AdmissionPlugin } from '../api.ts';
import { randomSuffix } from '../engine/effects.ts';
import { type Engine, objectKey } from '../engine/engine.ts';
import { addTopologyLabels } from '../engine/topology-labels.ts';
import {
  booleanAt,
  draftOf,
  ensureObject,
  type JsonObject,
  numberAt,
  objectsAt,
  setDefault,
  stringAt,
  toKubeObject,
} from '../json.ts';
import { forbidden } from '../status.ts';

const tokenPath = '/var/run/secrets/kubernetes.io/serviceaccount';
const pods = { group: '', resource: 'pods' };

/** The ServiceAccount, Priority, DefaultTolerationSeconds and PodTopologyLabels plug-ins. */
export function podAdmission(engine: Engine): AdmissionPlugin {
  return (request) => {
    if (request.operation !== 'CREATE' || request.resource !== 'pods') return request.object;
    const pod = draftOf(request.object);
    const spec = ensureObject(pod, 'spec');
    addServiceAccount(engine, pod, spec);
    addPriority(engine, request.object.metadata.name, spec);
    addTolerations(spec);
    addTopologyLabels(engine, pod, stringAt(spec, 'nodeName') ?? '');
    return toKubeObject(pod);
  };
}

function addServiceAccount(engine: Engine, pod: JsonObject, spec: JsonObject): void {
  setDefault(spec, 'serviceAccountName', 'default');
  const account = stringAt(spec, 'serviceAccountName') ?? 'default';
  spec.serviceAccount = account;
  const metadata = ensureObject(pod, 'metadata');
  const namespace = stringAt(metadata, 'namespace') ?? '';
  const found = engine.store.get('serviceaccounts', objectKey(namespace, account));
  // `default` comes a moment after its namespace; a pod in between need not wait for it.
  if (found === undefined && account !== 'default') {
    const why = `error looking up service account ${namespace}/${account}: serviceaccount "${account}" not found`;
    throw forbidden(pods, stringAt(metadata, 'name') ?? '', why);
  }
  const ofAccount =
    found === undefined ? undefined : booleanAt(draftOf(found), 'automountServiceAccountToken');
  if ((booleanAt(spec, 'automountServiceAccountToken') ?? ofAccount ?? true) === false) return;
  mountToken(engine, spec);
}

function mountToken(engine: Engine, spec: JsonObject): void {
  const present = objectsAt(spec, 'volumes').find((volume) =>
    stringAt(volume, 'name')?.startsWith('kube-api-access-'),
  );
  const name = stringAt(present, 'name') ?? `kube-api-access-${randomSuffix(engine.effects)}`;
  let isUsed = false;
  for (const field of ['containers', 'initContainers']) {
    for (const container of objectsAt(spec, field)) {
      const mounts = objectsAt(container, 'volumeMounts');
      if (mounts.some((mount) => mount.mountPath === tokenPath)) continue;
      container.volumeMounts = [...mounts, { mountPath: tokenPath, name, readOnly: true }];
      isUsed = true;
    }
  }
  if (!isUsed || present !== undefined) return;
  spec.volumes = [...objectsAt(spec, 'volumes'), tokenVolume(name)];
}

function tokenVolume(name: string): JsonObject {
  return {
    name,
    projected: {
      defaultMode: 0o644,
      sources: [
        { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
        { configMap: { items: [{ key: 'ca.crt', path: 'ca.crt' }], name: 'kube-root-ca.crt' } },
        {
          downwardAPI: {
            items: [{ fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' }, path: 'namespace' }],
          },
        },
      ],
    },
  };
}

function addPriority(engine: Engine, podName: string, spec: JsonObject): void {
  const className = stringAt(spec, 'priorityClassName') ?? '';
  const found =
    className === '' ? undefined : engine.store.get('priorityclasses.scheduling.k8s.io', className);
  if (className !== '' && found === undefined) {
    throw forbidden(pods, podName, `no PriorityClass with name ${className} was found`);
  }
  const priority = found === undefined ? undefined : draftOf(found);
  setDefault(spec, 'priority', numberAt(priority, 'value') ?? 0);
  setDefault(spec, 'preemptionPolicy', stringAt(priority, 'preemptionPolicy') ?? 'PreemptLowerPriority');
}

const nodeTaints = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'];

/** A pod stays on a node that has gone for five minutes, unless it says otherwise. */
function addTolerations(spec: JsonObject): void {
  const present = objectsAt(spec, 'tolerations');
  const added = nodeTaints
    .filter(
      (key) =>
        !present.some(
          (one) =>
            (one.key === key || one.key === undefined) &&
            (one.effect === 'NoExecute' || one.effect === undefined),
        ),
    )
    .map((key) => ({ effect: 'NoExecute', key, operator: 'Exists', tolerationSeconds: 300 }));
  if (present.length + added.length > 0) spec.tolerations = [...present, ...added];
}
