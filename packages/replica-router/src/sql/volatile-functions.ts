/**
 * Functions that must not run on just any replica, by name.
 *
 * Most of them a replica refuses, and nothing has happened. The ones to fear it takes in silence: a
 * lock that excludes nobody, a setting on a connection that is the next user's, a signal to the wrong
 * server. PostgreSQL calls almost all of them volatile; where a database tells what it has
 * (`sql-catalog.ts`), its word counts, corrected by what is known here.
 */

/** Volatile as of PostgreSQL 18, without those that no query can call. */
const BUILT_IN = names(`
  amvalidate array_sample array_shuffle brin_desummarize_range brin_summarize_new_values
  brin_summarize_range clock_timestamp current_query currtid2 currval cursor_to_xml
  cursor_to_xmlschema gen_random_uuid gin_clean_pending_list lastval lo_close lo_creat lo_create
  lo_export lo_from_bytea lo_get lo_import lo_lseek lo_lseek64 lo_open lo_put lo_tell lo_tell64
  lo_truncate lo_truncate64 lo_unlink loread lowrite nextval pg_advisory_lock
  pg_advisory_lock_shared pg_advisory_unlock pg_advisory_unlock_all pg_advisory_unlock_shared
  pg_advisory_xact_lock pg_advisory_xact_lock_shared pg_available_wal_summaries pg_backup_start
  pg_backup_stop pg_blocking_pids pg_cancel_backend pg_clear_attribute_stats
  pg_clear_relation_stats pg_collation_actual_version pg_control_checkpoint pg_control_init
  pg_control_recovery pg_control_system pg_copy_logical_replication_slot
  pg_copy_physical_replication_slot pg_create_logical_replication_slot
  pg_create_physical_replication_slot pg_create_restore_point pg_current_logfile
  pg_current_wal_flush_lsn pg_current_wal_insert_lsn pg_current_wal_lsn
  pg_database_collation_actual_version pg_database_size pg_drop_replication_slot
  pg_export_snapshot pg_extension_config_dump pg_get_aios pg_get_backend_memory_contexts
  pg_get_loaded_modules pg_get_multixact_members pg_get_sequence_data pg_get_shmem_allocations
  pg_get_shmem_allocations_numa pg_get_wait_events pg_get_wal_replay_pause_state
  pg_get_wal_resource_managers pg_get_wal_summarizer_state pg_hba_file_rules
  pg_ident_file_mappings pg_import_system_collations pg_indexes_size pg_is_in_recovery
  pg_is_wal_replay_paused pg_isolation_test_session_is_blocked pg_jit_available
  pg_last_committed_xact pg_last_wal_receive_lsn pg_last_wal_replay_lsn
  pg_last_xact_replay_timestamp pg_lock_status pg_log_backend_memory_contexts
  pg_log_standby_snapshot pg_logical_emit_message pg_logical_slot_get_binary_changes
  pg_logical_slot_get_changes pg_logical_slot_peek_binary_changes pg_logical_slot_peek_changes
  pg_ls_archive_statusdir pg_ls_dir pg_ls_logdir pg_ls_logicalmapdir pg_ls_logicalsnapdir
  pg_ls_replslotdir pg_ls_summariesdir pg_ls_tmpdir pg_ls_waldir pg_nextoid
  pg_notification_queue_usage pg_notify pg_partition_ancestors pg_partition_tree pg_prepared_xact
  pg_promote pg_read_binary_file pg_read_file pg_read_file_old pg_relation_size pg_reload_conf
  pg_replication_origin_advance pg_replication_origin_create pg_replication_origin_drop
  pg_replication_origin_progress pg_replication_origin_session_is_setup
  pg_replication_origin_session_progress pg_replication_origin_session_reset
  pg_replication_origin_session_setup pg_replication_origin_xact_reset
  pg_replication_origin_xact_setup pg_replication_slot_advance pg_restore_attribute_stats
  pg_restore_relation_stats pg_rotate_logfile pg_rotate_logfile_old pg_safe_snapshot_blocking_pids
  pg_sequence_last_value pg_show_all_file_settings pg_show_replication_origin_status pg_sleep
  pg_sleep_for pg_sleep_until pg_stat_clear_snapshot pg_stat_file pg_stat_force_next_flush
  pg_stat_get_backend_io pg_stat_get_backend_wal pg_stat_get_io pg_stat_get_recovery_prefetch
  pg_stat_get_xact_blocks_fetched pg_stat_get_xact_blocks_hit pg_stat_get_xact_function_calls
  pg_stat_get_xact_function_self_time pg_stat_get_xact_function_total_time
  pg_stat_get_xact_numscans pg_stat_get_xact_tuples_deleted pg_stat_get_xact_tuples_fetched
  pg_stat_get_xact_tuples_hot_updated pg_stat_get_xact_tuples_inserted
  pg_stat_get_xact_tuples_newpage_updated pg_stat_get_xact_tuples_returned
  pg_stat_get_xact_tuples_updated pg_stat_have_stats pg_stat_reset pg_stat_reset_backend_stats
  pg_stat_reset_replication_slot pg_stat_reset_shared pg_stat_reset_single_function_counters
  pg_stat_reset_single_table_counters pg_stat_reset_slru pg_stat_reset_subscription_stats
  pg_stop_making_pinned_objects pg_switch_wal pg_sync_replication_slots pg_table_size
  pg_tablespace_size pg_terminate_backend pg_total_relation_size pg_try_advisory_lock
  pg_try_advisory_lock_shared pg_try_advisory_xact_lock pg_try_advisory_xact_lock_shared
  pg_wal_replay_pause pg_wal_replay_resume pg_wal_summary_contents pg_xact_commit_timestamp
  pg_xact_commit_timestamp_origin pg_xact_status query_to_xml query_to_xml_and_xmlschema
  query_to_xmlschema random random_normal set_config setseed setval timeofday ts_rewrite ts_stat
  txid_status uuidv4 uuidv7
`);

/**
 * Volatile because they answer differently each time, or because they look at the disk; they change
 * nothing, and a replica's answer is as good as the primary's. With those of the usual extensions.
 */
export const HARMLESS_FUNCTIONS: ReadonlySet<string> = names(`
  array_sample array_shuffle bernoulli clock_timestamp gen_random_bytes gen_random_uuid gen_salt
  normal_rand pg_database_size pg_indexes_size pg_partition_ancestors pg_partition_tree
  pg_relation_size pg_sleep pg_sleep_for pg_sleep_until pg_table_size pg_tablespace_size
  pg_total_relation_size random random_normal system system_rows system_time timeofday
  uuid_generate_v1 uuid_generate_v1mc uuid_generate_v4 uuidv4 uuidv7
`);

/**
 * Not volatile by the catalog, or of an extension: they take a transaction id, tell what only the
 * primary or this connection knows, fail while in recovery, or act on another server.
 */
export const PRIMARY_FUNCTIONS: ReadonlySet<string> = names(`
  dblink dblink_build_sql_delete dblink_build_sql_insert dblink_build_sql_update
  dblink_cancel_query dblink_close dblink_connect dblink_connect_u dblink_disconnect
  dblink_error_message dblink_exec dblink_fetch dblink_get_connections dblink_get_notify
  dblink_get_result dblink_is_busy dblink_open dblink_send_query inet_server_addr inet_server_port
  pg_backend_pid pg_current_snapshot pg_current_xact_id pg_current_xact_id_if_assigned
  pg_listening_channels pg_walfile_name pg_walfile_name_offset txid_current
  txid_current_if_assigned txid_current_snapshot
`);

/** They leave something on their connection that the transaction's end does not take away. */
export const SESSION_FUNCTIONS: ReadonlySet<string> = names(`
  dblink_close dblink_connect dblink_connect_u dblink_disconnect dblink_fetch dblink_get_result
  dblink_open dblink_send_query pg_advisory_lock pg_advisory_lock_shared pg_advisory_unlock
  pg_advisory_unlock_all pg_advisory_unlock_shared pg_copy_logical_replication_slot
  pg_copy_physical_replication_slot pg_create_logical_replication_slot
  pg_create_physical_replication_slot pg_replication_origin_session_reset
  pg_replication_origin_session_setup pg_try_advisory_lock pg_try_advisory_lock_shared set_config
  set_limit setseed
`);

/** What counts as volatile while a database has not told what it has. */
export const VOLATILE_FUNCTIONS: ReadonlySet<string> = new Set(
  [...BUILT_IN, ...PRIMARY_FUNCTIONS].filter((name) => !HARMLESS_FUNCTIONS.has(name)),
);

function names(text: string): ReadonlySet<string> {
  return new Set(text.trim().split(/\s+/));
}
