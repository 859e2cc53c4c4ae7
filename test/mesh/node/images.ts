/** What the images of this node's containers are: programs of the machine, for each name of an image a few binds. */
import { join } from 'node:path';
import { meshBinary } from '../binaries.ts';
import type { Bind } from './container-process.ts';

export interface Image {
  readonly entrypoint: readonly string[];
  /** What runs without `command` and `args`. */
  readonly defaults: readonly string[];
  readonly user: number;
  readonly binds: readonly Bind[];
}

const proxyUser = 1337;

const script = (name: string): Bind => ({
  source: join(import.meta.dirname, '..', name),
  target: `/usr/local/lib/${name}`,
});

/** @returns undefined where the node has no such image: the container waits with ErrImagePull */
export function imageOf(name: string): Image | undefined {
  const repository = (name.split('/').at(-1) ?? '').replace(/[:@].*$/, '');
  return images[repository]?.();
}

const images: Readonly<Record<string, () => Image>> = {
  pilot: () => ({
    entrypoint: ['/usr/local/bin/pilot-discovery'],
    defaults: [],
    user: proxyUser,
    binds: [bin('pilot-discovery')],
  }),
  proxyv2: () => ({
    entrypoint: ['/usr/local/bin/pilot-agent'],
    defaults: [],
    user: proxyUser,
    binds: [
      bin('pilot-agent'),
      bin('envoy'),
      {
        source: meshBinary('envoy_bootstrap.json'),
        target: '/var/lib/istio/envoy/envoy_bootstrap_tmpl.json',
      },
    ],
  }),
  app: () => ({
    entrypoint: ['/usr/bin/node', '/usr/local/lib/app.mjs'],
    defaults: ['http:8080'],
    user: 0,
    binds: [script('app.mjs')],
  }),
  curl: () => ({
    entrypoint: ['/usr/bin/curl'],
    defaults: ['--help'],
    user: 100,
    binds: [script('load.mjs'), script('probe.mjs')],
  }),
};

function bin(name: string): Bind {
  return { source: meshBinary(name), target: `/usr/local/bin/${name}` };
}
