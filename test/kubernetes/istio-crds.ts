/** Puts Istio's CRDs, as the Go module istio.io/api ships them, on an API server. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseAllDocuments } from 'yaml';
import type { Cluster } from '../../src/sources/cluster.ts';
import { asList, asText, dig } from '../../src/sources/json-value.ts';
import { istioCrds } from './control-plane.ts';

/** Installs them and waits until each is served. What is there already stays. */
export async function installIstioCrds(cluster: Cluster): Promise<void> {
  const documents = parseAllDocuments(readFileSync(await istioCrds(), 'utf8'));
  const crds: readonly unknown[] = documents.map((document): unknown => document.toJS());
  for (const crd of crds) {
    const answer = await cluster.raw({
      method: 'POST',
      path: '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(crd),
    });
    if (answer.status !== 201 && answer.status !== 409) throw new Error(answer.body);
  }
  for (const crd of crds) await served(cluster, crd);
}

async function served(cluster: Cluster, crd: unknown): Promise<void> {
  const plural = asText(dig(crd, 'spec', 'names', 'plural')) ?? '';
  for (const version of asList(dig(crd, 'spec', 'versions'))) {
    const path = `/apis/${asText(dig(crd, 'spec', 'group'))}/${asText(dig(version, 'name'))}/${plural}?limit=1`;
    const deadline = Date.now() + 60_000;
    while ((await cluster.raw({ method: 'GET', path })).status !== 200) {
      if (Date.now() > deadline) throw new Error(`${path} was not served in time`);
      await sleep(50);
    }
  }
}
