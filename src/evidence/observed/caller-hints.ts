/** What a caller's User-Agent gives away about who it is. A caller may say what it likes: a hint, never a proof. */

const hints: readonly (readonly [RegExp, string])[] = [
  [/^kube-probe\//, 'a kubelet’s probe'],
  [/^kube-apiserver-admission/, 'the API server calling a webhook'],
  [/^kube-apiserver\//, 'the API server'],
  [/^kubectl\//, 'kubectl, by the API server’s proxy'],
  [/^Prometheus\//, 'Prometheus scraping'],
  [
    /^(vm_promscrape|VictoriaMetrics|Grafana Alloy|Alloy\/|GrafanaAgent|OpenTelemetry Collector|otelcol)/i,
    'a metrics scraper',
  ],
  [/^(datadog-agent|Datadog Agent)/i, 'the Datadog agent'],
  [/^GoogleHC\//, 'a Google load balancer’s health check'],
  [/^ELB-HealthChecker\//, 'an AWS load balancer’s health check'],
  [/^(Amazon-Route53-Health-Check|Edge Health Probe|Load Balancer Agent)/, 'a cloud health check'],
];

/** @returns who it says it is, where that is one of the usual callers from outside a mesh */
export function callerHint(userAgent: string | undefined): string | undefined {
  return hints.find(([pattern]) => userAgent !== undefined && pattern.test(userAgent))?.[1];
}
