import fc from 'fast-check';
import { expect, test } from 'vitest';
import { composeMode, indexPolicies, modeOfPort } from './effective-mode.ts';
import type { KubeObject } from './kubernetes.ts';
import { type MtlsMode, parsePeerAuthentication } from './peer-authentication.ts';

/** A policy as a manifest, in few words. */
interface Written {
  readonly namespace: 'root' | 'shop' | 'web';
  readonly name: string;
  /** Seconds; absent for a manifest. */
  readonly created?: number;
  readonly selector?: Readonly<Record<string, string>>;
  readonly mode?: string;
  readonly ports: readonly (readonly [port: number, mode: string | undefined])[];
}

const labels = { app: 'cart', version: 'v1' };
const modes = ['STRICT', 'PERMISSIVE', 'DISABLE', 'UNSET'] as const;

const written: fc.Arbitrary<Written> = fc.record(
  {
    namespace: fc.constantFrom('root', 'shop', 'shop', 'shop', 'web'),
    name: fc.constantFrom('a', 'b', 'c', 'default'),
    created: fc.integer({ min: 0, max: 3 }),
    selector: fc.constantFrom({}, { app: 'cart' }, { app: 'cart', version: 'v1' }, { app: 'other' }),
    mode: fc.constantFrom(...modes),
    ports: fc.array(
      fc.tuple(fc.constantFrom(80, 8080), fc.option(fc.constantFrom(...modes), { nil: undefined })),
      { maxLength: 2 },
    ),
  },
  { requiredKeys: ['namespace', 'name', 'ports'] },
);
/** No two policies of one name in one namespace: an API server holds only one. */
const policies = fc.uniqueArray(written, {
  maxLength: 8,
  selector: ({ namespace, name }) => `${namespace}/${name}`,
});

function manifest({ namespace, name, created, selector, mode, ports }: Written): KubeObject {
  return {
    apiVersion: 'security.istio.io/v1',
    kind: 'PeerAuthentication',
    metadata: {
      name,
      namespace,
      ...(created === undefined
        ? {}
        : { creationTimestamp: new Date(1.7e12 + created * 1000).toISOString() }),
    },
    spec: {
      ...(selector === undefined ? {} : { selector: { matchLabels: selector } }),
      ...(mode === undefined ? {} : { mtls: { mode } }),
      ...(ports.length === 0
        ? {}
        : {
            portLevelMtls: Object.fromEntries(
              ports.map(([port, own]) => [port, own === undefined ? {} : { mode: own }]),
            ),
          }),
    },
  };
}

const compose = (list: readonly Written[], namespace = 'shop') =>
  composeMode(
    indexPolicies(
      list.map((policy) => parsePeerAuthentication(manifest(policy))),
      'root',
    ),
    namespace,
    labels,
  );

/** The documented rules once more, in the plainest words: level by level, the first of each, UNSET passes on. */
function plainly(list: readonly Written[], namespace: string, port: number): MtlsMode {
  const selects = ({ selector }: Written): boolean =>
    selector !== undefined && Object.keys(selector).length > 0;
  const matches = ({ selector = {} }: Written): boolean =>
    Object.entries(selector).every(([key, value]) => Reflect.get(labels, key) === value);
  const first = (candidates: readonly Written[]): Written | undefined =>
    candidates.toSorted((a, b) => (a.created ?? -1) - (b.created ?? -1) || (a.name < b.name ? -1 : 1))[0];
  const isSet = (mode: string | undefined): mode is MtlsMode => mode !== undefined && mode !== 'UNSET';
  const mesh = first(list.filter((policy) => policy.namespace === 'root' && !selects(policy)));
  const own = list.filter((policy) => policy.namespace === namespace && namespace !== 'root');
  const workload = first(own.filter((policy) => selects(policy) && matches(policy)));
  let mode: MtlsMode = 'PERMISSIVE';
  for (const level of [mesh, first(own.filter((policy) => !selects(policy))), workload]) {
    if (isSet(level?.mode)) mode = level.mode;
  }
  const entry = workload?.ports.findLast(([number]) => number === port);
  return isSet(entry?.[1]) ? entry[1] : mode;
}

test('every port of every namespace comes out as the rules say', () => {
  fc.assert(
    fc.property(
      policies,
      fc.constantFrom('shop', 'web', 'root'),
      fc.constantFrom(80, 8080, 9999),
      (list, namespace, port) => {
        expect(modeOfPort(compose(list, namespace), port).mode).toBe(plainly(list, namespace, port));
      },
    ),
    { numRuns: 2000 },
  );
});

test('the order in which policies are read does not matter', () => {
  fc.assert(
    fc.property(
      policies.chain((list) =>
        fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })),
      ),
      ([list, shuffled]) => {
        for (const port of [80, 8080, 9999]) {
          expect(modeOfPort(compose(shuffled), port)).toEqual(modeOfPort(compose(list), port));
        }
      },
    ),
  );
});

test('a younger policy beside one that stands at its level changes nothing, and is told to be beaten', () => {
  fc.assert(
    fc.property(policies, fc.constantFrom(...modes), (list, mode) => {
      const younger: Written = { namespace: 'shop', name: 'zz', created: 99, mode, ports: [] };
      const before = compose(list);
      const after = compose([...list, younger]);
      const held = before.levels.find(({ scope }) => scope === 'namespace');
      fc.pre(held !== undefined);
      expect(modeOfPort(after, 80)).toEqual(modeOfPort(before, 80));
      expect(after.levels.find(({ scope }) => scope === 'namespace')?.beaten.at(-1)?.name).toBe('zz');
    }),
  );
});

test('policies of another namespace change nothing', () => {
  fc.assert(
    fc.property(policies, (list) => {
      const without = list.filter(({ namespace }) => namespace !== 'web');
      for (const port of [80, 8080]) {
        expect(modeOfPort(compose(list), port)).toEqual(modeOfPort(compose(without), port));
      }
    }),
  );
});
