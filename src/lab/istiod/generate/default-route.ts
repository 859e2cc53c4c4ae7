import type { Route } from '../../sidecar/config/route.ts';

/** The route that a service has where no VirtualService says otherwise: everything to one cluster, two retries. */
export function defaultRoute(cluster: string, operation: string): Route {
  return {
    match: { prefix: '/' },
    route: {
      cluster,
      timeout: '0s',
      retry_policy: {
        retry_on: 'connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes',
        num_retries: 2,
        retry_host_predicate: [
          {
            name: 'envoy.retry_host_predicates.previous_hosts',
            typed_config: {
              '@type':
                'type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate',
            },
          },
        ],
        host_selection_retry_max_attempts: '5',
      },
      max_grpc_timeout: '0s',
    },
    decorator: { operation },
    name: 'default',
  };
}
