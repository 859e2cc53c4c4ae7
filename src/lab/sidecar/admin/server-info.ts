/** `/server_info`. The version says that this is not Envoy: whoever looks must be able to tell. */
import type { AdminContext } from './admin.ts';
import { bootstrapNode } from './bootstrap.ts';

export const proxyVersion = 'padlock-lab/1.40.0/Clean/RELEASE/OpenSSL';

export function serverInfo(context: AdminContext): unknown {
  const { proxy, startedAt, ready } = context;
  const uptime = `${Math.floor((proxy.now() - startedAt) / 1000)}s`;
  return {
    version: proxyVersion,
    state: ready() ? 'LIVE' : 'PRE_INITIALIZING',
    uptime_current_epoch: uptime,
    uptime_all_epochs: uptime,
    hot_restart_version: 'disabled',
    command_line_options: {
      base_id: '0',
      concurrency: 2,
      config_path: 'etc/istio/proxy/envoy-rev.json',
      config_yaml: '',
      local_address_ip_version: 'v4',
      log_level: 'warning',
      component_log_level: 'misc:error',
      drain_time: `${Math.round(proxy.drainMs / 1000)}s`,
      drain_strategy: 'Immediate',
      parent_shutdown_time: '900s',
      mode: 'Serve',
      disable_hot_restart: true,
      restart_epoch: 0,
    },
    node: bootstrapNode(proxy.node),
    hot_restart_initializing: false,
  };
}
