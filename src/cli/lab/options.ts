/** From the flags of `padlock lab up` to what the lab is started with, here or in a process of its own. */
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { PadlockError } from '../../errors.ts';
import { FieldReader } from '../../istio/fields.ts';
import { readMeshConfig } from '../../istio/mesh-config.ts';
import { labFolder, labRoot } from '../../lab/daemon/lab-folder.ts';
import type { ServeOptions } from '../../lab/daemon/serve-lab.ts';
import { scenario } from '../../lab/scenarios/scenarios.ts';
import { readWithLibrary } from '../../sources/manifests/library.ts';
import type { LabServeFlags } from '../commands/lab.route.ts';
import type { Context } from '../context.ts';

type Outside = Pick<Context, 'env' | 'cwd' | 'clock'>;

/** @throws PadlockError `USAGE`, and for the mesh config `FILE_NOT_READABLE`, `YAML_SYNTAX`, `INPUT_INVALID` */
export function serveOptions(flags: LabServeFlags, { env, cwd, clock }: Outside): ServeOptions {
  const { certTtl, propagation, seed, meshConfig, data, kubeconfig, merge, scenario: name } = flags;
  return {
    folder: labFolder(labRoot(env, cwd), flags.name),
    lab: {
      port: flags.port,
      nodes: flags.nodes,
      path: env.PATH ?? '',
      ...(certTtl === undefined ? {} : { certTtlSeconds: certTtl }),
      ...(propagation === undefined ? {} : { propagation: { ...propagation, seed } }),
      ...(meshConfig === undefined ? {} : { meshConfig: meshConfigText(resolve(cwd, meshConfig)) }),
      ...(data === undefined ? {} : { data: resolve(cwd, data) }),
    },
    ...(kubeconfig === undefined ? {} : { kubeconfig: resolve(cwd, kubeconfig) }),
    ...(name === undefined ? {} : { objects: scenario(name).objects }),
    ...(merge === true ? { mergeInto: ownKubeconfig(env, cwd) } : {}),
    now: () => clock.now(),
  };
}

/** The words that start the same lab by `padlock lab serve`; paths are absolute, because that process has its own folder. */
export function serveWords(flags: LabServeFlags, cwd: string): readonly string[] {
  const { certTtl, propagation, meshConfig, data, kubeconfig, merge, scenario: name } = flags;
  return [
    ...['lab', 'serve', '--name', flags.name, '--port', `${flags.port}`],
    ...['--nodes', `${flags.nodes}`, '--seed', `${flags.seed}`],
    ...(certTtl === undefined ? [] : ['--cert-ttl', `${certTtl}s`]),
    ...(propagation === undefined ? [] : ['--propagation', `${propagation.min}ms..${propagation.max}ms`]),
    ...(meshConfig === undefined ? [] : ['--mesh-config', resolve(cwd, meshConfig)]),
    ...(data === undefined ? [] : ['--data', resolve(cwd, data)]),
    ...(kubeconfig === undefined ? [] : ['--kubeconfig', resolve(cwd, kubeconfig)]),
    ...(name === undefined ? [] : ['--scenario', name]),
    ...(merge === true ? ['--merge'] : []),
  ];
}

/** The file that kubectl would write to: the first of KUBECONFIG, else `~/.kube/config`. */
function ownKubeconfig(env: Context['env'], cwd: string): string {
  const first = (env.KUBECONFIG ?? '').split(delimiter).find((path) => path !== '');
  return first === undefined ? join(env.HOME ?? homedir(), '.kube', 'config') : resolve(cwd, first);
}

/** The text itself: istiod gets it as it was written, once it is known to be a mesh config. */
function meshConfigText(path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    const hint = 'check the path of --mesh-config';
    throw new PadlockError('FILE_NOT_READABLE', `cannot read ${path}`, { hint, cause });
  }
  const [document] = readWithLibrary(text, { file: path, line: 1 });
  const reader = new FieldReader();
  readMeshConfig(reader.fields(document?.value, 'the file'), reader);
  const [problem] = reader.problems;
  if (problem === undefined) return text;
  const sentence = `${path} is no mesh config: ${problem.field.replace(/^data\.mesh\./, '')} ${problem.message}`;
  throw new PadlockError('INPUT_INVALID', sentence, {
    hint: 'the file holds what stands under `mesh` in the config map istio',
  });
}
