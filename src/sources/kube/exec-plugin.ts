/**
 * Exec credential plug-ins, by the contract of client.authentication.k8s.io/v1 and v1beta1
 * (kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins).
 */
import { spawn } from 'node:child_process';
import { PadlockError } from '../../errors.ts';
import { asObject, asObjects, asText, asTexts, dig, type JsonObject } from '../json-value.ts';
import { fileOrData } from './credential-files.ts';
import type { CredentialEnvironment } from './credentials.ts';

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
  { cluster, env, isTerminal }: CredentialEnvironment,
): Promise<ExecCredentials> {
  const command = asText(exec.command) ?? '';
  const apiVersion = asText(exec.apiVersion) ?? '';
  if (command === '' || !versions.includes(apiVersion)) {
    throw new PadlockError(
      'KUBECONFIG_INVALID',
      `the kubeconfig’s exec entry needs a command and an apiVersion of ${versions.join(' or ')}, not "${apiVersion}"`,
    );
  }
  const interactive = mayAsk(exec, command, isTerminal);
  const told = exec.provideClusterInfo === true ? { cluster: await clusterInfo(cluster) } : {};
  const info = { apiVersion, kind: 'ExecCredential', spec: { interactive, ...told } };
  const added = asObjects(exec.env).map((entry) => [asText(entry.name) ?? '', asText(entry.value)]);
  const output = await run(command, asTexts(exec.args), asText(exec.installHint), interactive, {
    ...env,
    ...Object.fromEntries(added),
    KUBERNETES_EXEC_INFO: JSON.stringify(info),
  });
  return readCredential(output, command, apiVersion);
}

/** Whether the plug-in gets the terminal. Standard input that is no terminal may be a manifest (`-f -`): it is not the plug-in's. */
function mayAsk(exec: JsonObject, command: string, isTerminal: boolean): boolean {
  const mode = asText(exec.interactiveMode) ?? 'IfAvailable';
  if (mode !== 'Always' && mode !== 'IfAvailable' && mode !== 'Never') {
    throw new PadlockError(
      'KUBECONFIG_INVALID',
      `the kubeconfig’s exec entry has the interactiveMode "${mode}"; it is Never, IfAvailable or Always`,
    );
  }
  if (mode === 'Always' && !isTerminal) {
    throw new PadlockError(
      'CLUSTER_UNAUTHORIZED',
      `"${command}", which the kubeconfig logs in with, must ask a person, and there is no terminal`,
      { hint: 'run it in a terminal, or use a login that asks nobody (a service account’s token)' },
    );
  }
  return mode !== 'Never' && isTerminal;
}

/** `spec.cluster` of client.authentication.k8s.io: the authority is data there, and the cluster's own extension is its `config`. */
async function clusterInfo(cluster: JsonObject): Promise<JsonObject> {
  const authority = await fileOrData(cluster, 'certificate-authority');
  const extension = asObjects(cluster.extensions).find(
    ({ name }) => name === 'client.authentication.k8s.io/exec',
  );
  return {
    server: cluster.server,
    'tls-server-name': cluster['tls-server-name'],
    'insecure-skip-tls-verify': cluster['insecure-skip-tls-verify'],
    'certificate-authority-data': authority?.toString('base64'),
    'proxy-url': cluster['proxy-url'],
    'disable-compression': cluster['disable-compression'],
    config: extension?.extension,
  };
}

function run(
  command: string,
  args: readonly string[],
  installHint: string | undefined,
  interactive: boolean,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      env: { ...env },
      stdio: [interactive ? 'inherit' : 'ignore', 'pipe', 'inherit'],
    });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.on('error', (cause) => {
      reject(
        new PadlockError(
          'CLUSTER_UNAUTHORIZED',
          `cannot run "${command}", which the kubeconfig logs in with: ${whyNotRun(cause)}`,
          {
            cause,
            // The hint of a managed service may have several lines.
            hint: installHint?.trim() || 'install it, or choose another context with --context',
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

function whyNotRun(cause: Error): string {
  const code = 'code' in cause ? cause.code : undefined;
  if (code === 'ENOENT') return 'there is no such program';
  if (code === 'EACCES') return 'it may not be executed';
  return cause.message;
}

function readCredential(output: string, command: string, apiVersion: string): ExecCredentials {
  let parsed: unknown;
  try {
    parsed = JSON.parse(output);
  } catch (cause) {
    throw new PadlockError('CLUSTER_UNAUTHORIZED', `"${command}" printed something that is not JSON`, {
      cause,
    });
  }
  const answered = asText(dig(parsed, 'apiVersion'));
  if (answered !== apiVersion) {
    throw new PadlockError(
      'CLUSTER_UNAUTHORIZED',
      `"${command}" answers in ${answered ?? 'no apiVersion'}, and the kubeconfig says ${apiVersion}`,
      { hint: 'write the kubeconfig anew with your provider’s tool, or bring the plug-in up to date' },
    );
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
