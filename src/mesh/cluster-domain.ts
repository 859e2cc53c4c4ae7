/** The cluster's domain, from the arguments that injection gave the proxies: one value of the installation feeds both. */
import type { MeshConfig } from '../istio/mesh-config.ts';
import type { Workload } from './workload.ts';

const standard = 'cluster.local';

/** The domain in `--domain $(POD_NAMESPACE).svc.DOMAIN`; undefined without that argument. */
export function domainArgument(args: readonly string[]): string | undefined {
  const joined = args.find((argument) => argument.startsWith('--domain='))?.slice('--domain='.length);
  const position = args.indexOf('--domain');
  const value = joined ?? (position < 0 ? undefined : args[position + 1]);
  return value?.split('.svc.')[1];
}

/**
 * What Service hosts end in, and what short names are completed with. Proxies that run with arguments and without a domain tell
 * of a control plane that has none; where no proxy tells anything, the usual domain is taken.
 */
export function clusterDomainOf(
  workloads: readonly Workload[],
): Pick<MeshConfig, 'clusterDomain' | 'shortNameDomain'> {
  const counts = new Map<string, number>();
  let silent = false;
  for (const { proxyArgs } of workloads) {
    if (proxyArgs.length === 0) continue;
    const domain = domainArgument(proxyArgs);
    if (domain === undefined) silent = true;
    else counts.set(domain, (counts.get(domain) ?? 0) + 1);
  }
  const [most] = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  if (most !== undefined) return { clusterDomain: most[0], shortNameDomain: most[0] };
  return { clusterDomain: standard, shortNameDomain: silent ? '' : standard };
}
