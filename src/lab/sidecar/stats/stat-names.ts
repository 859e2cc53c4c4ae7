/**
 * The statistics that Envoy 1.3x and 1.40 keep in each kind of scope, so that those never touched are printed as 0, as
 * Envoy prints them (https://www.envoyproxy.io/docs/envoy/latest/configuration, the "Statistics" sections).
 */

export interface StatNames {
  readonly counters: readonly string[];
  readonly gauges: readonly string[];
  readonly histograms: readonly string[];
}

function words(text: string): readonly string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}

const none: StatNames = { counters: [], gauges: [], histograms: [] };

/** By scope kind. Names that are added here appear as 0 in every scope of the kind. */
export const statNames = {
  listener: {
    counters: words(`
      downstream_cx_destroy downstream_cx_overflow downstream_cx_overload_reject downstream_cx_total
      downstream_cx_transport_socket_connect_timeout downstream_global_cx_overflow
      downstream_listener_filter_error downstream_listener_filter_remote_close downstream_pre_cx_timeout
      extension_config_missing network_extension_config_missing no_filter_chain_match`),
    gauges: words(`
      downstream_cx_active downstream_pre_cx_active`),
    histograms: words(`
      connections_accepted_per_socket_event downstream_cx_length_ms`),
  },
  /** What a listener with a TLS chain, and a cluster with a TLS socket, keep besides. */
  ssl: {
    ...none,
    counters: words(`
      ssl.connection_error ssl.fail_verify_cert_hash ssl.fail_verify_error ssl.fail_verify_no_cert
      ssl.fail_verify_san ssl.handshake ssl.no_certificate ssl.ocsp_staple_failed ssl.ocsp_staple_omitted
      ssl.ocsp_staple_requests ssl.ocsp_staple_responses ssl.session_reused`),
  },
  /** What a listener keeps of each connection manager behind it. */
  listenerHttp: {
    ...none,
    counters: words(`
      downstream_rq_1xx downstream_rq_2xx downstream_rq_3xx downstream_rq_4xx downstream_rq_5xx
      downstream_rq_completed`),
  },
  http: {
    counters: words(`
      cors.origin_invalid cors.origin_valid downstream_cx_delayed_close_timeout downstream_cx_destroy
      downstream_cx_destroy_active_rq downstream_cx_destroy_local downstream_cx_destroy_local_active_rq
      downstream_cx_destroy_remote downstream_cx_destroy_remote_active_rq downstream_cx_drain_close
      downstream_cx_http1_total downstream_cx_http2_total downstream_cx_http3_total
      downstream_cx_idle_timeout downstream_cx_max_duration_reached downstream_cx_max_requests_reached
      downstream_cx_overload_disable_keepalive downstream_cx_protocol_error downstream_cx_rx_bytes_total
      downstream_cx_ssl_total downstream_cx_total downstream_cx_tx_bytes_total
      downstream_cx_upgrades_total downstream_flow_control_paused_reading_total
      downstream_flow_control_resumed_reading_total downstream_rq_1xx downstream_rq_2xx downstream_rq_3xx
      downstream_rq_4xx downstream_rq_5xx downstream_rq_completed downstream_rq_failed_path_normalization
      downstream_rq_header_timeout downstream_rq_http1_total downstream_rq_http2_total
      downstream_rq_http3_total downstream_rq_idle_timeout downstream_rq_max_duration_reached
      downstream_rq_non_relative_path downstream_rq_overload_close
      downstream_rq_redirected_with_normalized_path downstream_rq_rejected_via_ip_detection
      downstream_rq_response_before_rq_complete downstream_rq_rx_reset downstream_rq_timeout
      downstream_rq_too_large downstream_rq_too_many_premature_resets downstream_rq_total
      downstream_rq_tx_reset downstream_rq_ws_on_non_ws_route fault.aborts_injected fault.delays_injected
      fault.faults_overflow fault.response_rl_injected no_cluster no_route
      passthrough_internal_redirect_bad_location passthrough_internal_redirect_no_route
      passthrough_internal_redirect_predicate passthrough_internal_redirect_too_many_redirects
      passthrough_internal_redirect_unsafe_scheme rq_direct_response rq_overload_local_reply rq_redirect
      rq_reset_after_downstream_response_started rq_total rs_too_large tracing.client_enabled
      tracing.health_check tracing.not_traceable tracing.random_sampling tracing.service_forced`),
    gauges: words(`
      downstream_cx_active downstream_cx_http1_active downstream_cx_http1_soft_drain
      downstream_cx_http2_active downstream_cx_http3_active downstream_cx_rx_bytes_buffered
      downstream_cx_ssl_active downstream_cx_tx_bytes_buffered downstream_cx_upgrades_active
      downstream_rq_active fault.active_faults`),
    histograms: words(`
      downstream_cx_length_ms downstream_rq_time`),
  },
  /** What a cluster keeps before anything was sent to it; Envoy creates the rest on first use. */
  clusterUnused: {
    counters: words('membership_change update_attempt update_success'),
    gauges: words('membership_healthy membership_total'),
    histograms: [],
  },
  cluster: {
    counters: words(`
      assignment_stale assignment_timeout_received assignment_use_cached bind_errors
      default.total_match_count http1.dropped_headers_with_underscores http1.metadata_not_supported_error
      http1.requests_rejected_with_underscores_in_headers http1.response_flood init_fetch_timeout
      lb_healthy_panic lb_local_cluster_not_ok lb_recalculate_zone_structures lb_subsets_created
      lb_subsets_fallback lb_subsets_fallback_panic lb_subsets_removed lb_subsets_selected
      lb_zone_cluster_too_small lb_zone_no_capacity_left lb_zone_routing_all_directly
      lb_zone_routing_cross_zone lb_zone_routing_sampled membership_change original_dst_host_invalid
      retry_or_shadow_abandoned update_attempt update_empty update_failure update_no_rebuild
      update_rejected update_success upstream_cx_close_notify upstream_cx_connect_attempts_exceeded
      upstream_cx_connect_fail upstream_cx_connect_timeout upstream_cx_connect_with_0_rtt
      upstream_cx_destroy upstream_cx_destroy_local upstream_cx_destroy_local_with_active_rq
      upstream_cx_destroy_remote upstream_cx_destroy_remote_with_active_rq
      upstream_cx_destroy_with_active_rq upstream_cx_http1_total upstream_cx_http2_total
      upstream_cx_http3_total upstream_cx_idle_timeout upstream_cx_max_duration_reached
      upstream_cx_max_requests upstream_cx_none_healthy upstream_cx_overflow upstream_cx_pool_overflow
      upstream_cx_preconnect_skipped upstream_cx_protocol_error upstream_cx_rx_bytes_total
      upstream_cx_total upstream_cx_tx_bytes_total upstream_flow_control_backed_up_total
      upstream_flow_control_drained_total upstream_flow_control_paused_reading_total
      upstream_flow_control_resumed_reading_total upstream_http3_broken
      upstream_internal_redirect_failed_total upstream_internal_redirect_succeeded_total
      upstream_rq_active_overflow upstream_rq_cancelled upstream_rq_completed upstream_rq_maintenance_mode
      upstream_rq_max_duration_reached upstream_rq_pending_failure_eject upstream_rq_pending_overflow
      upstream_rq_pending_total upstream_rq_per_try_idle_timeout upstream_rq_per_try_timeout
      upstream_rq_retry upstream_rq_retry_backoff_exponential upstream_rq_retry_backoff_ratelimited
      upstream_rq_retry_limit_exceeded upstream_rq_retry_overflow upstream_rq_retry_success
      upstream_rq_rx_reset upstream_rq_rx_reset_no_error upstream_rq_timeout upstream_rq_total
      upstream_rq_tx_reset`),
    gauges: words(`
      circuit_breakers.default.cx_open circuit_breakers.default.cx_pool_open
      circuit_breakers.default.rq_open circuit_breakers.default.rq_pending_open
      circuit_breakers.default.rq_retry_open circuit_breakers.high.cx_open
      circuit_breakers.high.cx_pool_open circuit_breakers.high.rq_open
      circuit_breakers.high.rq_pending_open circuit_breakers.high.rq_retry_open lb_subsets_active
      max_host_weight membership_degraded membership_excluded membership_healthy membership_total
      update_time upstream_cx_active upstream_cx_rx_bytes_buffered upstream_cx_tx_bytes_buffered
      upstream_queue_overloaded upstream_rq_active upstream_rq_pending_active version warming_state`),
    histograms: words(`
      external.upstream_rq_time update_duration upstream_cx_connect_ms upstream_cx_length_ms
      upstream_rq_per_cx upstream_rq_time`),
  },
  tcp: {
    counters: words(`
      downstream_cx_drain_close downstream_cx_no_route downstream_cx_overload_close
      downstream_cx_rx_bytes_total downstream_cx_total downstream_cx_tx_bytes_total
      downstream_flow_control_paused_reading_total downstream_flow_control_resumed_reading_total
      early_data_received_count_total idle_timeout max_downstream_connection_duration route_delayed_total
      upstream_flush_total`),
    gauges: words(`
      downstream_cx_rx_bytes_buffered downstream_cx_tx_bytes_buffered upstream_flush_active`),
    histograms: [],
  },
  tlsInspector: {
    counters: words(`
      alpn_found alpn_not_found client_hello_too_large sni_found sni_not_found tls_found tls_not_found`),
    gauges: [],
    histograms: words(`
      bytes_processed`),
  },
  httpInspector: {
    counters: words(`
      http10_found http11_found http2_found http_not_found read_error`),
    gauges: [],
    histograms: [],
  },
  server: {
    counters: words(`
      debug_assertion_failures dropped_stat_flushes dynamic_unknown_fields envoy_bug_failures
      envoy_notifications main_thread.watchdog_mega_miss main_thread.watchdog_miss static_unknown_fields
      wip_protos worker_0.watchdog_mega_miss worker_0.watchdog_miss worker_1.watchdog_mega_miss
      worker_1.watchdog_miss`),
    gauges: words(`
      compilation_settings.fips_mode concurrency days_until_first_cert_expiring hot_restart_epoch live
      memory_allocated memory_heap_size memory_physical_size parent_connections
      seconds_until_first_ocsp_response_expiring state stats_recent_lookups total_connections uptime
      version`),
    histograms: words(`
      initialization_time_ms`),
  },
  listenerManager: {
    counters: words(`
      lds.init_fetch_timeout lds.update_attempt lds.update_failure lds.update_rejected lds.update_success
      listener_added listener_create_failure listener_create_success listener_in_place_updated
      listener_modified listener_removed listener_stopped`),
    gauges: words(`
      lds.update_time lds.version total_filter_chains_draining total_listeners_active
      total_listeners_draining total_listeners_warming workers_pinned workers_started`),
    histograms: words(`
      lds.update_duration`),
  },
  clusterManager: {
    counters: words(`
      cds.config_reload cds.init_fetch_timeout cds.update_attempt cds.update_failure cds.update_rejected
      cds.update_success cluster_added cluster_modified cluster_removed cluster_updated
      cluster_updated_via_merge update_merge_cancelled update_out_of_merge_window`),
    gauges: words(`
      active_clusters cds.config_reload_time_ms cds.update_time cds.version warming_clusters`),
    histograms: words(`
      cds.update_duration`),
  },
  sds: {
    counters: words(`
      control_plane.connected_state control_plane.pending_requests control_plane.rate_limit_enforced
      init_fetch_timeout key_rotation_failed update_attempt update_failure update_rejected update_success
      update_time version`),
    gauges: [],
    histograms: words(`
      update_duration`),
  },
  controlPlane: {
    counters: words(`
      rate_limit_enforced`),
    gauges: words(`
      connected_state pending_requests`),
    histograms: [],
  },
  /** Only what was counted exists. */
  sparse: none,
} as const satisfies Record<string, StatNames>;

export type ScopeKind = keyof typeof statNames;
