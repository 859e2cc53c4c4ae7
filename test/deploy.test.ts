/** What deploy/ ships: rights that suffice and no more, pods that may do nothing, alerts whose expressions are tried. */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { whileLeading } from '../src/cli/watch/leader.ts';
import { stateStore } from '../src/cli/watch/state-stores.ts';
import { eventNames, type KeepEvent } from '../src/evidence/watch/fact.ts';
import { Watcher } from '../src/evidence/watch/watcher.ts';
import type { KubeObject } from '../src/istio/kubernetes.ts';
import { createApi } from '../src/lab/api/create-api.ts';
import { serveApi } from '../src/lab/api/testing/serve-api.ts';
import type { Kubelet } from '../src/lab/kubelet/kubelet.ts';
import { WatchMetrics } from '../src/report/watch/metrics-page.ts';
import { asList, asObjects, asText, asTexts, dig } from '../src/sources/json-value.ts';
import { connectCluster } from '../src/sources/kube/connect.ts';

const run = promisify(execFile);
const folder = join(import.meta.dirname, '..', 'deploy');
const manifests: readonly KubeObject[] = parseAllDocuments(
  readFileSync(join(folder, 'manifests', 'padlock-watch.yaml'), 'utf8'),
).map((document): KubeObject => document.toJS());
const rulesText = readFileSync(join(folder, 'monitoring', 'padlock-rules.yaml'), 'utf8');

function ofKind(kind: string): readonly KubeObject[] {
  return manifests.filter((object) => object.kind === kind);
}

describe('the plain manifests', () => {
  it('let the watch do all that it does, with its Lease and its state in a ConfigMap', async () => {
    const api = createApi();
    const served = await serveApi({} as Kubelet, api);
    const ended = new AbortController();
    try {
      api.create(
        'namespaces',
        { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'istio-system' } },
        'test',
      );
      const file = join(folder, 'manifests', 'padlock-watch.yaml');
      const applied = await served.kubectl(['apply', '-f', file]);
      expect(applied.stderr).toBe('');
      const mode = (value: string): KubeObject => ({
        apiVersion: 'security.istio.io/v1',
        kind: 'PeerAuthentication',
        metadata: { name: 'default', namespace: 'padlock' },
        spec: { mtls: { mode: value } },
      });
      const peerAuthentication = 'peerauthentications.security.istio.io';
      api.create(peerAuthentication, mode('STRICT'), 'test');
      const containers = [
        { name: 'app', image: 'app', ports: [{ containerPort: 80 }] },
        { name: 'istio-proxy', image: 'proxyv2' },
      ];
      api.create(
        'pods',
        {
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: { name: 'cart', namespace: 'padlock' },
          spec: { containers },
        },
        'test',
      );
      const cluster = await connectCluster({
        kubeconfig: served.kubeconfig,
        as: 'system:serviceaccount:padlock:padlock-watch',
        asGroups: ['system:serviceaccounts', 'system:serviceaccounts:padlock', 'system:authenticated'],
        env: {},
        now: Date.now,
      });
      const events: KeepEvent[] = [];
      const troubles: string[] = [];
      const sleep = (milliseconds: number, signal?: AbortSignal): Promise<void> =>
        new Promise((resolve, reject) => {
          const timer = setTimeout(resolve, milliseconds);
          signal?.addEventListener('abort', () => {
            clearTimeout(timer);
            reject(signal.reason);
          });
        });
      const clock = { now: Date.now, sleep };
      const started = Promise.withResolvers<void>();
      const holder = {
        leaseName: 'padlock-watch',
        cluster,
        namespace: 'padlock',
        holder: 'test',
        now: Date.now,
      };
      const running = whileLeading(
        holder,
        clock,
        ended.signal,
        async () => undefined,
        (signal) =>
          new Watcher(
            { namespaces: undefined, trafficEveryMs: 3_600_000, proxiesEveryMs: 3_600_000, quietMs: 1000 },
            {
              cluster,
              signal,
              store: stateStore('configmap:padlock/padlock-watch', '/', cluster),
              now: Date.now,
              sleep,
              tell: async (told) => void events.push(...told),
              onBaseline: async () => started.resolve(),
              onTrouble: (sentence) => troubles.push(sentence),
            },
          ).run(),
      );
      await Promise.race([started.promise, running]);
      const old = api.get(peerAuthentication, 'padlock', 'default');
      api.update(
        peerAuthentication,
        { ...old, ...mode('PERMISSIVE'), metadata: { ...old?.metadata, name: 'default' } },
        'kubectl-edit',
      );
      await expect.poll(() => events.map(({ event }) => event), { timeout: 5000 }).toContain('mode-weakened');
      ended.abort();
      await running.catch((error: unknown) => {
        if (!ended.signal.aborted) throw error;
      });
      expect(troubles.filter((sentence) => /forbidden|may not/.test(sentence))).toEqual([]);
      expect(api.get('configmaps', 'padlock', 'padlock-watch')?.binaryData).toBeDefined();
      expect(
        dig(api.get('leases.coordination.k8s.io', 'padlock', 'padlock-watch'), 'spec', 'holderIdentity'),
      ).toBe('');
    } finally {
      ended.abort();
      await served.close();
    }
  });

  it('give no right to write but to its own Lease and state, and none to Secrets', () => {
    const rules = [...ofKind('ClusterRole'), ...ofKind('Role')].flatMap((role) => asObjects(role.rules));
    expect(rules.flatMap((rule) => asTexts(rule.resources))).not.toContain('secrets');
    expect(rules.flatMap((rule) => [...asTexts(rule.verbs), ...asTexts(rule.resources)])).not.toContain('*');
    const reading = new Set(['get', 'list', 'watch']);
    const writing = rules.filter((rule) => asTexts(rule.verbs).some((verb) => !reading.has(verb)));
    expect(
      writing.map(
        (rule) => `${asTexts(rule.verbs)} ${asTexts(rule.resources)} ${asTexts(rule.resourceNames)}`,
      ),
    ).toEqual([
      'get,create pods/portforward ',
      'create configmaps ',
      'get,patch configmaps padlock-watch',
      'create leases ',
      'get,update leases padlock-watch',
    ]);
    const cluster = asObjects(ofKind('ClusterRole')[0]?.rules);
    expect(cluster.flatMap((rule) => asTexts(rule.resources))).not.toContain('configmaps');
  });

  it('run as nobody, on a file system that cannot be written, without a capability', () => {
    const [deployment] = ofKind('Deployment');
    const pod = dig(deployment, 'spec', 'template', 'spec');
    expect(dig(pod, 'securityContext')).toMatchObject({
      runAsNonRoot: true,
      runAsUser: 65532,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    expect(asList(dig(pod, 'containers')).map((container) => dig(container, 'securityContext'))).toEqual([
      { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
    ]);
    expect(readFileSync(join(folder, 'Dockerfile'), 'utf8')).toMatch(/^USER 65532:65532$/m);
  });
});

describe('monitoring', () => {
  const exported = new Set(
    [...new WatchMetrics().page().matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name),
  );
  const dashboardText = readFileSync(join(folder, 'monitoring', 'padlock-dashboard.json'), 'utf8');

  it.each([
    { what: 'the alerts', text: rulesText },
    { what: 'the dashboard', text: dashboardText },
  ])('$what ask for nothing that is not exported', ({ text }) => {
    const asked = new Set(text.match(/padlock_[a-z_]+/g));
    expect([...asked].filter((name) => !exported.has(name))).toEqual([]);
  });

  it('names only events that there are', () => {
    const asked = [...rulesText.matchAll(/event=~"([^"]+)"/g)].flatMap(([, names = '']) => names.split('|'));
    expect(asked.filter((name) => !eventNames.some((event) => event === name))).toEqual([]);
  });

  it('the chart has the same rules', () => {
    expect(readFileSync(join(folder, 'chart', 'files', 'padlock-rules.yaml'), 'utf8')).toBe(rulesText);
  });

  it('has a test for every alert', () => {
    const names = (text: string, field: string): readonly string[] =>
      [...text.matchAll(new RegExp(`${field}: (\\S+)`, 'g'))].map(([, name = '']) => name);
    const tests = readFileSync(join(folder, 'monitoring', 'padlock-rules.test.yaml'), 'utf8');
    expect(new Set(names(tests, 'alertname'))).toEqual(new Set(names(rulesText, '- alert')));
  });

  const promtool = process.env.PADLOCK_PROMTOOL ?? 'promtool';
  const hasPromtool = spawnSync(promtool, ['--version'], { stdio: 'ignore' }).status === 0;
  it.skipIf(!hasPromtool)(
    'promtool finds the alerts as their tests say (needs promtool, or PADLOCK_PROMTOOL)',
    async () => {
      const cwd = join(folder, 'monitoring');
      const { stdout } = await run(promtool, ['test', 'rules', 'padlock-rules.test.yaml'], { cwd });
      expect(stdout).toContain('SUCCESS');
    },
  );
});

describe('the chart', () => {
  const helm = process.env.PADLOCK_HELM ?? 'helm';
  const hasHelm = spawnSync(helm, ['version'], { stdio: 'ignore' }).status === 0;
  const home = mkdtempSync(join(tmpdir(), 'padlock-helm-'));
  afterAll(() => rmSync(home, { recursive: true, force: true }));

  it.skipIf(!hasHelm)('renders what the plain manifests say (needs helm, or PADLOCK_HELM)', async () => {
    const args = [
      'template',
      'padlock-watch',
      join(folder, 'chart'),
      '-n',
      'padlock',
      '--set',
      'image.tag=0.1.0',
    ];
    const { stdout } = await run(helm, args, { env: { ...process.env, HOME: home } });
    const rendered: readonly KubeObject[] = parseAllDocuments(stdout)
      .map((document) => document.toJS())
      .filter((object) => object !== null);
    const rulesOf = (objects: readonly KubeObject[]) =>
      objects.filter(({ kind }) => /Role$/.test(kind)).map(({ kind, rules }) => ({ kind, rules }));
    expect(rulesOf(rendered)).toEqual(rulesOf(manifests));
    const podOf = (objects: readonly KubeObject[]) => {
      const pod = dig(
        objects.find(({ kind }) => kind === 'Deployment'),
        'spec',
        'template',
        'spec',
      );
      const [container] = asObjects(dig(pod, 'containers'));
      const args = asTexts(container?.args).filter((arg) => !/-every|--quiet/.test(arg));
      return {
        ...(typeof pod === 'object' ? pod : {}),
        containers: [{ ...container, imagePullPolicy: undefined, args }],
      };
    };
    expect(podOf(rendered)).toEqual(podOf(manifests));
    const kinds = (objects: readonly KubeObject[]) =>
      objects
        .map(({ kind }) => kind)
        .filter((kind) => kind !== 'Namespace')
        .toSorted();
    expect(kinds(rendered)).toEqual(kinds(manifests));
  });

  it.skipIf(!hasHelm)('renders the operator’s objects too', async () => {
    const args = [
      'template',
      'x',
      join(folder, 'chart'),
      '--set',
      'prometheusRule.enabled=true,serviceMonitor.enabled=true',
    ];
    const { stdout } = await run(helm, args, { env: { ...process.env, HOME: home } });
    const rule = parseAllDocuments(stdout)
      .map((document): unknown => document.toJS())
      .find((object) => asText(dig(object, 'kind')) === 'PrometheusRule');
    expect(dig(rule, 'spec')).toEqual(parse(rulesText));
  });

  it('has templates and values that say the same names', () => {
    const templates = readdirSync(join(folder, 'chart', 'templates')).map((name) =>
      readFileSync(join(folder, 'chart', 'templates', name), 'utf8'),
    );
    const values: unknown = parse(readFileSync(join(folder, 'chart', 'values.yaml'), 'utf8'));
    const used = new Set(
      templates.flatMap((text) => [...text.matchAll(/\.Values\.([\w.]+)/g)].map(([, path = '']) => path)),
    );
    expect([...used].filter((path) => dig(values, ...path.split('.')) === undefined)).toEqual([]);
  });
});
