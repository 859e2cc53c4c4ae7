/** The controller manager and the scheduler: everything that runs beside the API server. */
import type { Api, ResourceName } from '../api/api.ts';
import { type Controller, runController } from './controller.ts';
import { cronJobController } from './cronjob.ts';
import { daemonSetController } from './daemonset.ts';
import { deploymentController } from './deployment.ts';
import { disruptionController } from './disruption.ts';
import { endpointSliceController } from './endpointslice.ts';
import { createRecorder } from './events.ts';
import { garbageCollector } from './garbage-collector.ts';
import { jobController } from './job.ts';
import { namespaceContentController } from './namespace-content.ts';
import { namespaceLifecycleController } from './namespace-lifecycle.ts';
import { podCollector } from './pod-gc.ts';
import { replicaSetController } from './replicaset.ts';
import { scheduler } from './scheduler.ts';
import { statefulSetController } from './statefulset.ts';

export interface ControllersOptions {
  readonly api: Api;
  readonly now: () => Date;
  /** PEM of the API server's authority. */
  readonly clusterCertificate: string;
  /** Resources that the API server serves, asked when it matters. */
  readonly resources: () => {
    readonly all: readonly ResourceName[];
    readonly namespaced: readonly ResourceName[];
  };
  readonly onError: (controller: string, key: string, error: unknown) => void;
}

/** Starts all of them. @returns the function that stops them. */
export function startControllers(options: ControllersOptions): () => void {
  const { api, now, clusterCertificate, resources, onError } = options;
  const environment = (component: string) => ({ api, now, events: createRecorder(api, component, now) });
  const controllers: readonly Controller[] = [
    namespaceContentController(api, clusterCertificate),
    scheduler(environment('default-scheduler')),
    replicaSetController(environment('replicaset-controller')),
    deploymentController(environment('deployment-controller')),
    statefulSetController(environment('statefulset-controller')),
    daemonSetController(environment('daemonset-controller')),
    jobController(environment('job-controller')),
    cronJobController(environment('cronjob-controller')),
    endpointSliceController({ api, now }),
    disruptionController(api, now),
    podCollector(api),
    namespaceLifecycleController(api, () => resources().namespaced, now),
    garbageCollector(api, () => resources().all),
  ];
  const stops = controllers.map((controller) => runController({ api, onError }, controller));
  return () => {
    for (const stop of stops) stop();
  };
}
