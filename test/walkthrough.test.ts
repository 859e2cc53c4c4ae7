/** The walkthrough of the guide, word for word, against the lab: the real kubectl, the real curl, no special flags. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasInputs, hasTools, inputs, type LabShell, startLabShell } from './lab-shell.ts';

const reason = 'skipped where kubectl, curl or ../shared/inputs is absent';

const peerAuthentication = (mode: string): string => `
apiVersion: security.istio.io/v1beta1
kind: PeerAuthentication
metadata:
  name: default
  namespace: secure-apps
spec:
  mtls:
    mode: ${mode}
`;

describe.skipIf(!hasTools() || !hasInputs)(`the walkthrough (${reason})`, () => {
  let lab: LabShell;
  const ok = (line: string, stdin?: string): Promise<string> => lab.ok(line, stdin);
  const sleepPod =
    'SLEEP_POD=$(kubectl get pod -l app=sleep -n secure-apps -o jsonpath={.items..metadata.name})';

  beforeAll(async () => {
    lab = await startLabShell();
  }, 60_000);
  afterAll(() => lab?.close());

  test('the control plane is there', async () => {
    const pods = await ok('kubectl get pods -n istio-system');
    expect(pods).toMatch(/^NAME +READY +STATUS +RESTARTS +AGE\n/);
    expect(pods).toMatch(/^istiod-\S+ +1\/1 +Running +0 +\d+s$/m);
    expect(pods).toMatch(/^istio-ingressgateway-\S+ +1\/1 +Running +0 +\d+s$/m);
    expect(await ok('kubectl get configmaps -n istio-system -o name')).toMatch(
      /configmap\/istio\n(.*\n)*configmap\/istio-ca-root-cert/,
    );
  });

  test('a namespace, injection, and STRICT', async () => {
    expect(await ok('kubectl create namespace secure-apps')).toBe('namespace/secure-apps created');
    expect(await ok('kubectl label namespace secure-apps istio-injection=enabled')).toBe(
      'namespace/secure-apps labeled',
    );
    expect(await ok('kubectl apply -f -', peerAuthentication('STRICT'))).toBe(
      'peerauthentication.security.istio.io/default created',
    );
    expect(await ok('kubectl get peerauthentication -n secure-apps')).toMatch(
      /^NAME +MODE +AGE\ndefault +STRICT +\d+s$/,
    );
    expect(await ok('kubectl get configmap istio-ca-root-cert -n secure-apps -o jsonpath={.data}')).toContain(
      'BEGIN CERTIFICATE',
    );
  });

  test('a mode that is none is refused as the CRD refuses it', async () => {
    const { code, stderr } = await lab.sh('kubectl apply -f -', peerAuthentication('STRCT'));
    expect(code).toBe(1);
    expect(stderr).toContain('The PeerAuthentication "default" is invalid');
    expect(stderr).toContain(
      'spec.mtls.mode: Unsupported value: "STRCT": supported values: "UNSET", "DISABLE", "PERMISSIVE", "STRICT"',
    );
    expect(
      await ok('kubectl get peerauthentication default -n secure-apps -o jsonpath={.spec.mtls.mode}'),
    ).toBe('STRICT');
  });

  test('the workloads become ready with a sidecar', async () => {
    await ok(`kubectl apply -f ${join(inputs, 'sleep-httpbin.yaml')}`);
    await ok('kubectl rollout status deployment/sleep deployment/httpbin -n secure-apps --timeout=30s');
    const pods = await ok('kubectl get pods -n secure-apps');
    expect(pods.match(/^(?:sleep|httpbin)-\S+ +2\/2 +Running +0 /gm)).toHaveLength(2);
  });

  test('the proxy counts what its TLS inspector sees', async () => {
    const counters = await ok(
      `${sleepPod}; kubectl exec -n secure-apps $SLEEP_POD -c istio-proxy -- curl -s http://localhost:15000/stats | grep tls_inspector`,
    );
    expect(counters).toMatch(/^tls_inspector\.tls_found: \d+$/m);
    expect(counters).toMatch(/^tls_inspector\.tls_not_found: \d+$/m);
  });

  test('from the application the request arrives with its SPIFFE identity', async () => {
    const answer = await ok(
      `${sleepPod}; kubectl exec -n secure-apps $SLEEP_POD -c sleep -- curl -s http://httpbin.secure-apps:8000/headers`,
    );
    expect(JSON.parse(answer).headers['X-Forwarded-Client-Cert']).toMatch(
      /^By=spiffe:\/\/cluster\.local\/ns\/secure-apps\/sa\/default;Hash=[0-9a-f]{64};Subject="";URI=spiffe:\/\/cluster\.local\/ns\/secure-apps\/sa\/default$/,
    );
    // The evidence is on the server's side.
    expect(
      await ok(
        'kubectl exec -n secure-apps deploy/httpbin -c istio-proxy -- curl -s http://localhost:15000/stats | grep tls_inspector.tls_found',
      ),
    ).toMatch(/: [1-9]\d*$/);
  });

  test('from the proxy’s container the same request is plaintext, and reset', async () => {
    const { code, stderr } = await lab.sh(
      `${sleepPod}; kubectl exec -n secure-apps $SLEEP_POD -c istio-proxy -- curl -sS http://httpbin.secure-apps:8000/headers`,
    );
    expect(stderr).toContain('curl: (56) Recv failure: Connection reset by peer');
    expect(code).toBe(56);
    expect(await ok('kubectl logs -n secure-apps deploy/httpbin -c istio-proxy --tail=1')).toMatch(
      /"- - -" 0 NR filter_chain_not_found .* - -$/,
    );
  });

  test('a pod outside the mesh is refused under STRICT, answered under PERMISSIVE and DISABLE', async () => {
    await ok('kubectl create namespace outside');
    await ok('kubectl run client -n outside --image=curlimages/curl -- sleep infinity');
    await ok('kubectl wait --for=condition=Ready pod/client -n outside --timeout=30s');
    const call = 'kubectl exec -n outside client -- curl -sS http://httpbin.secure-apps:8000/headers';
    const refused = await lab.sh(call);
    expect(refused.stderr).toContain('Connection reset by peer');
    expect(refused.code).toBe(56);
    for (const mode of ['PERMISSIVE', 'DISABLE']) {
      await ok('kubectl apply -f -', peerAuthentication(mode));
      expect(JSON.parse(await ok(call)).headers).not.toHaveProperty('X-Forwarded-Client-Cert');
    }
    await ok('kubectl apply -f -', peerAuthentication('STRICT'));
    expect((await lab.sh(call)).code).toBe(56);
  });

  test('the API server’s pod proxy calls from outside the mesh, and reads what stays plaintext', async () => {
    const pod = await ok('kubectl get pod -l app=httpbin -n secure-apps -o jsonpath={.items..metadata.name}');
    const proxy = (port: number, path: string): string =>
      `kubectl get --raw /api/v1/namespaces/secure-apps/pods/${pod}:${port}/proxy${path}`;
    const { code, stderr } = await lab.sh(proxy(80, '/get'));
    expect(stderr).toMatch(/ServiceUnavailable.*read: connection reset by peer/);
    expect(code).toBe(1);
    expect(await ok(proxy(15090, '/stats/prometheus'))).toContain('istio_requests_total{');
  });

  test('a port-forward enters at the pod’s loopback, past STRICT', async () => {
    // Waits for kubectl's word that it listens, asks twice, and ends kubectl.
    const line = (env: string): string => `
      exec 3< <(${env} exec kubectl port-forward -n secure-apps deploy/httpbin :80 2>&1)
      forward=$!
      read -r listening <&3
      port=$(sed -E 's/.*:([0-9]+) -> 80/\\1/' <<< "$listening")
      curl -s http://localhost:$port/get && curl -s -o /dev/null -w '%{http_code}' http://localhost:$port/status/418
      kill $forward`;
    for (const env of ['', 'KUBECTL_PORT_FORWARD_WEBSOCKETS=false']) {
      expect(await ok(line(env))).toMatch(/"url": "http:\/\/localhost:\d+\/get"[\s\S]*418$/);
    }
  });

  test('commands take their input and tell their exit code, over WebSocket and over SPDY', async () => {
    for (const env of ['', 'KUBECTL_REMOTE_COMMAND_WEBSOCKETS=false ']) {
      const exec = `${env}kubectl exec -i -n secure-apps deploy/sleep -c sleep --`;
      expect(await ok(`${exec} cat`, 'over the wire\n')).toBe('over the wire');
      expect((await lab.sh(`${exec} sh -c 'false || exit 7; exit 8'`)).code).toBe(7);
    }
    const missing = await lab.sh('kubectl exec -n secure-apps deploy/sleep -c nobody -- true');
    expect(missing.stderr).toMatch(/container nobody is not valid for pod sleep-/);
    expect(missing.code).toBe(1);
    expect(
      await ok(
        'kubectl run once -n outside -i --quiet --rm --restart=Never --image=curlimages/curl -- -s -o /dev/null -w "%{http_code}" http://istiod.istio-system:15014/version',
      ),
    ).toBe('200');
  });

  test('Istio’s own samples become ready, unmodified', async () => {
    await ok('kubectl create namespace samples && kubectl label namespace samples istio-injection=enabled');
    const files = ['httpbin', 'sleep', 'curl', 'bookinfo'].map(
      (name) => `-f ${join(inputs, `${name}.yaml`)}`,
    );
    await ok(`kubectl apply -n samples ${files.join(' ')}`);
    await ok('kubectl wait -n samples --for=condition=Available deployment --all --timeout=60s');
    const pods = await ok('kubectl get pods -n samples --no-headers');
    expect(pods.match(/ 2\/2 +Running /g)).toHaveLength(9);
  });

  test('deployments are restarted, undone, scaled, patched and edited', async () => {
    const status = 'kubectl rollout status deployment/httpbin -n samples --timeout=30s';
    await ok('kubectl rollout restart deployment/httpbin -n samples');
    expect(await ok(status)).toContain('deployment "httpbin" successfully rolled out');
    expect(await ok('kubectl rollout undo deployment/httpbin -n samples')).toContain('rolled back');
    await ok(status);
    expect(await ok('kubectl rollout history deployment/httpbin -n samples')).toMatch(/^3 /m);
    await ok('kubectl scale deployment/httpbin -n samples --replicas=3');
    await ok(status);
    await ok(`kubectl patch deployment httpbin -n samples -p '{"metadata":{"annotations":{"by":"patch"}}}'`);
    await ok(
      'KUBE_EDITOR="sed -i \'s/replicas: 3/replicas: 2/\'" kubectl edit deployment httpbin -n samples',
    );
    await ok(status);
    expect(
      await ok(
        "kubectl get deployment httpbin -n samples -o jsonpath='{.metadata.annotations.by} {.status.readyReplicas}'",
      ),
    ).toBe('patch 2');
    await ok('kubectl delete namespace samples outside --timeout=30s');
    expect(await ok('kubectl get namespaces -o name')).not.toContain('samples');
  });
});
