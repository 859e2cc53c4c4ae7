/** A lab that later commands can find: started, written down, and ended when it is told to. */
import { randomBytes } from 'node:crypto';
import { PadlockError } from '../../errors.ts';
import type { KubeObject } from '../../istio/kubernetes.ts';
import { resourceOf } from '../cluster-core.ts';
import { type Lab, type LabOptions, startLab } from '../lab.ts';
import { type ControlServer, startControl } from './control-server.ts';
import { type LabFolder, makeLabFolder } from './lab-folder.ts';
import { mergeKubeconfig, unmergeKubeconfig } from './merge-kubeconfig.ts';
import { findLab } from './running-lab.ts';
import { takeStartLock } from './start-lock.ts';
import { type LabState, removeState, writeState } from './state-file.ts';
import { writePrivate } from './write-private.ts';

export interface ServeOptions {
  readonly folder: LabFolder;
  readonly lab: Omit<LabOptions, 'name'>;
  /** Where the kubeconfig is written; the lab's own folder when absent. */
  readonly kubeconfig?: string;
  /** Created once the control plane is ready. */
  readonly objects?: readonly KubeObject[];
  /** A kubeconfig that the lab's entries are merged into. */
  readonly mergeInto?: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export interface ServedLab {
  readonly state: LabState;
  readonly hasCurl: boolean;
  readonly nodes: number;
  /** Resolves when somebody asked the lab to end, by its control server. */
  readonly stopAsked: Promise<void>;
  /** Ends the lab and removes what it wrote. */
  close(): Promise<void>;
}

/**
 * Starts the lab in this process; resolves once its control plane is ready.
 * @throws PadlockError `LAB_ALREADY_RUNNING`, `PORT_IN_USE`, `FILE_NOT_WRITABLE`
 */
export async function serveLab(options: ServeOptions): Promise<ServedLab> {
  const { folder } = options;
  makeLabFolder(folder);
  const release = await takeStartLock(folder);
  try {
    await refuseSecond(folder);
    const lab = await startLab({ ...options.lab, name: folder.name });
    try {
      return await publish(options, lab);
    } catch (error) {
      await lab.close();
      throw error;
    }
  } finally {
    release();
  }
}

/** A stale state file is cleaned away; a lab that runs, or hangs, stays. */
async function refuseSecond(folder: LabFolder): Promise<void> {
  const standing = await findLab(folder);
  if (standing.kind === 'running') {
    throw new PadlockError('LAB_ALREADY_RUNNING', `lab "${folder.name}" is already running`, {
      hint: `use it with export KUBECONFIG=${standing.state.kubeconfig}, or end it with \`padlock lab down\``,
    });
  }
  if (standing.kind === 'hanging') {
    throw new PadlockError(
      'LAB_ALREADY_RUNNING',
      `lab "${folder.name}" runs as process ${standing.state.pid} and does not answer`,
      { hint: '`padlock lab down` ends it' },
    );
  }
  if (standing.kind === 'stale') removeState(folder);
}

async function publish(options: ServeOptions, lab: Lab): Promise<ServedLab> {
  const { folder, now } = options;
  const started = now();
  const stop = Promise.withResolvers<void>();
  const secret = randomBytes(32).toString('hex');
  await lab.whenReady();
  for (const object of options.objects ?? []) {
    const resource = resourceOf(lab.api, object);
    const { namespace, name } = object.metadata;
    // A lab that keeps its objects has those of the last time.
    if (lab.api.get(resource, namespace, name) === undefined) lab.api.create(resource, object, 'padlock-lab');
  }
  const control: ControlServer = await startControl(secret, {
    status: () => ({ ...labFacts(lab), uptimeMilliseconds: now() - started }),
    stop: () => stop.resolve(),
  });
  const kubeconfig = options.kubeconfig ?? folder.kubeconfig;
  const state: LabState = {
    version: 1,
    name: folder.name,
    pid: process.pid,
    startedAt: new Date(started).toISOString(),
    server: lab.server.url,
    context: lab.context,
    kubeconfig,
    control: { port: control.port, secret },
    ...(options.mergeInto === undefined ? {} : { mergedInto: options.mergeInto }),
  };
  try {
    writePrivate(kubeconfig, lab.kubeconfig);
    if (options.mergeInto !== undefined) mergeKubeconfig(options.mergeInto, lab.access);
    writeState(folder, state);
  } catch (error) {
    control.close();
    throw error;
  }
  let closing: Promise<void> | undefined;
  return {
    state,
    hasCurl: lab.hasCurl,
    nodes: lab.api.list('nodes').length,
    stopAsked: stop.promise,
    close() {
      closing ??= withdraw(options, lab, control, state);
      return closing;
    },
  };
}

async function withdraw(
  { folder }: ServeOptions,
  lab: Lab,
  control: ControlServer,
  state: LabState,
): Promise<void> {
  await lab.close();
  if (state.mergedInto !== undefined) unmergeKubeconfig(state.mergedInto, state.context);
  removeState(folder, state.kubeconfig);
  // Last: while it answers, the lab counts as running.
  control.close();
}

/** What `padlock lab status` shows, beside what the state file says. */
function labFacts(lab: Lab): object {
  const pods = lab.api.list('pods');
  return {
    nodes: lab.api.list('nodes').length,
    pods: pods.length,
    sidecars: lab.istiod.status().length,
    memoryBytes: process.memoryUsage().rss,
    curl: lab.hasCurl,
  };
}
