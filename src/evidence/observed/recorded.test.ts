/** Access logs of a real mesh's sidecars, read as a cluster serves them. */
import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { buildMesh } from '../../mesh/mesh.ts';
import { readClusterSnapshot } from '../../sources/cluster-snapshot.ts';
import { recordedMesh, recordings } from '../testing/recorded-mesh.ts';
import { blindSpots, type Observation, trafficVerdict } from './observation.ts';
import { beginObservation } from './observe.ts';

async function observe(
  policy: string,
  forbids?: (verb: string, resource: string) => boolean,
): Promise<Observation> {
  const cluster = recordedMesh(policy, forbids === undefined ? {} : { forbids });
  const mesh = buildMesh(await readClusterSnapshot(cluster, { namespaces: ['secure-apps'] }));
  let now = Date.parse('2026-11-24T03:00:00Z');
  const effects = { cluster, now: () => now };
  const wants = ({ name }: { readonly name: string }): boolean => name === 'httpbin';
  const options = { namespaces: ['secure-apps'], wants, lookBack: 3_600_000 * 2 };
  const open = await beginObservation(mesh, options, effects);
  now += 60_000;
  return open.finish(mesh);
}

const senders = (observation: Observation): readonly string[] =>
  observation.ports.flatMap(({ port, senders: list }) =>
    list.map(
      (one) => `${port} ${one.security} ${one.requests} refused ${one.refused} ${one.kind} ${one.name}`,
    ),
  );

describe.skipIf(!existsSync(recordings))('a recorded mesh (skipped where ../shared/inputs is absent)', () => {
  test('under PERMISSIVE every plaintext sender is named as far as it can be', async () => {
    const observation = await observe('permissive');
    expect(senders(observation)).toMatchInlineSnapshot(`
      [
        "8080 plaintext 2 refused 0 address 10.77.1.5",
        "8080 plaintext 1 refused 0 workload Deployment sleep",
        "8080 plaintext 1 refused 0 forwarded a proxy that sets X-Forwarded-For",
        "8080 other-tls 0 refused 2 address 10.77.1.5",
        "8080 mtls 3 refused 0 workload Deployment sleep",
      ]
    `);
    expect(observation.ports.map(trafficVerdict)).toEqual(['plaintext']);
  });

  test('under STRICT plaintext was refused, and its senders are named all the same', async () => {
    const observation = await observe('strict');
    expect(senders(observation)).toMatchInlineSnapshot(`
      [
        "8080 plaintext 0 refused 1 address 10.77.0.1",
        "8080 plaintext 0 refused 2 address 10.77.1.5",
        "8080 plaintext 0 refused 1 workload Deployment sleep",
        "8080 mtls 3 refused 0 workload Deployment sleep",
      ]
    `);
    expect(observation.ports.map(trafficVerdict)).toEqual(['only-mtls']);
  });

  test('what may not be read is a blind spot with the right that is missing', async () => {
    const observation = await observe('permissive', (_verb, resource) => resource.startsWith('pods/'));
    const [httpbin] = observation.ports;
    expect(httpbin && trafficVerdict(httpbin)).toBe('unseen');
    expect(httpbin && blindSpots(observation, httpbin).map(({ source, right }) => [source, right])).toEqual([
      ['proxy counters', 'get pods/proxy, or create pods/portforward'],
      ['access log', 'get pods/log'],
    ]);
  });
});
