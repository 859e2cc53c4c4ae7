/**
 * What the API server fills into pods and pod templates (Kubernetes' `pkg/apis/core/v1/defaults.go`): the
 * policies that people leave out, ports' protocol, probes' numbers, volumes' modes.
 */
import {
  ensureObject,
  isObject,
  type JsonObject,
  objectAt,
  objectsAt,
  setDefault,
  stringAt,
} from '../json.ts';

/** Defaults of a pod, on top of those of its spec. */
export function defaultPod(pod: JsonObject): void {
  const spec = ensureObject(pod, 'spec');
  for (const field of ['containers', 'initContainers']) {
    for (const container of objectsAt(spec, field)) requestsFromLimits(container);
  }
  setDefault(spec, 'enableServiceLinks', true);
  if (spec.hostNetwork === true) {
    for (const container of [...objectsAt(spec, 'containers'), ...objectsAt(spec, 'initContainers')]) {
      for (const port of objectsAt(container, 'ports')) setDefault(port, 'hostPort', port.containerPort);
    }
  }
  defaultPodSpec(spec);
  setDefault(pod, 'status', {});
}

/** Defaults of the pod template below `spec` of a workload. */
export function defaultPodTemplate(workloadSpec: JsonObject): void {
  const template = objectAt(workloadSpec, 'template');
  if (template === undefined) return;
  setDefault(template, 'metadata', {});
  defaultPodSpec(ensureObject(template, 'spec'));
}

function defaultPodSpec(spec: JsonObject): void {
  setDefault(spec, 'dnsPolicy', 'ClusterFirst');
  setDefault(spec, 'restartPolicy', 'Always');
  setDefault(spec, 'securityContext', {});
  setDefault(spec, 'terminationGracePeriodSeconds', 30);
  // A negative one was valid once, and is taken for the shortest there is (pkg/registry/core/pod/strategy.go).
  if (Number(spec.terminationGracePeriodSeconds) < 0) spec.terminationGracePeriodSeconds = 1;
  setDefault(spec, 'schedulerName', 'default-scheduler');
  // Both spellings are served; the older one follows the newer.
  if (stringAt(spec, 'serviceAccountName') === undefined && stringAt(spec, 'serviceAccount') !== undefined) {
    spec.serviceAccountName = spec.serviceAccount;
  }
  if (stringAt(spec, 'serviceAccountName') !== undefined) spec.serviceAccount = spec.serviceAccountName;
  for (const field of ['containers', 'initContainers', 'ephemeralContainers']) {
    for (const container of objectsAt(spec, field)) defaultContainer(container);
  }
  for (const volume of objectsAt(spec, 'volumes')) defaultVolume(volume);
}

function defaultContainer(container: JsonObject): void {
  setDefault(
    container,
    'imagePullPolicy',
    hasLatestTag(stringAt(container, 'image') ?? '') ? 'Always' : 'IfNotPresent',
  );
  setDefault(container, 'resources', {});
  setDefault(container, 'terminationMessagePath', '/dev/termination-log');
  setDefault(container, 'terminationMessagePolicy', 'File');
  for (const port of objectsAt(container, 'ports')) setDefault(port, 'protocol', 'TCP');
  for (const variable of objectsAt(container, 'env')) {
    const fieldRef = objectAt(objectAt(variable, 'valueFrom'), 'fieldRef');
    if (fieldRef !== undefined) setDefault(fieldRef, 'apiVersion', 'v1');
    const resourceRef = objectAt(objectAt(variable, 'valueFrom'), 'resourceFieldRef');
    if (resourceRef !== undefined) setDefault(resourceRef, 'divisor', '0');
  }
  for (const name of ['livenessProbe', 'readinessProbe', 'startupProbe']) {
    const probe = objectAt(container, name);
    if (probe !== undefined) defaultProbe(probe);
  }
  for (const name of ['postStart', 'preStop']) {
    const httpGet = objectAt(objectAt(objectAt(container, 'lifecycle'), name), 'httpGet');
    if (httpGet !== undefined) defaultHttpGet(httpGet);
  }
}

function defaultProbe(probe: JsonObject): void {
  const httpGet = objectAt(probe, 'httpGet');
  if (httpGet !== undefined) defaultHttpGet(httpGet);
  const grpc = objectAt(probe, 'grpc');
  if (grpc !== undefined) setDefault(grpc, 'service', '');
  const numbers = { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 };
  for (const [field, value] of Object.entries(numbers)) {
    if (probe[field] === 0) delete probe[field];
    setDefault(probe, field, value);
  }
}

function defaultHttpGet(httpGet: JsonObject): void {
  if (httpGet.path === '') delete httpGet.path;
  setDefault(httpGet, 'path', '/');
  setDefault(httpGet, 'scheme', 'HTTP');
}

const volumeSourceDefaults: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  configMap: { defaultMode: 0o644 },
  secret: { defaultMode: 0o644 },
  downwardAPI: { defaultMode: 0o644 },
  projected: { defaultMode: 0o644 },
  hostPath: { type: '' },
};

function defaultVolume(volume: JsonObject): void {
  if (Object.keys(volume).every((field) => field === 'name')) volume.emptyDir = {};
  for (const [source, defaults] of Object.entries(volumeSourceDefaults)) {
    const object = objectAt(volume, source);
    if (object === undefined) continue;
    for (const [field, value] of Object.entries(defaults)) setDefault(object, field, value);
  }
  for (const item of objectsAt(objectAt(volume, 'downwardAPI'), 'items')) defaultDownwardItem(item);
  for (const source of objectsAt(objectAt(volume, 'projected'), 'sources')) {
    const token = objectAt(source, 'serviceAccountToken');
    if (token !== undefined) setDefault(token, 'expirationSeconds', 3600);
    for (const item of objectsAt(objectAt(source, 'downwardAPI'), 'items')) defaultDownwardItem(item);
  }
}

function defaultDownwardItem(item: JsonObject): void {
  const fieldRef = objectAt(item, 'fieldRef');
  if (fieldRef !== undefined) setDefault(fieldRef, 'apiVersion', 'v1');
  const resourceRef = objectAt(item, 'resourceFieldRef');
  if (resourceRef !== undefined) setDefault(resourceRef, 'divisor', '0');
}

/** A limit without a request is a request too. */
function requestsFromLimits(container: JsonObject): void {
  const resources = objectAt(container, 'resources');
  const limits = objectAt(resources, 'limits');
  if (resources === undefined || limits === undefined) return;
  const requests = ensureObject(resources, 'requests');
  for (const [name, value] of Object.entries(limits)) setDefault(requests, name, value);
}

/** An image without a tag or digest means `:latest`, which is always pulled. */
function hasLatestTag(image: string): boolean {
  if (image.includes('@')) return false;
  const last = image.slice(image.lastIndexOf('/') + 1);
  const colon = last.indexOf(':');
  return colon === -1 || last.slice(colon + 1) === 'latest';
}

/** @returns true where the value is a pod's or template's spec with containers. */
export function isPodSpec(value: unknown): value is JsonObject {
  return isObject(value) && Array.isArray(value.containers);
}
