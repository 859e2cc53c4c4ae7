/** The columns of the core group's kinds other than pods. */
import { type JsonObject, numberAt, objectAt, objectsAt, stringAt, stringMapAt, stringsAt } from '../json.ts';
import { since } from './human-duration.ts';
import { formatLabels, listWithMore, nameColumn, namedTable, table } from './table.ts';

const spec = (object: JsonObject): JsonObject | undefined => objectAt(object, 'spec');
const status = (object: JsonObject): JsonObject | undefined => objectAt(object, 'status');
const count = (object: JsonObject, field: string): number =>
  Object.keys(objectAt(object, field) ?? {}).length;

export const namespaceTable = namedTable([
  { name: 'Status', cell: (object) => stringAt(status(object), 'phase') ?? '' },
]);

export const plainTable = namedTable([]);

export const configMapTable = namedTable([
  { name: 'Data', cell: (object) => count(object, 'data') + count(object, 'binaryData') },
]);

export const secretTable = namedTable([
  { name: 'Type', cell: (object) => stringAt(object, 'type') ?? '' },
  { name: 'Data', cell: (object) => count(object, 'data') },
]);

function externalIP(service: JsonObject): string {
  const type = stringAt(spec(service), 'type') ?? '';
  const external = stringsAt(spec(service), 'externalIPs');
  if (type === 'ExternalName') return stringAt(spec(service), 'externalName') ?? '';
  if (type !== 'LoadBalancer') return external.length === 0 ? '<none>' : external.join(',');
  const ingress = objectsAt(objectAt(status(service), 'loadBalancer'), 'ingress');
  const addresses = ingress.map((one) => stringAt(one, 'ip') ?? stringAt(one, 'hostname') ?? '');
  const all = [...addresses.filter((address) => address !== ''), ...external];
  return all.length === 0 ? '<pending>' : all.join(',');
}

function portText(port: JsonObject): string {
  const nodePort = numberAt(port, 'nodePort') ?? 0;
  const number = numberAt(port, 'port') ?? 0;
  return `${number}${nodePort > 0 ? `:${nodePort}` : ''}/${stringAt(port, 'protocol') ?? 'TCP'}`;
}

export const serviceTable = namedTable(
  [
    { name: 'Type', cell: (service) => stringAt(spec(service), 'type') ?? '' },
    {
      name: 'Cluster-IP',
      cell: (service) =>
        stringsAt(spec(service), 'clusterIPs')[0] ?? stringAt(spec(service), 'clusterIP') ?? '<none>',
    },
    { name: 'External-IP', cell: externalIP },
    {
      name: 'Port(s)',
      cell: (service) => objectsAt(spec(service), 'ports').map(portText).join(',') || '<none>',
    },
  ],
  [{ name: 'Selector', wide: true, cell: (service) => formatLabels(stringMapAt(spec(service), 'selector')) }],
);

function endpointTexts(endpoints: JsonObject): readonly string[] {
  return objectsAt(endpoints, 'subsets').flatMap((subset) => {
    const addresses = objectsAt(subset, 'addresses').map((address) => stringAt(address, 'ip') ?? '');
    const ports = objectsAt(subset, 'ports');
    if (ports.length === 0) return addresses;
    return ports.flatMap((port) => addresses.map((address) => `${address}:${numberAt(port, 'port') ?? 0}`));
  });
}

export const endpointsTable = namedTable([
  { name: 'Endpoints', cell: (endpoints) => listWithMore(endpointTexts(endpoints), '<none>') },
]);

export const endpointSliceTable = namedTable([
  { name: 'AddressType', cell: (slice) => stringAt(slice, 'addressType') ?? '' },
  {
    name: 'Ports',
    cell: (slice) =>
      listWithMore(
        objectsAt(slice, 'ports').map((port) =>
          String(numberAt(port, 'port') ?? stringAt(port, 'name') ?? '*'),
        ),
        '<unset>',
      ),
  },
  {
    name: 'Endpoints',
    cell: (slice) =>
      listWithMore(
        objectsAt(slice, 'endpoints').flatMap((endpoint) => stringsAt(endpoint, 'addresses')),
        '<unset>',
      ),
  },
]);

function nodeStatus(node: JsonObject): string {
  const ready = objectsAt(status(node), 'conditions').find((condition) => condition.type === 'Ready');
  const word = ready === undefined ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady';
  return spec(node)?.unschedulable === true ? `${word},SchedulingDisabled` : word;
}

const rolePrefix = 'node-role.kubernetes.io/';

function nodeRoles(node: JsonObject): string {
  const labels = stringMapAt(objectAt(node, 'metadata'), 'labels');
  const roles = Object.keys(labels)
    .filter((key) => key.startsWith(rolePrefix) && key.length > rolePrefix.length)
    .map((key) => key.slice(rolePrefix.length));
  const named = labels['kubernetes.io/role'];
  if (named !== undefined && named !== '') roles.push(named);
  return roles.length === 0 ? '<none>' : [...new Set(roles)].sort().join(',');
}

function nodeAddress(type: string): (node: JsonObject) => string {
  return (node) =>
    stringAt(
      objectsAt(status(node), 'addresses').find((address) => address.type === type),
      'address',
    ) ?? '<none>';
}

function nodeInfo(node: JsonObject, field: string): string {
  return stringAt(objectAt(status(node), 'nodeInfo'), field) ?? '';
}

export const nodeTable = namedTable(
  [
    { name: 'Status', cell: nodeStatus },
    { name: 'Roles', cell: nodeRoles },
  ],
  [
    { name: 'Version', cell: (node) => nodeInfo(node, 'kubeletVersion') },
    { name: 'Internal-IP', wide: true, cell: nodeAddress('InternalIP') },
    { name: 'External-IP', wide: true, cell: nodeAddress('ExternalIP') },
    { name: 'OS-Image', wide: true, cell: (node) => nodeInfo(node, 'osImage') || '<unknown>' },
    {
      name: 'Kernel-Version',
      wide: true,
      cell: (node) => {
        const architecture = nodeInfo(node, 'architecture');
        return `${nodeInfo(node, 'kernelVersion') || '<unknown>'}${architecture === '' ? '' : ` (${architecture})`}`;
      },
    },
    {
      name: 'Container-Runtime',
      wide: true,
      cell: (node) => nodeInfo(node, 'containerRuntimeVersion') || '<unknown>',
    },
  ],
);

function eventSeen(event: JsonObject, now: Date, which: 'first' | 'last'): string {
  const series = stringAt(objectAt(event, 'series'), 'lastObservedTime');
  if (which === 'last' && series !== undefined) return since(series, now);
  const first = stringAt(event, 'firstTimestamp') ?? stringAt(event, 'eventTime');
  const last = stringAt(event, 'lastTimestamp');
  return since(which === 'last' ? (last ?? first) : first, now);
}

function eventObject(event: JsonObject): string {
  const object = objectAt(event, 'involvedObject');
  const kind = (stringAt(object, 'kind') ?? '').toLowerCase();
  const name = stringAt(object, 'name') ?? '';
  return name === '' ? kind : `${kind}/${name}`;
}

function eventSource(event: JsonObject): string {
  const source = objectAt(event, 'source');
  const component = stringAt(source, 'component') || stringAt(event, 'reportingComponent') || '';
  const instance = stringAt(source, 'host') || stringAt(event, 'reportingInstance') || '';
  return instance === '' ? component : `${component}, ${instance}`;
}

export const eventTable = table([
  { name: 'Last Seen', cell: (event, now) => eventSeen(event, now, 'last') },
  { name: 'Type', cell: (event) => stringAt(event, 'type') ?? '' },
  { name: 'Reason', cell: (event) => stringAt(event, 'reason') ?? '' },
  { name: 'Object', cell: eventObject },
  {
    name: 'Subobject',
    wide: true,
    cell: (event) => stringAt(objectAt(event, 'involvedObject'), 'fieldPath') ?? '',
  },
  { name: 'Source', wide: true, cell: eventSource },
  { name: 'Message', cell: (event) => (stringAt(event, 'message') ?? '').trim() },
  { name: 'First Seen', wide: true, cell: (event, now) => eventSeen(event, now, 'first') },
  {
    name: 'Count',
    wide: true,
    cell: (event) => numberAt(objectAt(event, 'series'), 'count') ?? (numberAt(event, 'count') || 1),
  },
  { ...nameColumn, wide: true },
]);

export const claimTable = namedTable([
  { name: 'Status', cell: (claim) => stringAt(status(claim), 'phase') ?? '' },
  { name: 'Volume', cell: (claim) => stringAt(spec(claim), 'volumeName') ?? '' },
  { name: 'Capacity', cell: (claim) => stringAt(objectAt(status(claim), 'capacity'), 'storage') ?? '' },
  { name: 'Access Modes', cell: (claim) => stringsAt(status(claim), 'accessModes').join(',') },
  { name: 'StorageClass', cell: (claim) => stringAt(spec(claim), 'storageClassName') ?? '' },
]);

export const volumeTable = namedTable([
  { name: 'Capacity', cell: (volume) => stringAt(objectAt(spec(volume), 'capacity'), 'storage') ?? '' },
  { name: 'Access Modes', cell: (volume) => stringsAt(spec(volume), 'accessModes').join(',') },
  { name: 'Reclaim Policy', cell: (volume) => stringAt(spec(volume), 'persistentVolumeReclaimPolicy') ?? '' },
  { name: 'Status', cell: (volume) => stringAt(status(volume), 'phase') ?? '' },
]);
