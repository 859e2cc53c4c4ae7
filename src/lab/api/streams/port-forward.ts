/** `port-forward` of the API server's pods. */
import type { ResourceContext } from '../http/context.ts';
import { podOf } from '../subresources/pod-container.ts';
import type { Departure } from './handshake.ts';
import { servePortForward } from './serve-port-forward.ts';

/** Answers `pods/NAME/portforward`. @throws ApiStatus before the connection leaves HTTP */
export async function portForward(context: ResourceContext, departure: Departure): Promise<void> {
  const { namespace = '', name } = podOf(context).metadata;
  const ports = context.request.url.searchParams.getAll('ports');
  await servePortForward(departure, { runtime: context.kubelet, pod: { namespace, name }, ports });
}
