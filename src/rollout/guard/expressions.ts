/**
 * The guard's pieces of CEL. A validating admission policy sees one object, the one before it, and the namespace; no
 * other object and no clock. Every piece holds for objects in which fields are absent, and passes the API server's
 * type check against the schemas of the kinds.
 */

import { ownerAnnotation, untilAnnotation } from '../../mesh/exception.ts';

/** A text as a CEL literal. Names of namespaces and domains need no escapes; anything else gets them. */
export function celText(value: string): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

export function celList(values: readonly string[]): string {
  return `[${values.map(celText).join(', ')}]`;
}

/** The value of one label or annotation, `''` where there is none. */
export function entryOf(map: string, key: string): string {
  const name = celText(key);
  return `(has(${map}) && ${name} in ${map} ? ${map}[${name}] : '')`;
}

/** The mode that a PeerAuthentication declares for all its ports; no mode is UNSET. */
export function modeOf(policy: string): string {
  return `(has(${policy}.spec) && has(${policy}.spec.mtls) && has(${policy}.spec.mtls.mode) ? ${policy}.spec.mtls.mode : 'UNSET')`;
}

/** Holds for the whole namespace: an empty selector counts as none. */
export function isNamespaceWide(policy: string): string {
  const selector = `${policy}.spec.selector`;
  return `(!has(${policy}.spec) || !has(${selector}) || !has(${selector}.matchLabels) || size(${selector}.matchLabels) == 0)`;
}

/** Some port of a PeerAuthentication accepts plaintext. An UNSET port takes the workload's mode, which is judged
 * by itself. The list of one names the port's value, for CEL has no `let`. */
export function hasWeakPort(policy: string): string {
  const ports = `${policy}.spec.portLevelMtls`;
  return `(has(${policy}.spec) && has(${ports}) && ${ports}.exists(p, [${ports}[p]].exists(v, has(v.mode) && v.mode in ['PERMISSIVE', 'DISABLE'])))`;
}

/** `tls` that is not Istio's own mutual TLS. `tls: {}` is DISABLE (the enum's zero value). */
export function isForeignTls(holder: string): string {
  return `(has(${holder}.tls) && !(has(${holder}.tls.mode) && ${holder}.tls.mode == 'ISTIO_MUTUAL'))`;
}

export function hasForeignPort(policy: string): string {
  return `(has(${policy}.portLevelSettings) && ${policy}.portLevelSettings.exists(p, ${isForeignTls('p')}))`;
}

/**
 * The exception's annotations stand and its last day has not passed. CEL has no clock, so the time is that of the write
 * itself: on CREATE the creation timestamp, on UPDATE the newest entry of `managedFields`; both are set by the API
 * server before it asks the policies. Entries that a client invents only make the exception end sooner.
 */
export function exceptionHolds(annotations: string, maxDays: number): string {
  const until = `timestamp(${annotations}[${celText(untilAnnotation)}] + 'T23:59:59Z')`;
  const created = 'timestamp(object.metadata.creationTimestamp)';
  const longest = `duration('${maxDays * 24}h')`;
  const written = 'object.metadata.managedFields';
  const onCreate = `(${created} <= ${until} && ${until} <= ${created} + ${longest})`;
  const onUpdate = `(has(${written}) && ${written}.all(f, !has(f.time) || timestamp(f.time) <= ${until}) && ${written}.exists(f, has(f.time) && ${until} <= timestamp(f.time) + ${longest}))`;
  return `(${isException(annotations)} && (request.operation == 'CREATE' ? ${onCreate} : ${onUpdate}))`;
}

/** The annotations are there and well formed, whether or not their day has passed. */
export function isException(annotations: string): string {
  const date = '^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$';
  return `(${entryOf(annotations, ownerAnnotation)} != '' && ${entryOf(annotations, untilAnnotation)}.matches(${celText(date)}))`;
}

/** An update that touches neither the judged part nor the exception: what stood before the guard may be labelled and annotated. */
export function isUnchanged(part: string, annotations: string): string {
  const same = (a: string, b: string): string => `${a} == ${b}`;
  const entries = [ownerAnnotation, untilAnnotation].map((key) =>
    same(entryOf(`object.${annotations}`, key), entryOf(`oldObject.${annotations}`, key)),
  );
  const fields = `has(object.${part}) == has(oldObject.${part}) && (!has(object.${part}) || object.${part} == oldObject.${part})`;
  return `(request.operation == 'UPDATE' && ${fields} && ${entries.join(' && ')})`;
}

/** Inbound ports that only Istio's own agent serves; its CNI writes them into every pod's annotation. */
const agentPorts = ['', '15020', '15021', '15090'];

/** Marks of a pod, or of its template, that keep traffic away from the sidecar. */
export function bypassesSidecar(annotations: string): string {
  const excluded = entryOf(annotations, 'traffic.sidecar.istio.io/excludeInboundPorts');
  const included = 'traffic.sidecar.istio.io/includeInboundPorts';
  const mode = entryOf(annotations, 'sidecar.istio.io/interceptionMode');
  return [
    `${excluded}.split(',').exists(p, !(p.trim() in ${celList(agentPorts)}))`,
    `(has(${annotations}) && ${celText(included)} in ${annotations} && ${annotations}[${celText(included)}] != '*')`,
    `${mode} == 'NONE'`,
  ].join(' || ');
}
