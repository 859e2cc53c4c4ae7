/** The positive probe of a row: by which Service, from which client, and who vouches for the server. */
import { PadlockError } from '../../errors.ts';
import { controlPlaneOf } from '../../mesh/mesh.ts';
import { type OutboundEndpoint, outboundClusters } from '../envoy/outbound.ts';
import type { MeshClient } from '../probe/clients.ts';
import { NoCurl } from '../probe/curl.ts';
import { type MutualTlsTarget, probeMutualTls } from '../probe/mutual-tls.ts';
import type { MutualTlsOutcome, ProbeRecord } from '../probe/outcome.ts';
import { idOf } from './identities.ts';
import { type Route, routesTo, speaksHttp2 } from './routes.ts';
import { type Client, factsOf, type Run } from './run.ts';
import type { Target } from './targets.ts';

/** @param served SPIFFE ids that every pod showed in a handshake; undefined where not every one did */
export async function mutualTlsProbe(
  run: Run,
  target: Target,
  port: number,
  served: readonly (readonly string[])[] | undefined,
): Promise<ProbeRecord<MutualTlsOutcome> | { readonly missing: string }> {
  const { workload } = target;
  const client = await run.clients(workload.namespace);
  const { search } = client;
  if (search.found === undefined) return { missing: search.why };
  const from = search.found;
  const { clusterDomain } = controlPlaneOf(run.mesh, workload.revision).config;
  const [route] = routesTo(run.mesh, workload, port, clusterDomain);
  if (route === undefined) return { missing: 'no Service leads to this port, so no mesh client can call it' };
  const url = `${route.host}:${route.port}`;
  await run.pace.turn(workload.id);
  const record = {
    target: url,
    caller: `curl in ${from.namespace}/${from.pod} (${from.container})`,
    at: new Date(run.effects.now()).toISOString(),
  };
  try {
    const outcome = await probeMutualTls(from, probeTarget(run, target, port, route, client, from, served), {
      ...run.effects,
      reader: run.reader,
    });
    return { ...record, outcome: explained(outcome, clientView(client, route), url) };
  } catch (error) {
    run.effects.signal?.throwIfAborted();
    if (error instanceof NoCurl) return { missing: 'the client has no curl any more' };
    if (!(error instanceof PadlockError)) throw error;
    const detail = error.message;
    return error.code === 'CLUSTER_FORBIDDEN'
      ? { ...record, outcome: { kind: 'not-allowed', right: 'create pods/exec', detail } }
      : { ...record, outcome: { kind: 'not-run', detail } };
  }
}

function probeTarget(
  run: Run,
  target: Target,
  port: number,
  route: Route,
  client: Client,
  from: MeshClient,
  served: readonly (readonly string[])[] | undefined,
): MutualTlsTarget {
  const { workload, pods } = target;
  const server = idOf(run.mesh, workload);
  return {
    host: route.host,
    port: route.port,
    targetPort: port,
    bare: route.bare,
    http2: speaksHttp2(route.protocol),
    pods: pods.map((pod) => ({ namespace: workload.namespace, pod: pod.name })),
    server,
    client: idOf(run.mesh, from.workload),
    serverVouched:
      served?.every((ids) => ids.includes(server)) === true ||
      serverVouched(run, target, clientView(client, route), server),
    others: route.others.map((other) => idOf(run.mesh, other)),
  };
}

/** Each pod's certificate was read and names the workload, or the client's sidecar takes no other name. */
function serverVouched(run: Run, target: Target, view: readonly OutboundEndpoint[], server: string): boolean {
  const { workload, pods } = target;
  const names = pods.map((pod) => {
    const facts = factsOf(run, workload, pod.name);
    return facts?.read === true ? facts.certificates.flatMap((set) => set.chain[0]?.uris ?? []) : [];
  });
  if (names.every((uris) => uris.includes(server))) return true;
  const expected = view.flatMap((endpoint) => endpoint.expectedServers);
  return expected.length > 0 && expected.every((name) => name === server);
}

function clientView(client: Client, route: Route): readonly OutboundEndpoint[] {
  if (client.dump === undefined) return [];
  return outboundClusters(client.dump, route.host, route.port).flatMap((cluster) => cluster.endpoints);
}

/** Adds why a request did not get through, where the client's own configuration tells. */
function explained(
  outcome: MutualTlsOutcome,
  view: readonly OutboundEndpoint[],
  url: string,
): MutualTlsOutcome {
  if (outcome.kind !== 'unavailable' && outcome.kind !== 'unrecorded') return outcome;
  if (view.length === 0 || !view.every((endpoint) => endpoint.sends === 'plaintext')) return outcome;
  return { kind: 'plaintext', detail: `the client’s sidecar is told to send plaintext to ${url}` };
}
