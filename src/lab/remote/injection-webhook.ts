/** The sidecar injector as a mutating webhook that a real API server calls on loopback. */
import { createServer } from 'node:https';
import type { KubeObject } from '../../istio/kubernetes.ts';
import type { AdmissionPlugin, ResourceName } from '../api/api.ts';
import { createAuthority } from '../api/authority.ts';
import { readBody } from '../api/http/node-http.ts';
import { ApiStatus } from '../api/status.ts';
import { listenOnLoopback } from '../net/listen.ts';

export interface InjectionWebhook {
  /** For a webhook's `clientConfig`. */
  readonly clientConfig: { readonly url: string; readonly caBundle: string };
  close(): Promise<void>;
}

/** The parts of an AdmissionReview's request that injection looks at. */
interface ReviewRequest {
  readonly uid: string;
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE';
  readonly namespace?: string;
  readonly object: KubeObject;
  readonly dryRun?: boolean;
  readonly resource: { readonly group: string; readonly resource: string };
}

export async function startInjectionWebhook(admit: AdmissionPlugin, now: Date): Promise<InjectionWebhook> {
  const { caCertificate, issueServer } = await createAuthority('padlock-lab-injector-ca', now);
  const pem = await issueServer('istiod', { ips: ['127.0.0.1'], names: ['localhost'] });
  const server = createServer({ key: pem.key, cert: pem.certificate }, (incoming, outgoing) => {
    readBody(incoming)
      .then((body) => answer(admit, JSON.parse(body.toString('utf8')).request))
      .then(
        (response) => {
          outgoing.setHeader('content-type', 'application/json');
          outgoing.end(
            JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response }),
          );
        },
        (error: unknown) => {
          outgoing.statusCode = 500;
          outgoing.end(String(error));
        },
      );
  });
  const port = await listenOnLoopback(server);
  return {
    clientConfig: {
      url: `https://127.0.0.1:${port}/inject`,
      caBundle: Buffer.from(caCertificate).toString('base64'),
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function answer(admit: AdmissionPlugin, request: ReviewRequest): object {
  const { uid, operation, namespace, object } = request;
  const resource: ResourceName =
    request.resource.group === ''
      ? request.resource.resource
      : `${request.resource.resource}.${request.resource.group}`;
  try {
    const admitted = admit({ operation, resource, namespace, object, dryRun: request.dryRun === true });
    if (admitted === object) return { uid, allowed: true };
    const patch = Buffer.from(JSON.stringify(patchTo(admitted))).toString('base64');
    return { uid, allowed: true, patchType: 'JSONPatch', patch };
  } catch (error) {
    if (!(error instanceof ApiStatus)) throw error;
    return { uid, allowed: false, status: error.toJSON() };
  }
}

/** An injector changes these three and no more. `add` replaces what is there. */
function patchTo({ metadata, spec }: KubeObject): readonly object[] {
  return [
    { op: 'add', path: '/metadata/labels', value: metadata.labels ?? {} },
    { op: 'add', path: '/metadata/annotations', value: metadata.annotations ?? {} },
    { op: 'replace', path: '/spec', value: spec },
  ];
}
