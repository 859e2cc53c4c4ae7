/**
 * How long `padlock verify` takes for a namespace of many workloads, on the lab: real proxies, real probes. The lab has a
 * process of its own, as a cluster has machines of its own; both share this machine.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { verify } from '../src/evidence/verify/verify.ts';
import { buildMesh } from '../src/mesh/mesh.ts';
import { readClusterSnapshot } from '../src/sources/cluster-snapshot.ts';
import { connectCluster } from '../src/sources/kube/connect.ts';
import type { Part } from './part.ts';

export const verifyPart: Part = {
  name: 'verify',
  brief: '`padlock verify` of 200 workloads with 3 ports each, on the lab, all four columns',
  async run(bench) {
    const figures = await benchVerify(200, 3);
    const { rows, proven, snapshotMs, verifyMs, clientMs, labMs } = figures;
    bench.say(
      `${rows} ports: ${proven} PROVEN; snapshot ${seconds(snapshotMs)}, verify ${seconds(verifyMs)}`,
    );
    bench.say(
      `processor time: Padlock ${seconds(clientMs)}, the lab’s API server and 201 sidecars ${seconds(labMs)}`,
    );
    bench.target('snapshot and verify', (snapshotMs + verifyMs) / 1000, 20, 's');
    bench.target('ports that are not PROVEN', rows - proven, 0, '');
  },
};

interface Figures {
  readonly rows: number;
  readonly proven: number;
  readonly snapshotMs: number;
  readonly verifyMs: number;
  /** Processor time of Padlock, and of the lab meanwhile. */
  readonly clientMs: number;
  readonly labMs: number;
}

export const benchNamespace = 'bench';

/** What the lab's process says: first where it is, then whenever it is asked. */
export interface LabSaid {
  readonly kubeconfig?: string;
  /** Processor time that it has had. */
  readonly processorMs: number;
}

/** Starts a lab, fills it, makes it STRICT and verifies every port. */
async function benchVerify(workloads: number, ports: number): Promise<Figures> {
  const lab = fork(join(import.meta.dirname, 'verify-lab.ts'), [String(workloads), String(ports)]);
  try {
    const { kubeconfig = '', processorMs: before } = await said(lab);
    const now = (): number => Date.now();
    const cluster = await connectCluster({ kubeconfig, env: {}, now });
    const usage = process.cpuUsage();
    const started = performance.now();
    const mesh = buildMesh(await readClusterSnapshot(cluster, { namespaces: [benchNamespace], now }));
    const read = performance.now();
    let count = 0;
    const { rows } = await verify(
      mesh,
      { namespaces: [benchNamespace], observe: { lookBack: 60_000, atLeast: 0 }, proxyStatus: true },
      {
        cluster,
        now,
        sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
        nonce: () => String(++count),
      },
    );
    const ended = performance.now();
    const { user, system } = process.cpuUsage(usage);
    lab.send('processor');
    const { processorMs: after } = await said(lab);
    return {
      rows: rows.length,
      proven: rows.filter(({ judgement }) => judgement.verdict === 'PROVEN').length,
      snapshotMs: read - started,
      verifyMs: ended - read,
      clientMs: (user + system) / 1000,
      labMs: after - before,
    };
  } finally {
    // A lab that died of itself has said why on standard error.
    if (lab.connected) {
      const ending = once(lab, 'exit');
      lab.send('end');
      await ending;
    }
  }
}

async function said(lab: ChildProcess): Promise<LabSaid> {
  const { promise: died, reject } = Promise.withResolvers<never>();
  const onExit = (code: number | null): void => reject(new Error(`the lab ended with ${code}`));
  lab.once('exit', onExit);
  try {
    const [message] = await Promise.race([once(lab, 'message'), died]);
    return message as LabSaid;
  } finally {
    lab.off('exit', onExit);
  }
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}
