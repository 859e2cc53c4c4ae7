/**
 * The fields that Padlock reads, kind by kind; docs/input.md says it for people. Everything else (volumes, probes'
 * timings, managed fields, kubectl's copy of the manifest, ...) is checked for its syntax and thrown away while
 * reading: in a real mesh that is nine tenths of the text. Kinds that are not named here are kept whole.
 */
import { everything, type FieldChoice, type FieldFilter, fieldFilter } from './fields.ts';

const metadata: FieldChoice = {
  '*': true,
  managedFields: false,
  annotations: { '*': true, 'kubectl.kubernetes.io/last-applied-configuration': false },
};

const probe: FieldChoice = { httpGet: true, tcpSocket: true, grpc: true };
const hook: FieldChoice = { httpGet: true, tcpSocket: true };

const container: FieldChoice = {
  name: true,
  image: true,
  args: true,
  ports: true,
  restartPolicy: true,
  livenessProbe: probe,
  readinessProbe: probe,
  startupProbe: probe,
  lifecycle: { postStart: hook, preStop: hook },
  env: { name: true, value: true },
};

const podSpec: FieldChoice = {
  containers: container,
  initContainers: container,
  serviceAccountName: true,
  serviceAccount: true,
  hostNetwork: true,
  nodeName: true,
  dnsPolicy: true,
  restartPolicy: true,
};

const containerStatus: FieldChoice = { name: true, ready: true, started: true, state: true };

const podTemplate: FieldChoice = { metadata, spec: podSpec };

const workload: FieldChoice = {
  spec: { replicas: true, selector: true, serviceName: true, template: podTemplate },
  status: { replicas: true, readyReplicas: true, updatedReplicas: true, observedGeneration: true },
};

/** What is kept beside apiVersion, kind and metadata; `true`: everything. */
const kinds: Readonly<Record<string, FieldChoice>> = {
  Pod: {
    spec: podSpec,
    status: {
      phase: true,
      podIP: true,
      podIPs: true,
      conditions: { type: true, status: true },
      containerStatuses: containerStatus,
      initContainerStatuses: containerStatus,
    },
  },
  Deployment: workload,
  ReplicaSet: workload,
  StatefulSet: workload,
  DaemonSet: workload,
  ReplicationController: workload,
  Job: { spec: { template: podTemplate }, status: { active: true } },
  CronJob: { spec: { suspend: true, jobTemplate: { spec: { template: podTemplate } } } },
  PodTemplate: { template: podTemplate },
  // Never kept: readers drop the whole object and say so. Its data must not even pass through memory for long.
  Secret: { type: true },
  CustomResourceDefinition: { spec: { group: true, names: true } },
  Node: { status: { addresses: true, nodeInfo: true } },
  Event: {},
  // A saved snapshot holds only what was read.
  Snapshot: { '*': true },
};

function objectFilter(choice: FieldChoice): FieldFilter {
  return fieldFilter(choice === true ? { '*': true, metadata } : { ...always, ...choice });
}

const always = { apiVersion: true, kind: true, metadata, items: true } as const;

const filters: ReadonlyMap<string, FieldFilter> = new Map(
  Object.entries(kinds).map(([kind, choice]) => [kind, objectFilter(choice)]),
);
const otherKinds = objectFilter(true);
/** Only the mesh's own configuration is read; ConfigMaps hold a lot besides. */
const configMap = objectFilter({
  data: { mesh: true, meshNetworks: true, values: true, 'root-cert.pem': true },
});

const metadataFilter = fieldFilter(metadata);

/** The filter for a whole object of an unknown kind, or for a list of objects: it narrows once `kind` is known. */
export const whatIsRead: FieldFilter = {
  isObject: true,
  of: (field) => {
    if (field === 'metadata') return metadataFilter;
    return field === 'items' ? whatIsRead : everything;
  },
  given: (field, value) => {
    if (field !== 'kind' || typeof value !== 'string') return whatIsRead;
    if (value === 'List' || value.endsWith('List')) return whatIsRead;
    return value === 'ConfigMap' ? configMap : (filters.get(value) ?? otherKinds);
  },
};
