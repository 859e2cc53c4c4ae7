/**
 * Exec credential plug-ins, by the contract of client.authentication.k8s.io/v1 and v1beta1
 * (kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins).
 */
import { spawn } from 'node:child_process';
import { PadlockError } from '../../errors.ts';
import { asObject, asObjects, asText, asTexts, dig, type JsonObject } from '../json-value.ts';

export interface ExecCredentials {
  readonly token?: string;
  readonly cert?: string;
  readonly key?: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt?: number;
}

const versions = ['client.authentication.k8s.io/v1', 'client.authentication.k8s.io/v1beta1'];

/**
 * Runs the plug-in, which may talk to the person on the terminal (its standard error goes there).
 * @throws PadlockError `CLUSTER_UNAUTHORIZED` where it is missing, fails or prints something else
 */
export async function runExecPlugin(
  exec: JsonObject,
  cluster: JsonObject,
  env: Readonly<Record<string, string | undefined>>,
): Promise<ExecCredentials> {
  const command = asText(exec.command) ?? '';
  const apiVersion = asText(exec.apiVersion) ?? '';
  if (command === '' || !versions.includes(apiVersion)) {
    throw new PadlockError(
      'KUBECONFIG_INVALID',
      `the kubeconfig’s exec entry needs a command and an apiVersion of ${versions.join(' or ')}, not "${apiVersion}"`,
    );
  }
  const interactive = asText(exec.interactiveMode) !== 'Never';
  const info = {
    apiVersion,
    kind: 'ExecCredential',
    spec: { interactive, ...(exec.provideClusterInfo === true ? { cluster: clusterInfo(cluster) } : {}) },
  };
  const added = asObjects(exec.env).map((entry) => [asText(entry.name) ?? '', asText(entry.value)]);
  const output = await run(command, asTexts(exec.args), asText(exec.installHint), {
    ...env,
    ...Object.fromEntries(added),
    KUBERNETES_EXEC_INFO: JSON.stringify(info),
  });
  return readCredential(output, command);
}

function clusterInfo(cluster: JsonObject): JsonObject {
  const skip = cluster['insecure-skip-tls-verify'];
  return {
    server: cluster.server,
    'tls-server-name': cluster['tls-server-name'],
    'insecure-skip-tls-verify': skip,
    'certificate-authority-data': cluster['certificate-authority-data'],
    'proxy-url': cluster['proxy-url'],
  };
}

function run(
  command: string,
  args: readonly string[],
  installHint: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env: { ...env }, stdio: ['inherit', 'pipe', 'inherit'] });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.on('error', (cause) => {
      reject(
        new PadlockError(
          'CLUSTER_UNAUTHORIZED',
          `cannot run "${command}", which the kubeconfig logs in with`,
          {
            cause,
            hint: installHint ?? 'install it, or choose another context with --context',
          },
        ),
      );
    });
    child.on('close', (code, signal) => {
      if (code === 0) return resolve(Buffer.concat(chunks).toString('utf8'));
      const end = signal === null ? `exit code ${code}` : `signal ${signal}`;
      reject(
        new PadlockError(
          'CLUSTER_UNAUTHORIZED',
          `"${command}", which the kubeconfig logs in with, ended with ${end}`,
          {
            hint: 'log in again with your provider’s tool',
          },
        ),
      );
    });
  });
}

function readCredential(output: string, command: string): ExecCredentials {
  let parsed: unknown;
  try {
    parsed = JSON.parse(output);
  } catch (cause) {
    throw new PadlockError('CLUSTER_UNAUTHORIZED', `"${command}" printed something that is not JSON`, {
      cause,
    });
  }
  const status = asObject(dig(parsed, 'status'));
  const token = asText(status.token);
  const cert = asText(status.clientCertificateData);
  const key = asText(status.clientKeyData);
  if (token === undefined && (cert === undefined || key === undefined)) {
    throw new PadlockError(
      'CLUSTER_UNAUTHORIZED',
      `"${command}" gave neither a token nor a client certificate`,
    );
  }
  const expiresAt = Date.parse(asText(status.expirationTimestamp) ?? '');
  return {
    ...(token === undefined ? {} : { token }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(Number.isNaN(expiresAt) ? {} : { expiresAt }),
  };
}
